/** Files and directories of the simulated disk: what a process sees, and what would be left without power. */

import { SparseBytes } from './sparseBytes.ts';

/** A uniform random number from 0 to 1, from the simulation's seed. */
export type Random = () => number;

const SECTOR_BYTES = 512;

type Change =
  | { readonly kind: 'write'; readonly position: number; readonly data: Buffer }
  | { readonly kind: 'allocate'; readonly length: number }
  | { readonly kind: 'punch'; readonly offset: number; readonly length: number }
  | { readonly kind: 'truncate'; readonly length: number };

export class MemoryFile {
  /** What reads give: the page cache. */
  seen = new SparseBytes();
  #durable = new SparseBytes();
  /** Changes made since the last sync, oldest first. */
  #dirty: Change[] = [];
  #failedSyncs = 0;
  /** Sectors that can not be read any more. */
  readonly #worn = new Set<number>();

  /** Each handle that was open is told of each, once. @source Linux, Documentation/filesystems/vfs.rst (errseq_t) */
  get failedSyncs(): number {
    return this.#failedSyncs;
  }

  change(change: Change): void {
    apply(this.seen, change);
    this.#dirty.push(change);
  }

  sync(): void {
    for (const change of this.#dirty) apply(this.#durable, change);
    this.#dirty = [];
  }

  /**
   * A sync that fails: each change may have arrived or not, none is dirty any more, and reads may go on giving
   * what is lost. So the next sync succeeds without having saved it, as on Linux.
   */
  failSync(random: Random): void {
    this.#failedSyncs += 1;
    this.#arriveInPart(random);
    if (random() < 0.5) this.seen = new SparseBytes(this.#durable);
  }

  /** Loses power. */
  crash(random: Random): void {
    this.#arriveInPart(random);
    this.seen = new SparseBytes(this.#durable);
  }

  /** Changes a byte on the medium, beneath everything. */
  damage(offset: number, mask: number): void {
    for (const bytes of [this.seen, this.#durable]) {
      const byte = Buffer.alloc(1);
      bytes.read(offset, byte);
      bytes.write(offset, Buffer.of(byte.readUInt8() ^ mask));
    }
  }

  /** The sector that a byte is in can not be read any more. */
  wearOut(offset: number): void {
    this.#worn.add(Math.floor(offset / SECTOR_BYTES));
  }

  isReadable({ offset, length }: { readonly offset: number; readonly length: number }): boolean {
    return ![...this.#worn].some(
      (sector) => sector * SECTOR_BYTES < offset + length && offset < (sector + 1) * SECTOR_BYTES,
    );
  }

  #arriveInPart(random: Random): void {
    for (const change of this.#dirty) {
      if (change.kind === 'write') arriveInPart(this.#durable, change, random);
      else if (random() < 0.5) apply(this.#durable, change);
    }
    this.#dirty = [];
  }
}

/** Whole, not at all, as far as some byte, or in some of its sectors. */
function arriveInPart(
  durable: SparseBytes,
  { position, data }: { readonly position: number; readonly data: Buffer },
  random: Random,
): void {
  const fate = random();
  if (fate < 0.25) return;
  if (fate < 0.5) durable.write(position, data);
  else if (fate < 0.75) durable.write(position, data.subarray(0, Math.floor(random() * data.length)));
  else {
    for (let at = 0; at < data.length; ) {
      const end = Math.min(data.length, at + SECTOR_BYTES - ((position + at) % SECTOR_BYTES));
      if (random() < 0.5) durable.write(position + at, data.subarray(at, end));
      at = end;
    }
  }
}

function apply(bytes: SparseBytes, change: Change): void {
  switch (change.kind) {
    case 'write':
      bytes.write(change.position, change.data);
      break;
    case 'allocate':
      bytes.allocate(0, change.length);
      break;
    case 'punch':
      bytes.punch(change.offset, Math.min(change.length, Math.max(0, bytes.length - change.offset)));
      break;
    case 'truncate':
      bytes.truncate(change.length);
      break;
  }
}

export type MemoryInode = MemoryFile | MemoryDirectory;

export class MemoryDirectory {
  readonly seen = new Map<string, MemoryInode>();
  readonly #durable = new Map<string, MemoryInode>();
  /** Names set or removed since the last sync, oldest first. */
  #dirty: (readonly [name: string, inode: MemoryInode | undefined])[] = [];

  set(name: string, inode: MemoryInode | undefined): void {
    put(this.seen, name, inode);
    this.#dirty.push([name, inode]);
  }

  sync(): void {
    for (const [name, inode] of this.#dirty) put(this.#durable, name, inode);
    this.#dirty = [];
  }

  /** As with a file's: each entry may have arrived, and none is tried again. */
  failSync(random: Random): void {
    for (const [name, inode] of this.#dirty) if (random() < 0.5) put(this.#durable, name, inode);
    this.#dirty = [];
  }

  /** Loses power, with everything below. */
  crash(random: Random): void {
    this.failSync(random);
    this.seen.clear();
    for (const [name, inode] of this.#durable) {
      inode.crash(random);
      this.seen.set(name, inode);
    }
  }
}

function put(entries: Map<string, MemoryInode>, name: string, inode: MemoryInode | undefined): void {
  if (inode) entries.set(name, inode);
  else entries.delete(name);
}
