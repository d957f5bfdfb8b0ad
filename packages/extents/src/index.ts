export { crc32c } from '@facet/journal';
export type { Extent, WriteFault } from './appender.ts';
export { Ballast, ballastBytes } from './ballast.ts';
export { containerName, shardOf } from './containerName.ts';
export * from './contract.ts';
export { DIRECT_BLOCK_BYTES, type Disk, type DiskFile, type FileStatus, type Writes } from './disk.ts';
export { forwarded } from './forwarded.ts';
export { FRAME_DATA_BYTES, headerLength, physicalLength } from './frame.ts';
export { type ByteJournal, ByteReplay } from './journaledBytes.ts';
export { allocateRun } from './linux.ts';
export { LocalExtentStore, type LocalExtentStoreOptions } from './localExtentStore.ts';
export { type DiskCounts, NodeDisk } from './nodeDisk.ts';
export { PastUnreadable } from './pastUnreadable.ts';
export {
  type DiskFault,
  type DiskOperation,
  type DiskOperationKind,
  MemoryDisk,
  type MemoryDiskOptions,
} from './simulated/memoryDisk.ts';
export { type StrayFile, strayFiles } from './strayFiles.ts';
