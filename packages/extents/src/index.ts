export type { Extent, WriteFault } from './appender.ts';
export * from './contract.ts';
export type { Disk, DiskFile, FileStatus } from './disk.ts';
export { FRAME_DATA_BYTES, headerLength, physicalLength } from './frame.ts';
export { LocalExtentStore, type LocalExtentStoreOptions } from './localExtentStore.ts';
export { NodeDisk } from './nodeDisk.ts';
