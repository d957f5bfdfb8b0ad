/** Two files in memory, whose disk can be cut short, damaged, full or broken. */

import type { JournalDisk, JournalFile } from '../src/index.ts';

const REFUSALS_MAX = 100;
const BLOCK_BYTES = 4096;

export class MemoryFiles implements JournalDisk {
  readonly files = new Map<string, Buffer>();
  /** Files take no more than this together. */
  capacityBytes = Number.POSITIVE_INFINITY;
  /** Every write fails so. */
  failure: Error | undefined;
  /** The next write is lost, which shows when this resolves: each open file is told once, at the end of any write. */
  loss: Promise<void> | undefined;
  readonly #losses = new Map<string, number>();
  writes = 0;
  #refusals = 0;

  async create(name: string): Promise<JournalFile> {
    if (this.files.has(name)) throw new Error(`EEXIST: ${name}`);
    this.files.set(name, Buffer.alloc(0));
    return this.open(name);
  }

  async open(name: string): Promise<JournalFile> {
    let known = this.#lossesOf(name);
    return {
      write: async (to) => {
        const { loss } = this;
        this.loss = undefined;
        if (loss === undefined) this.put(name, to);
        else this.#losses.set(name, this.#lossesOf(name) + 1);
        await loss;
        const told = known;
        known = this.#lossesOf(name);
        if (told < known) throw new Error('EIO: what was written is lost');
      },
      read: async ({ position, buffers }) => {
        const bytes = this.bytes(name).subarray(position);
        return buffers.reduce((count, buffer) => count + bytes.copy(buffer, 0, count), 0);
      },
      truncate: async (length) => {
        this.files.set(name, this.bytes(name).subarray(0, length));
      },
      size: async () => this.bytes(name).length,
      close: async () => undefined,
    };
  }

  #lossesOf(name: string): number {
    return this.#losses.get(name) ?? 0;
  }

  async status(name: string): Promise<object | undefined> {
    return this.files.has(name) ? {} : undefined;
  }

  async syncDirectory(): Promise<void> {}

  /** What was there before is none of the journal's. */
  memory(bytes: number): Buffer {
    return Buffer.alloc(bytes, 0xa5);
  }

  bytes(name: string): Buffer {
    const bytes = this.files.get(name);
    if (bytes === undefined) throw new Error(`ENOENT: ${name}`);
    return bytes;
  }

  /** The same files, on a disk of their own. */
  copy(): MemoryFiles {
    const copy = new MemoryFiles();
    for (const [name, bytes] of this.files) copy.files.set(name, Buffer.from(bytes));
    return copy;
  }

  put(name: string, to: { readonly position: number; readonly buffers: readonly Uint8Array[] }): void {
    this.writes += 1;
    if (this.failure !== undefined) throw this.failure;
    const data = Buffer.concat(to.buffers);
    if (to.position % BLOCK_BYTES !== 0 || data.length % BLOCK_BYTES !== 0)
      throw new Error(`EINVAL: ${data.length} bytes at ${to.position} are not whole blocks`);
    const before = this.bytes(name);
    const length = Math.max(before.length, to.position + data.length);
    let total = length - before.length;
    for (const bytes of this.files.values()) total += bytes.length;
    if (total > this.capacityBytes) {
      this.#refusals += 1;
      if (this.#refusals > REFUSALS_MAX) throw new Error('a full disk is asked for room without end');
      throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
    }
    const after = Buffer.alloc(length);
    before.copy(after);
    data.copy(after, to.position);
    this.files.set(name, after);
  }
}
