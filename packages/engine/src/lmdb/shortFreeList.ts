import { isOutOfRoom } from '@facet/journal';
import { EngineError } from '../contract.ts';
import { NO_NEEDS } from './commitNeeds.ts';
import type { DataFile } from './dataFile.ts';
import type { FileRoom } from './fileRoom.ts';
import { readNewestHeader } from './header.ts';
import { putFreeTree } from './newFreeTree.ts';
import { LEAVES_LONG, LEAVES_MAX, packedFreeList } from './packedFreeList.ts';
import type { PinnedStates } from './pinnedState.ts';
import type { UsageMeter } from './usageMeter.ts';

/** Packing for which there was no room is tried again after so long: it reads and lays out all that is listed, some milliseconds. */
const MS_BETWEEN_TRIES = 1000;

export interface ShortFreeListParts {
  readonly file: DataFile;
  readonly meter: UsageMeter;
  readonly room: FileRoom;
}

/** Keeps LMDB's list of free pages short, while it is open: see packedFreeList.ts. */
export class ShortFreeList {
  readonly #parts: ShortFreeListParts;
  /** With more leaves than these it is long. */
  #leavesMax = LEAVES_LONG;
  /** Of performance.now(). */
  #nextTry = 0;

  constructor(parts: ShortFreeListParts) {
    this.#parts = parts;
  }

  get isLong(): boolean {
    const leaves = this.#leaves;
    if (leaves > LEAVES_MAX) return true;
    return leaves > this.#leavesMax && performance.now() >= this.#nextTry;
  }

  /**
   * To be called between two commits. What is in LMDB's open transaction is settled.
   * @param pinned all states that are, the one first that keeps the most from being used again
   * @throws EngineError Full: it would become too long for LMDB, and there is no room to pack it; Failed: it is damaged
   */
  async pack(pinned: PinnedStates): Promise<void> {
    try {
      await this.#pack(pinned);
      // What was packed already does not become shorter.
      this.#leavesMax = Math.max(LEAVES_LONG, 2 * this.#leaves);
    } catch (error) {
      if (error instanceof RangeError)
        throw new EngineError(
          'Failed',
          `the list of free pages is damaged (${error.message}): the next start makes it anew`,
          { cause: error },
        );
      if (!isOutOfRoom(error)) throw error;
      if (this.#leaves > LEAVES_MAX) {
        const message = 'no room for the list of what is free in the metadata';
        throw new EngineError('Full', message, { cause: error });
      }
      this.#nextTry = performance.now() + MS_BETWEEN_TRIES;
    }
  }

  async #pack(pinned: PinnedStates): Promise<void> {
    const { file, meter, room } = this.#parts;
    meter.ask();
    const header = await readNewestHeader(file.handle);
    if (header === undefined) throw new Error('the metadata has no header');
    const tree = packedFreeList(
      file.handle.fd,
      header,
      pinned.map((state) => state.transaction),
    );
    const runBytes = tree.bytes.length;
    const needs = { ...NO_NEEDS, valueBytes: runBytes, runBytes };
    const [most] = pinned;
    if (!room.holds(needs, most)) await room.make(needs, most);
    putFreeTree(file.handle.fd, header, { tree });
    meter.took(runBytes);
  }

  get #leaves(): number {
    return this.#parts.meter.asked.freeLeaves;
  }
}
