export { keyAfter, prefixEnd } from './byteOrder.ts';
export * from './contract.ts';
export { ColdReads } from './lmdb/coldReads.ts';
export {
  type CompactedFile,
  type CompactFileOptions,
  compactFile,
  removeUnfinished,
} from './lmdb/compactFile.ts';
export type { LmdbEngine } from './lmdb/engine.ts';
export { type EngineJournal, type LmdbEngineOptions, openLmdbEngine } from './lmdb/open.ts';
export { checkPages, type DamagedPage } from './lmdb/pageCheck.ts';
export type { RemadeFreeList } from './lmdb/pagesLook.ts';
export type { ReaderNotice } from './lmdb/readerNotice.ts';
export { LmdbReplica } from './lmdb/replica.ts';
export { MemoryEngine, type MemoryEngineOptions } from './memory/engine.ts';
export { type JournaledMemoryOptions, MemoryBases, openJournaledMemoryEngine } from './memory/journaled.ts';
export type { MemoryState } from './memory/state.ts';
export type { OwnWrite } from './mergeRange.ts';
export { WatchedEngine, type Watcher } from './watched.ts';
