/**
 * A disk in memory that can lose power and fail. Unsynced writes are kept apart, and at a crash any part of
 * them is lost: whole writes, sectors, tails, directory entries. All chance comes from one function, so a
 * seed is a history.
 */

import { type Disk, type DiskFile, type FileStatus, isDurable, type Writes } from '../disk.ts';
import { MemoryDirectory, MemoryFile, type MemoryInode, type Random } from './memoryInode.ts';

export type DiskOperationKind = Exclude<
  keyof Disk | keyof DiskFile,
  'close' | 'size' | 'readAtOnce' | 'memory'
>;

export interface DiskOperation {
  readonly kind: DiskOperationKind;
  readonly name: string;
}

export type DiskFault = 'EIO' | 'ENOSPC' | 'EDQUOT';

export interface MemoryDiskOptions {
  readonly random: Random;
  /** How much the files may take together. Without bound unless told. */
  readonly capacityBytes?: number;
  /** Awaited before each operation: may wait, may crash the disk, may name an error to fail it with. */
  readonly before?: (operation: DiskOperation) => Promise<DiskFault | undefined>;
  /** Awaited when the operation has had its effect, before its caller learns of it. */
  readonly after?: (operation: DiskOperation) => Promise<void>;
  /** Everything can be read at once, past `before` and `after`. Unless told, nothing can. */
  readonly cachesReads?: boolean;
  /** A disk that lies: such syncs succeed and save nothing. For showing that a test would notice. */
  readonly ignoresSyncOf?: 'data' | 'directories';
}

export class MemoryDisk {
  readonly #options: MemoryDiskOptions;
  readonly #root = new MemoryDirectory();
  readonly #counts = new Map<DiskOperationKind, number>();
  #boots = 0;

  constructor(options: MemoryDiskOptions) {
    this.#options = options;
  }

  /** The disk as a process sees it until the next crash. `before`, when given, in the place of the disk's own. */
  mount({ before = this.#options.before }: Pick<MemoryDiskOptions, 'before'> = {}): Disk {
    const options = { ...this.#options, ...(before && { before }) };
    return new Mount(this.#root, new Gate(this, options, this.#counts));
  }

  /** Loses power: every mount and open file is dead from now on. */
  crash(): void {
    this.#boots++;
    this.#root.crash(this.#options.random);
  }

  /** The process ends: every mount and open file is dead from now on, and nothing is lost. */
  unmount(): void {
    this.#boots++;
  }

  get boots(): number {
    return this.#boots;
  }

  /** Operations of a kind begun so far. A durable write counts as a write and a sync. */
  count(kind: DiskOperationKind): number {
    return this.#counts.get(kind) ?? 0;
  }

  /** Damages a byte of a file on the medium: its bits in `mask` turn. */
  damage(place: { readonly name: string; readonly offset: number; readonly mask: number }): void {
    const file = find(this.#root, place.name);
    if (!(file instanceof MemoryFile)) throw failure('ENOENT', place.name);
    file.damage(place.offset, place.mask);
  }

  /** Has reads of a place of a file fail from now on, until somebody puts another file there. */
  wearOut(place: { readonly name: string; readonly offset: number }): void {
    const file = find(this.#root, place.name);
    if (!(file instanceof MemoryFile)) throw failure('ENOENT', place.name);
    file.wearOut(place.offset);
  }
}

/** What every operation passes through. */
class Gate {
  readonly #disk: MemoryDisk;
  readonly #options: MemoryDiskOptions;
  readonly #counts: Map<DiskOperationKind, number>;
  readonly #boot: number;

  constructor(disk: MemoryDisk, options: MemoryDiskOptions, counts: Map<DiskOperationKind, number>) {
    this.#disk = disk;
    this.#options = options;
    this.#counts = counts;
    this.#boot = disk.boots;
  }

  get random(): Random {
    return this.#options.random;
  }

  get capacityBytes(): number {
    return this.#options.capacityBytes ?? Number.POSITIVE_INFINITY;
  }

  get cachesReads(): boolean {
    return this.#options.cachesReads === true && this.#boot === this.#disk.boots;
  }

  ignoresSyncOf(what: 'data' | 'directories'): boolean {
    return this.#options.ignoresSyncOf === what;
  }

  /** Runs `effect` at one moment, or `onFault` when the operation is to fail. */
  async pass<T>(operation: DiskOperation, effect: () => T, onFault?: () => void): Promise<T> {
    this.#counts.set(operation.kind, (this.#counts.get(operation.kind) ?? 0) + 1);
    const fault = await this.#options.before?.(operation);
    this.#mustHavePower();
    if (fault) {
      onFault?.();
      throw failure(fault, `${operation.kind} ${operation.name}`);
    }
    const result = effect();
    await this.#options.after?.(operation);
    this.#mustHavePower();
    return result;
  }

  #mustHavePower(): void {
    if (this.#boot !== this.#disk.boots)
      throw failure('ESHUTDOWN', 'the disk has lost power, or its process is over');
  }
}

class Mount implements Disk {
  readonly #root: MemoryDirectory;
  readonly #gate: Gate;

  constructor(root: MemoryDirectory, gate: Gate) {
    this.#root = root;
    this.#gate = gate;
  }

  create(name: string, writes: Writes): Promise<DiskFile> {
    return this.#gate.pass({ kind: 'create', name }, () => {
      const [directory, last] = this.#parent(name);
      if (directory.seen.has(last)) throw failure('EEXIST', name);
      const file = new MemoryFile();
      directory.set(last, file);
      return this.#handle(name, file, writes);
    });
  }

  open(name: string, writes: Writes | 'none'): Promise<DiskFile> {
    return this.#gate.pass({ kind: 'open', name }, () => {
      const file = find(this.#root, name);
      if (!(file instanceof MemoryFile)) throw failure('ENOENT', name);
      return this.#handle(name, file, writes);
    });
  }

  /** The two entries are changed each by itself: a crash may leave both names, or none, which is more than it may. */
  rename(name: string, to: string): Promise<void> {
    return this.#gate.pass({ kind: 'rename', name }, () => {
      const file = find(this.#root, name);
      if (!(file instanceof MemoryFile)) throw failure('ENOENT', name);
      const [from, old] = this.#parent(name);
      const [directory, last] = this.#parent(to);
      directory.set(last, file);
      from.set(old, undefined);
    });
  }

  makeDirectory(name: string): Promise<void> {
    return this.#gate.pass({ kind: 'makeDirectory', name }, () => {
      if (name === '') return;
      const [directory, last] = this.#parent(name);
      if (!directory.seen.has(last)) directory.set(last, new MemoryDirectory());
    });
  }

  syncDirectory(name: string): Promise<void> {
    const directory = () => {
      const found = find(this.#root, name);
      if (!(found instanceof MemoryDirectory)) throw failure('ENOENT', name);
      return found;
    };
    return this.#gate.pass(
      { kind: 'syncDirectory', name },
      () => {
        const found = directory();
        if (!this.#gate.ignoresSyncOf('directories')) found.sync();
      },
      () => directory().failSync(this.#gate.random),
    );
  }

  unlink(name: string): Promise<boolean> {
    return this.#gate.pass({ kind: 'unlink', name }, () => {
      if (!(find(this.#root, name) instanceof MemoryFile)) return false;
      const [directory, last] = this.#parent(name);
      directory.set(last, undefined);
      return true;
    });
  }

  list(directory: string): Promise<readonly string[]> {
    return this.#gate.pass({ kind: 'list', name: directory }, () => {
      const found = find(this.#root, directory);
      return found instanceof MemoryDirectory ? [...found.seen.keys()] : [];
    });
  }

  status(name: string): Promise<FileStatus | undefined> {
    return this.#gate.pass({ kind: 'status', name }, () => {
      const file = find(this.#root, name);
      if (!(file instanceof MemoryFile)) return undefined;
      return { sizeBytes: file.seen.length, allocatedBytes: file.seen.allocatedBytes };
    });
  }

  freeBytes(): Promise<number> {
    return this.#gate.pass({ kind: 'freeBytes', name: '' }, () => this.#freeBytes());
  }

  memory(bytes: number): Buffer {
    return Buffer.alloc(bytes);
  }

  #freeBytes(): number {
    return this.#gate.capacityBytes - allocatedBytes(this.#root);
  }

  #handle(name: string, file: MemoryFile, writes: HandleOptions['writes']): DiskFile {
    return new MemoryHandle({ name, file, writes, gate: this.#gate, freeBytes: () => this.#freeBytes() });
  }

  #parent(name: string): readonly [directory: MemoryDirectory, last: string] {
    const cut = name.lastIndexOf('/');
    const directory = find(this.#root, name.slice(0, Math.max(0, cut)));
    if (!(directory instanceof MemoryDirectory)) throw failure('ENOENT', name);
    return [directory, name.slice(cut + 1)];
  }
}

interface HandleOptions {
  readonly name: string;
  readonly file: MemoryFile;
  readonly writes: Writes | 'none';
  readonly gate: Gate;
  readonly freeBytes: () => number;
}

class MemoryHandle implements DiskFile {
  readonly #options: HandleOptions;
  readonly #file: MemoryFile;
  readonly #gate: Gate;
  #closed = false;
  /** Failures that this handle knows of. */
  #failuresTold: number;

  constructor(options: HandleOptions) {
    this.#options = options;
    this.#file = options.file;
    this.#gate = options.gate;
    this.#failuresTold = options.file.failedSyncs;
  }

  async write(to: { readonly position: number; readonly buffers: readonly Uint8Array[] }): Promise<void> {
    const { position } = to;
    if (this.#options.writes === 'none') throw failure('EBADF', this.#options.name);
    const data = Buffer.concat(to.buffers);
    const writePrefix = () => {
      const length = Math.floor(this.#gate.random() * data.length);
      this.#file.change({ kind: 'write', position, data: data.subarray(0, length) });
    };
    const writeAll = () => {
      if (this.#file.seen.missingBytes(position, data.length) > this.#options.freeBytes()) {
        throw failure('ENOSPC', this.#options.name);
      }
      this.#file.change({ kind: 'write', position, data });
    };
    await this.#pass('write', writeAll, writePrefix);
    if (isDurable(this.#options.writes)) await this.sync();
  }

  read(from: { readonly position: number; readonly buffers: readonly Uint8Array[] }): Promise<number> {
    const length = from.buffers.reduce((sum, buffer) => sum + buffer.length, 0);
    return this.#pass('read', () => {
      if (!this.#file.isReadable({ offset: from.position, length })) throw failure('EIO', this.#options.name);
      let count = 0;
      for (const buffer of from.buffers) count += this.#file.seen.read(from.position + count, buffer);
      return count;
    });
  }

  readAtOnce(from: { readonly position: number; readonly buffer: Uint8Array }): number {
    if (this.#closed || !this.#gate.cachesReads) return 0;
    if (!this.#file.isReadable({ offset: from.position, length: from.buffer.length })) return 0;
    return this.#file.seen.read(from.position, from.buffer);
  }

  sync(): Promise<void> {
    return this.#pass(
      'sync',
      () => {
        if (!this.#gate.ignoresSyncOf('data')) this.#file.sync();
        if (!this.#hearsOfFailure()) return;
        throw failure('EIO', `sync ${this.#options.name}, of what another one was to save`);
      },
      () => {
        this.#file.failSync(this.#gate.random);
        this.#hearsOfFailure();
      },
    );
  }

  #hearsOfFailure(): boolean {
    const told = this.#failuresTold;
    this.#failuresTold = this.#file.failedSyncs;
    return told < this.#failuresTold;
  }

  /** Nothing to do: a crash treats every unsynced write as perhaps already on its way. */
  allocate(length: number): Promise<void> {
    return this.#pass('allocate', () => {
      if (this.#file.seen.missingBytes(0, length) > this.#options.freeBytes()) {
        throw failure('ENOSPC', this.#options.name);
      }
      this.#file.change({ kind: 'allocate', length });
    });
  }

  punch(run: { readonly offset: number; readonly length: number }): Promise<boolean> {
    return this.#pass('punch', () => {
      this.#file.change({ kind: 'punch', ...run });
      return true;
    });
  }

  truncate(length: number): Promise<void> {
    return this.#pass('truncate', () => this.#file.change({ kind: 'truncate', length }));
  }

  async size(): Promise<number> {
    return this.#file.seen.length;
  }

  async close(): Promise<void> {
    if (this.#closed) throw failure('EBADF', this.#options.name);
    this.#closed = true;
  }

  async #pass<T>(kind: DiskOperationKind, effect: () => T, onFault?: () => void): Promise<T> {
    if (this.#closed) throw failure('EBADF', this.#options.name);
    return this.#gate.pass({ kind, name: this.#options.name }, effect, onFault);
  }
}

function find(root: MemoryDirectory, name: string): MemoryInode | undefined {
  let found: MemoryInode | undefined = root;
  for (const step of name === '' ? [] : name.split('/')) {
    found = found instanceof MemoryDirectory ? found.seen.get(step) : undefined;
  }
  return found;
}

function allocatedBytes(inode: MemoryInode): number {
  if (inode instanceof MemoryFile) return inode.seen.allocatedBytes;
  return [...inode.seen.values()].reduce((sum, child) => sum + allocatedBytes(child), 0);
}

function failure(code: string, what: string): Error {
  return Object.assign(new Error(`${code}: ${what}`), { code });
}
