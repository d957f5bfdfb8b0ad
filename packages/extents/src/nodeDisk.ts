/** The disk of the machine, through Node and, for what Node lacks, fallocate(2). */

import * as fs from 'node:fs';
import { mkdir, open, readdir, rename, stat, statfs, unlink } from 'node:fs/promises';
import { dirname, join, resolve as resolvePath } from 'node:path';
import { Arrivals } from './arrivals.ts';
import { openDirect } from './directDescriptor.ts';
import {
  DIRECT_BLOCK_BYTES,
  type Disk,
  type DiskFile,
  errorCode,
  type FileStatus,
  isDurable,
  type Writes,
} from './disk.ts';
import { alignedMemory, allocateRun, punchRun, readCached } from './linux.ts';
import { LoneWriter } from './loneWriter.ts';

/** `st_blocks` counts in these, whatever the file system's own block size (POSIX sys/stat.h). */
const STAT_BLOCK_BYTES = 512;
const ZEROS_BYTES = 1 << 20;
/**
 * So much is copied into the page cache quicker than a worker thread is told of it. LMDB's commits do the same, and more
 * of it. Where too much is dirty the kernel holds whoever writes up, on whichever thread.
 */
const WRITTEN_AT_ONCE_BYTES_MAX = 64 << 10;

/** A direct write of no more may be made by a {@link LoneWriter}; longer ones keep the loop's thread too long. */
const SMALL_BYTES_MAX = 64 << 10;
/** A read of no more is waited for as {@link Arrivals} says; a longer one is on its way for longer. */
const AWAITED_BYTES_MAX = 64 << 10;

/** What became durable through a disk, since it was made. */
export interface DiskCounts {
  /** Calls that wait for the device: syncs of files and folders, and writes that are durable by themselves. */
  readonly syncs: number;
  readonly writtenBytes: number;
  /** Of the bytes written: those that went past the page cache. */
  readonly directBytes: number;
}

class Tally {
  syncs = 0;
  writtenBytes = 0;
  directBytes = 0;
}

export class NodeDisk implements Disk {
  readonly #root: string;
  readonly #flags: number;
  readonly #tally = new Tally();
  readonly #arrivals = new Arrivals();

  /**
   * @param root the folder that holds everything, made at the first `makeDirectory('')`. The folder above must be
   * there: if it was moved away or unmounted meanwhile, bytes would go where nobody looks for them.
   * @param options `links`: whether a file may be a symbolic link to one elsewhere, as it may unless told; else it
   * fails with ELOOP
   */
  constructor(root: string, { links = true }: { readonly links?: boolean } = {}) {
    this.#root = root;
    this.#flags = links ? 0 : fs.constants.O_NOFOLLOW;
  }

  get counts(): DiskCounts {
    return this.#tally;
  }

  create(name: string, writes: Writes): Promise<DiskFile> {
    const { O_CREAT, O_EXCL } = fs.constants;
    return this.#open(name, writes, O_CREAT | O_EXCL);
  }

  open(name: string, writes: Writes | 'none'): Promise<DiskFile> {
    return this.#open(name, writes, this.#flags);
  }

  rename(name: string, to: string): Promise<void> {
    return rename(this.#path(name), this.#path(to));
  }

  async makeDirectory(name: string): Promise<void> {
    if (name !== '') await unlessCode('EEXIST', mkdir(this.#path(name)), undefined);
    else await this.#makeRoot();
  }

  syncDirectory(name: string): Promise<void> {
    this.#tally.syncs += 1;
    return syncFolder(this.#path(name));
  }

  async unlink(name: string): Promise<boolean> {
    return unlessCode(
      'ENOENT',
      unlink(this.#path(name)).then(() => true),
      false,
    );
  }

  async list(directory: string): Promise<readonly string[]> {
    const names = unlessCode('ENOENT', readdir(this.#path(directory)), []);
    return unlessCode('ENOTDIR', names, []);
  }

  async status(name: string): Promise<FileStatus | undefined> {
    const there = unlessCode('ENOENT', stat(this.#path(name)), undefined);
    const found = await unlessCode('ENOTDIR', there, undefined);
    // What is no file holds nothing, whatever length it says it has.
    if (!found?.isFile()) return undefined;
    return { sizeBytes: found.size, allocatedBytes: found.blocks * STAT_BLOCK_BYTES };
  }

  async freeBytes(): Promise<number> {
    const status = await statfs(this.#root);
    return status.bavail * status.bsize;
  }

  memory(bytes: number): Buffer {
    return alignedMemory(bytes);
  }

  /** Also syncs the folder above each folder made, without which the whole root might be lost. */
  async #makeRoot(): Promise<void> {
    const made = await unlessCode(
      'EEXIST',
      mkdir(this.#root).then(() => true),
      false,
    );
    if (made) await syncFolder(dirname(resolvePath(this.#root)));
  }

  #path(name: string): string {
    return join(this.#root, name);
  }

  #open(name: string, writes: Writes | 'none', moreFlags: number): Promise<DiskFile> {
    return new Promise((resolve, reject) => {
      fs.open(this.#path(name), flagsFor(writes) | moreFlags, 0o600, (error, fd) =>
        error
          ? reject(error)
          : resolve(new NodeDiskFile(fd, writes, { tally: this.#tally, arrivals: this.#arrivals })),
      );
    });
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function unlessCode<T, U>(code: string, outcome: Promise<T>, otherwise: U): Promise<T | U> {
  try {
    return await outcome;
  } catch (error) {
    if (errorCode(error) === code) return otherwise;
    throw error;
  }
}

/** O_DSYNC does in one call on one worker thread what a write and fdatasync do in two: 0.27 ms, not 0.35. */
function flagsFor(writes: Writes | 'none'): number {
  const { O_RDONLY, O_RDWR, O_DSYNC } = fs.constants;
  if (writes === 'none') return O_RDONLY;
  return O_RDWR | (isDurable(writes) ? O_DSYNC : 0);
}

/** Bare descriptors and callbacks: a FileHandle costs about twice as much a call. */
class NodeDiskFile implements DiskFile {
  readonly #fd: number;
  /** Open until the file is closed, whether it is still used or not. */
  readonly #directFd: number | undefined;
  #writesDirect: boolean;
  readonly #atOnceBytesMax: number;
  readonly #isDurable: boolean;
  readonly #tally: Tally;
  readonly #arrivals: Arrivals;
  readonly #loneWriter = new LoneWriter();

  constructor(
    fd: number,
    writes: Writes | 'none',
    { tally, arrivals }: { readonly tally: Tally; readonly arrivals: Arrivals },
  ) {
    this.#fd = fd;
    this.#isDurable = isDurable(writes);
    this.#directFd = writes === 'durable direct' ? openDirect(fd) : undefined;
    this.#writesDirect = this.#directFd !== undefined;
    this.#tally = tally;
    this.#arrivals = arrivals;
    this.#atOnceBytesMax = writes === 'buffered' ? WRITTEN_AT_ONCE_BYTES_MAX : 0;
  }

  async write(to: { readonly position: number; readonly buffers: readonly Uint8Array[] }): Promise<void> {
    let { position } = to;
    let buffers = to.buffers;
    for (;;) {
      const written = await this.#writeSomewhere(buffers, position);
      position += written;
      this.#tally.writtenBytes += written;
      if (this.#isDurable) this.#tally.syncs += 1;
      buffers = without(buffers, written);
      if (buffers.length === 0) return;
      if (written === 0) throw Object.assign(new Error('EIO: nothing was written'), { code: 'EIO' });
    }
  }

  async read(from: { readonly position: number; readonly buffers: readonly Uint8Array[] }): Promise<number> {
    const { position, buffers } = from;
    let filled = readCached(this.#fd, position, buffers);
    let rest = without(buffers, filled);
    if (rest.length > 0 && lengthOf(rest) <= AWAITED_BYTES_MAX) {
      const wanted = rest;
      const arrived = await this.#arrivals.next(() => readCached(this.#fd, position + filled, wanted));
      filled += arrived;
      rest = without(rest, arrived);
    }
    // A short read is nearly always the end of the file, but a signal may cause one too.
    while (rest.length > 0) {
      const count = await this.#readSome(rest, position + filled);
      if (count === 0) break;
      filled += count;
      rest = without(rest, count);
    }
    return filled;
  }

  readAtOnce(from: { readonly position: number; readonly buffer: Uint8Array }): number {
    return readCached(this.#fd, from.position, [from.buffer]);
  }

  sync(): Promise<void> {
    this.#tally.syncs += 1;
    return new Promise((resolve, reject) => fs.fdatasync(this.#fd, settle(resolve, reject)));
  }

  async allocate(length: number): Promise<void> {
    try {
      await allocateRun(this.#fd, { offset: 0, length });
    } catch (error) {
      if (!isUnsupported(error)) throw error;
      const zeros = Buffer.alloc(Math.min(length, ZEROS_BYTES));
      for (let position = await this.size(); position < length; position += zeros.length) {
        await this.write({
          position,
          buffers: [zeros.subarray(0, Math.min(zeros.length, length - position))],
        });
      }
    }
  }

  async punch(run: { readonly offset: number; readonly length: number }): Promise<boolean> {
    try {
      await punchRun(this.#fd, run);
      return true;
    } catch (error) {
      if (isUnsupported(error)) return false;
      throw error;
    }
  }

  truncate(length: number): Promise<void> {
    return new Promise((resolve, reject) => fs.ftruncate(this.#fd, length, settle(resolve, reject)));
  }

  size(): Promise<number> {
    return new Promise((resolve, reject) =>
      fs.fstat(this.#fd, (error, status) => (error ? reject(error) : resolve(status.size))),
    );
  }

  async close(): Promise<void> {
    try {
      if (this.#directFd !== undefined) await closed(this.#directFd);
    } finally {
      await closed(this.#fd);
    }
  }

  async #writeSomewhere(buffers: readonly Uint8Array[], position: number): Promise<number> {
    if (this.#directFd === undefined || !this.#writesDirect || !areWholeBlocks(buffers, position))
      return this.#writeSome(buffers, position);
    try {
      const written = await this.#writeDirect(this.#directFd, buffers, position);
      this.#tally.directBytes += written;
      return written;
    } catch (error) {
      if (errorCode(error) !== 'EINVAL') throw error;
      // Memory that lies otherwise, a device of larger blocks, or a file system that opens such files and does not write them.
      this.#writesDirect = false;
      return this.#writeSome(buffers, position);
    }
  }

  #writeDirect(fd: number, buffers: readonly Uint8Array[], position: number): number | Promise<number> {
    const elsewhere = () => writeOn(fd, buffers, position);
    const [only] = buffers;
    if (only === undefined || buffers.length > 1 || only.length > SMALL_BYTES_MAX) return elsewhere();
    return this.#loneWriter.make({
      here: () => fs.writeSync(fd, only, 0, only.length, position),
      elsewhere,
    });
  }

  async #writeSome(buffers: readonly Uint8Array[], position: number): Promise<number> {
    const only = buffers.length === 1 ? buffers[0] : undefined;
    if (only && only.length <= this.#atOnceBytesMax)
      return fs.writeSync(this.#fd, only, 0, only.length, position);
    return writeOn(this.#fd, buffers, position);
  }

  #readSome(buffers: readonly Uint8Array[], position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const done = (error: Error | null, count: number) => (error ? reject(error) : resolve(count));
      const only = buffers.length === 1 ? buffers[0] : undefined;
      if (only) fs.read(this.#fd, only, 0, only.length, position, done);
      else fs.readv(this.#fd, buffers, position, done);
    });
  }
}

function closed(fd: number): Promise<void> {
  return new Promise((resolve, reject) => fs.close(fd, settle(resolve, reject)));
}

function writeOn(fd: number, buffers: readonly Uint8Array[], position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, written: number) => (error ? reject(error) : resolve(written));
    const [only] = buffers;
    if (only && buffers.length === 1) fs.write(fd, only, 0, only.length, position, done);
    else fs.writev(fd, buffers, position, done);
  });
}

function areWholeBlocks(buffers: readonly Uint8Array[], position: number): boolean {
  return (
    position % DIRECT_BLOCK_BYTES === 0 && buffers.every(({ length }) => length % DIRECT_BLOCK_BYTES === 0)
  );
}

/** What is left of `buffers` after their first `count` bytes; empty ones go too. */
function without(buffers: readonly Uint8Array[], count: number): readonly Uint8Array[] {
  let skip = count;
  let first = 0;
  for (let next = buffers[first]; next && next.length <= skip; next = buffers[++first]) skip -= next.length;
  const [head, ...rest] = buffers.slice(first);
  return head ? [head.subarray(skip), ...rest] : [];
}

const lengthOf = (buffers: readonly Uint8Array[]): number =>
  buffers.reduce((sum, { length }) => sum + length, 0);

function settle(resolve: () => void, reject: (error: Error) => void): (error: Error | null) => void {
  return (error) => (error ? reject(error) : resolve());
}

function isUnsupported(error: unknown): boolean {
  const code = errorCode(error);
  return code === 'EOPNOTSUPP' || code === 'ENOTSUP' || code === 'ENOSYS';
}
