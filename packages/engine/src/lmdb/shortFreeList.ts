import { isOutOfRoom } from '@facet/journal';
import { EngineError } from '../contract.ts';
import { NO_NEEDS } from './commitNeeds.ts';
import { type DataFile, PAGE_BYTES } from './dataFile.ts';
import type { FileRoom } from './fileRoom.ts';
import { readNewestHeader } from './header.ts';
import { LEAVES_LONG, LEAVES_MAX, packFreeList } from './packedFreeList.ts';
import type { PinnedState } from './pinnedState.ts';
import type { UsageMeter } from './usageMeter.ts';

/** Of a packed list, at most, for each leaf that it had: a leaf of two records of 250 numbers, and what the tree takes. */
const PAGES_PER_LEAF = 2;

export interface ShortFreeListParts {
  readonly file: DataFile;
  readonly meter: UsageMeter;
  readonly room: FileRoom;
}

/** Keeps LMDB's list of free pages short, while it is open: see packedFreeList.ts. */
export class ShortFreeList {
  readonly #parts: ShortFreeListParts;
  /** Of what was packed already nothing becomes shorter. */
  #leavesBefore = 0;

  constructor(parts: ShortFreeListParts) {
    this.#parts = parts;
  }

  get isLong(): boolean {
    return this.#leaves > Math.min(LEAVES_MAX, Math.max(LEAVES_LONG, 2 * this.#leavesBefore));
  }

  /**
   * To be called between two commits. What is in LMDB's open transaction is settled.
   * @throws EngineError Full: it would become too long for LMDB, and there is no room to pack it
   */
  async pack(pinned: PinnedState): Promise<void> {
    try {
      await this.#pack(pinned);
    } catch (error) {
      if (!isOutOfRoom(error)) throw error;
      if (this.#leaves <= LEAVES_MAX) return;
      throw new EngineError('Full', 'no room for the list of what is free in the metadata', { cause: error });
    }
    this.#leavesBefore = this.#leaves;
  }

  async #pack(pinned: PinnedState): Promise<void> {
    const { file, meter, room } = this.#parts;
    meter.ask();
    const runBytes = this.#leaves * PAGES_PER_LEAF * PAGE_BYTES;
    const needs = { ...NO_NEEDS, valueBytes: runBytes, runBytes };
    if (!room.holds(needs, pinned)) await room.make(needs, pinned);
    const header = await readNewestHeader(file.handle);
    if (header === undefined) throw new Error('the metadata has no header');
    meter.took(packFreeList(file.handle.fd, header) * PAGE_BYTES);
  }

  get #leaves(): number {
    return this.#parts.meter.asked.freeLeaves;
  }
}
