/** A seeded world for crash tests: a simulated disk whose operations go on one at a time in an order by chance. */

import { type DiskFault, type DiskOperation, MemoryDisk, type MemoryDiskOptions } from '../src/index.ts';
import { randomFrom } from './fixtures.ts';

export interface WorldOptions {
  readonly seed: number;
  /** Chance of a failure of each write and sync. */
  readonly faultRate?: number;
  readonly disk?: Omit<MemoryDiskOptions, 'random' | 'before'>;
}

const FAILING = new Set<DiskOperation['kind']>(['create', 'write', 'sync', 'syncDirectory', 'truncate']);

export class World {
  readonly random: () => number;
  readonly disk: MemoryDisk;
  readonly #waiting: (() => void)[] = [];
  readonly #faultRate: number;

  constructor(options: WorldOptions) {
    this.random = randomFrom(options.seed);
    this.#faultRate = options.faultRate ?? 0;
    this.disk = new MemoryDisk({
      ...options.disk,
      random: this.random,
      before: (operation) => this.#wait(operation),
    });
  }

  integer(below: number): number {
    return Math.floor(this.random() * below);
  }

  /** Lets operations go on until `done`, or for `steps` of them. */
  async run(until: { readonly done: () => boolean; readonly steps?: number }): Promise<void> {
    for (let step = 0; !until.done() && step < (until.steps ?? Number.POSITIVE_INFINITY); step++) {
      await this.#quiet();
      if (until.done()) return;
      const [next] = this.#waiting.splice(this.integer(this.#waiting.length), 1);
      if (!next) throw new Error('nothing is under way and nothing is done');
      next();
    }
  }

  /** Cuts the power, and lets everything that was under way learn of it. */
  async crash(settled: () => boolean): Promise<void> {
    this.disk.crash();
    await this.run({ done: settled });
  }

  async #wait(operation: DiskOperation): Promise<DiskFault | undefined> {
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
    });
    if (!FAILING.has(operation.kind) || this.random() >= this.#faultRate) return undefined;
    return this.random() < 0.5 ? 'EIO' : 'ENOSPC';
  }

  /** Resolves when all code that can run without the disk has run. */
  #quiet(): Promise<void> {
    return new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}
