/** The disk of one world: it fails now and then, is full now and then, and its power can be cut. */

import {
  type Disk,
  type DiskFault,
  type DiskOperation,
  MemoryDisk,
  type MemoryDiskOptions,
} from '@facet/extents';
import type { Reserve } from '../../src/space/room.ts';
import { below, type Random } from '../random.ts';
import type { History } from './history.ts';
import type { SimulatedProcess } from './process.ts';
import type { Turns } from './turns.ts';

/** Of the disk's operations those that take room. */
const TAKES_ROOM: ReadonlySet<DiskOperation['kind']> = new Set([
  'create',
  'write',
  'allocate',
  'makeDirectory',
]);

/** Of those that may, one in so many fails where there are faults; of the journal's, which end the process, fewer. */
const OPERATIONS_PER_FAULT = 150;
const SYNCS_PER_FAULT = 60;
const JOURNAL_OPERATIONS_PER_FAULT = 500;
const MAY_FAIL: ReadonlySet<DiskOperation['kind']> = new Set([
  'create',
  'open',
  'read',
  'write',
  'sync',
  'syncDirectory',
  'truncate',
  'punch',
  'unlink',
]);

export interface TroubledDiskParts {
  readonly disk: MemoryDiskOptions;
  readonly turns: Turns;
  readonly history: History;
  /** Operations fail now and then. */
  readonly faults: boolean;
  /** Several processes have it mounted: that of one directory a sync failed, not all of them could know. */
  readonly isShared: boolean;
}

export class TroubledDisk {
  readonly #parts: TroubledDiskParts;
  readonly #random: Random;
  readonly #disk: MemoryDisk;
  /** No later process could know that an entry was lost, and no file system goes on like that. */
  #mustRemount = false;
  #isFull = false;
  #reserveIsHeld = true;
  /** What is replayed may take the reserve. */
  #isReplayed = false;

  constructor(parts: TroubledDiskParts) {
    this.#parts = parts;
    this.#random = parts.disk.random;
    this.#disk = new MemoryDisk(parts.disk);
  }

  /** As a process sees it. */
  mount(process: SimulatedProcess): Disk {
    return this.#disk.mount({ before: (operation) => this.#before(process, operation) });
  }

  async #before(process: SimulatedProcess, { kind, name }: DiskOperation): Promise<DiskFault | undefined> {
    await this.#parts.turns.take(process);
    this.#parts.history.note(`${kind} ${name}`);
    if (this.#fails({ kind, name })) return 'EIO';
    // A journal has its room.
    if (name.endsWith('.journal') || this.#isReplayed) return undefined;
    return this.#isFull && TAKES_ROOM.has(kind) ? 'ENOSPC' : undefined;
  }

  #fails({ kind, name }: DiskOperation): boolean {
    const { faults, turns, isShared } = this.#parts;
    if (!faults || !turns.isInterleaved || !MAY_FAIL.has(kind)) return false;
    const isSync = kind === 'sync' || kind === 'syncDirectory';
    const perFault = isSync ? SYNCS_PER_FAULT : OPERATIONS_PER_FAULT;
    const oneIn = name.endsWith('.journal') ? JOURNAL_OPERATIONS_PER_FAULT : perFault;
    const fails = below(this.#random, oneIn) === 0;
    if (!fails || kind !== 'syncDirectory') return fails;
    if (isShared) return false;
    this.#mustRemount = true;
    return true;
  }

  /** From now on nothing can be added, or, when false, there is room again. */
  fill(full: boolean): void {
    this.#isFull = full;
  }

  /** It has no room but what the reserve holds. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** It has none for the metadata. */
  get refusesCommits(): boolean {
    return this.#isFull && this.#reserveIsHeld;
  }

  /** @param wait what each of its steps waits for */
  reserve(wait: () => Promise<void>): Reserve {
    return {
      lengthBytes: 1,
      release: async () => {
        await wait();
        this.#reserveIsHeld = false;
      },
      restore: async () => {
        await wait();
        this.#reserveIsHeld ||= !this.#isFull;
        return this.#reserveIsHeld;
      },
    };
  }

  /** A journal is replayed by `work`. */
  async replayed<T>(work: () => Promise<T>): Promise<T> {
    this.#isReplayed = true;
    if (this.#isFull) this.#reserveIsHeld = false;
    const result = await work();
    this.#isReplayed = false;
    return result;
  }

  /** Nothing goes on before its power has been off. */
  get mustCrash(): boolean {
    return this.#mustRemount;
  }

  /** Its power goes: what was not synced may be gone. */
  crash(): void {
    this.#mustRemount = false;
    this.#disk.crash();
  }
}
