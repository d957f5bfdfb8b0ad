export { keyAfter, prefixEnd } from './byteOrder.ts';
export * from './contract.ts';
export { type EngineJournal, type LmdbEngineOptions, openLmdbEngine } from './lmdb/open.ts';
export { checkPages, type DamagedPage } from './lmdb/pageCheck.ts';
export { MemoryEngine, type MemoryEngineOptions } from './memory/engine.ts';
export { type JournaledMemoryOptions, MemoryBases, openJournaledMemoryEngine } from './memory/journaled.ts';
export type { MemoryState } from './memory/state.ts';
