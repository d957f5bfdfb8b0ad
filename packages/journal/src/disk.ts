/** What the journal needs of a file system: a part of what the extent store needs, so that one disk serves both. */

export interface JournalFile {
  /**
   * Resolves when the bytes, and what is needed to read them back, are on stable storage. They are whole blocks, at a
   * whole block, in memory that the disk gave.
   */
  write(to: { readonly position: number; readonly buffers: readonly Uint8Array[] }): Promise<void>;
  /** Fills `buffers` from `position` on; resolves to the bytes read, fewer only at the file's end. */
  read(from: { readonly position: number; readonly buffers: readonly Uint8Array[] }): Promise<number>;
  /** Sets the length, to a shorter one. */
  truncate(length: number): Promise<void>;
  size(): Promise<number>;
  close(): Promise<void>;
}

export interface JournalDisk {
  /** Creates a file, which must not exist, each write to which is durable, and goes past the page cache if it can. */
  create(name: string, writes: 'durable direct'): Promise<JournalFile>;
  /** Opens an existing one so. */
  open(name: string, writes: 'durable direct'): Promise<JournalFile>;
  /** Memory to write from, past the page cache, too: any part of it that begins at a whole block. What is in it is anything. */
  memory(bytes: number): Buffer;
  /** Undefined when there is no such file. */
  status(name: string): Promise<object | undefined>;
  /** Puts a directory's entries on stable storage. `''` is the root. */
  syncDirectory(name: string): Promise<void>;
}
