/**
 * What the extent store needs of a file system, so that it can run on a real one and on a simulated one that
 * loses power. Names are relative to the disk's root and use `/`. Failures carry a POSIX error name in `code`.
 */

/**
 * How a file is written. *Durable*: a write resolves when its bytes, and what is needed to read them back, are on stable
 * storage. *Direct*: past the system's cache, where the file system can, if it is of whole blocks of
 * {@link DIRECT_BLOCK_BYTES}, at a multiple of that, from the disk's {@link Disk.memory}; else as any other.
 */
export type Writes = 'buffered' | 'durable' | 'durable direct';

export function isDurable(writes: Writes | 'none'): boolean {
  return writes === 'durable' || writes === 'durable direct';
}

/** Of places, lengths and memory: a multiple of what any usual device asks for. */
export const DIRECT_BLOCK_BYTES = 4096;

export interface DiskFile {
  /** Writes all of `buffers`, one after the other, from `position` on. */
  write(to: { readonly position: number; readonly buffers: readonly Uint8Array[] }): Promise<void>;
  /**
   * Fills `buffers`, one after the other, from `position` on. Resolves to the bytes read, which are fewer than
   * the buffers take only at the file's end.
   */
  read(from: { readonly position: number; readonly buffers: readonly Uint8Array[] }): Promise<number>;
  /**
   * Fills `buffer` from `position` on with what can be had without waiting for a device. Returns how many bytes
   * that was; 0 where this cannot be told. What failed is left for {@link read} to find.
   */
  readAtOnce(from: { readonly position: number; readonly buffer: Uint8Array }): number;
  /** Puts the data, and what is needed to read it back, on stable storage. Not the directory entry. */
  sync(): Promise<void>;
  /** Takes blocks for the first `length` bytes and makes the file at least that long. */
  allocate(length: number): Promise<void>;
  /** Makes a run read as zeros and gives its whole blocks back. False when the file system cannot. */
  punch(run: { readonly offset: number; readonly length: number }): Promise<boolean>;
  /** Sets the length; where that is longer the file reads as zeros and takes no blocks. */
  truncate(length: number): Promise<void>;
  size(): Promise<number>;
  close(): Promise<void>;
}

export interface FileStatus {
  readonly sizeBytes: number;
  readonly allocatedBytes: number;
}

export interface Disk {
  /** Creates a file, which must not exist, for reading and writing. */
  create(name: string, writes: Writes): Promise<DiskFile>;
  /** Opens an existing file for reading, punching and writing; for reading alone where it has no `writes`. */
  open(name: string, writes: Writes | 'none'): Promise<DiskFile>;
  /** Memory that a direct write takes as it lies there: any part of it that begins a multiple of a block from its start. */
  memory(bytes: number): Buffer;
  /** Gives a file another name in its directory; what had that name goes. A power cut leaves one or the other. */
  rename(name: string, to: string): Promise<void>;
  /** Present already is not an error. `''` is the root, whose parents are made too. */
  makeDirectory(name: string): Promise<void>;
  /** Puts a directory's entries on stable storage. `''` is the root. */
  syncDirectory(name: string): Promise<void>;
  /** False when there was no such file. */
  unlink(name: string): Promise<boolean>;
  /** Names in a directory, in no order; none when it does not exist. */
  list(directory: string): Promise<readonly string[]>;
  /** Undefined when there is no such file, be there something else of that name. */
  status(name: string): Promise<FileStatus | undefined>;
  /** Bytes that this process may still take. */
  freeBytes(): Promise<number>;
}

/** The POSIX error name of what a disk threw, such as `ENOSPC`. */
export function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/**
 * Waits for all, and throws the first failure only then: a file may not be closed while anything is under way
 * on it, since its descriptor may at once mean another file.
 */
export async function allDone(under: readonly Promise<void>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(under))
    if (outcome.status === 'rejected') throw outcome.reason;
}
