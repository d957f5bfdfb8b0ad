/**
 * What is said between the thread that serves and one that hashes. Bytes are not in it: they lie in slots of memory that
 * both see: from `update` until `digested` nobody may change a slot.
 */
import type { ComputedAlgorithm } from '../checksums/algorithms.ts';
import { MD5_BYTES, PAGE_BYTES } from './md5/md5Lanes.ts';

/** So large that messages cost little a MiB, and so small that the thread begins before much has come. */
export const SLOT_BYTES = 256 << 10;
/** Of one thread, for all bodies it has: 2 MiB, two to five milliseconds of hashing. */
export const SLOTS = 8;

/** The memory of one thread: what MD5 has for itself, and the slots. */
export function newMemory(): WebAssembly.Memory {
  const pages = (MD5_BYTES + SLOTS * SLOT_BYTES) / PAGE_BYTES;
  return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
}

export function slotAddress(slot: number): number {
  return MD5_BYTES + slot * SLOT_BYTES;
}

/** Numbers of bodies are of one thread, and never used again. */
export type Order =
  | { readonly kind: 'open'; readonly body: number; readonly algorithms: readonly ComputedAlgorithm[] }
  | { readonly kind: 'update'; readonly body: number; readonly slot: number; readonly lengthBytes: number }
  | { readonly kind: 'end'; readonly body: number }
  | { readonly kind: 'abandon'; readonly body: number };

export type Answer =
  | { readonly kind: 'digested'; readonly slot: number }
  | {
      readonly kind: 'digests';
      readonly body: number;
      readonly values: readonly (readonly [ComputedAlgorithm, Uint8Array])[];
    };
