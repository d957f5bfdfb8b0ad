/**
 * The writer of a dedicated container. It holds in memory what has gathered while the previous write was under
 * way, and makes its callers wait when that is much.
 */

import type { ContainerFiles, NewContainer } from './containerFiles.ts';
import { ExtentError, type ExtentOwner, type ExtentWriter, type Location } from './contract.ts';
import { writeError } from './deviceError.ts';
import type { Disk } from './disk.ts';
import { BLOCK_BYTES } from './frame.ts';
import { FrameStream } from './frameStream.ts';

/** With this much gathered a caller waits until the write under way is done. */
const GATHERED_BYTES_MAX = 256 << 10;

/** Met where the extent is completed. */
const LEFT_TO_THE_END = () => undefined;

export interface DedicatedWriterOptions {
  readonly store: number;
  readonly owner: ExtentOwner;
  readonly disk: Disk;
  readonly files: ContainerFiles;
  readonly syncEveryBytes: number;
}

interface Gathered {
  readonly chunks: Uint8Array[];
  bytes: number;
  /** Of those chunks that somebody wants back. */
  readonly releases: (() => void)[];
}

export class DedicatedWriter implements ExtentWriter {
  readonly #options: DedicatedWriterOptions;
  #aborted = false;
  #finishing: Promise<Location> | undefined;
  #failure: ExtentError | undefined;
  /** Bytes taken from the caller. */
  #length = 0;
  #gathered: Gathered = { chunks: [], bytes: 0, releases: [] };
  #target: NewContainer | undefined;
  #entrySync: Promise<void> | undefined;
  #stream: FrameStream | undefined;
  #flushing: Promise<void> | undefined;
  #room: PromiseWithResolvers<void> | undefined;

  constructor(options: DedicatedWriterOptions) {
    this.#options = options;
  }

  async write(chunk: Uint8Array, onRelease?: () => void): Promise<void> {
    this.#mustBeOpen();
    if (this.#finishing) throw new ExtentError('Closed', 'the extent was finished');
    if (chunk.length === 0) return onRelease?.();
    this.#length += chunk.length;
    this.#gathered.bytes += chunk.length;
    // Up to a block everything stays here, since the header of so short an extent is shorter. For how long is for whoever has more to
    // say, who may be waiting for this very memory.
    if (this.#length <= BLOCK_BYTES) {
      this.#gathered.chunks.push(onRelease ? new Uint8Array(chunk) : chunk);
      return onRelease?.();
    }
    this.#gathered.chunks.push(chunk);
    if (onRelease) this.#gathered.releases.push(onRelease);
    this.#flushing ??= this.#flush();
    if (this.#gathered.bytes >= GATHERED_BYTES_MAX) {
      this.#room ??= Promise.withResolvers<void>();
      await this.#room.promise;
    }
    if (this.#failure) throw this.#failure;
  }

  finish(): Promise<Location> {
    this.#finishing ??= this.#finish();
    return this.#finishing;
  }

  async abort(): Promise<void> {
    if (this.#finishing) {
      // It is too late to stop it: it ends with the extent stored, or failed and removed.
      await this.#finishing.catch(() => undefined);
      return;
    }
    this.#aborted = true;
    this.#forget();
    await this.#flushing;
    await this.#discard();
  }

  async #finish(): Promise<Location> {
    this.#mustBeOpen();
    if (this.#length === 0) throw new RangeError('an extent holds at least one byte');
    this.#flushing ??= this.#flush();
    await this.#flushing;
    try {
      if (this.#failure) throw this.#failure;
      return await this.#complete();
    } catch (error) {
      throw await this.#fail(error);
    }
  }

  #mustBeOpen(): void {
    if (this.#failure) throw this.#failure;
    if (this.#aborted) throw new ExtentError('Closed', 'the extent was aborted');
  }

  /** Writes what has gathered until nothing has. Never rejects: a failure is kept for the caller to meet. */
  async #flush(): Promise<void> {
    try {
      while (this.#gathered.bytes > 0) await this.#flushOnce(this.#take());
    } catch (error) {
      await this.#fail(error);
    }
    this.#flushing = undefined;
  }

  async #flushOnce({ chunks, bytes, releases }: Gathered): Promise<void> {
    try {
      this.#stream ??= await this.#start(bytes);
      await this.#stream.write(chunks);
    } finally {
      for (const release of releases) release();
    }
  }

  async #start(lengthAtLeast: number): Promise<FrameStream> {
    const { files, store, owner, syncEveryBytes } = this.#options;
    const target = await files.create('dedicated');
    this.#target = target;
    // While the bytes come: at the end it would be one more flush to wait for.
    this.#entrySync = files.syncEntry(target);
    this.#entrySync.catch(LEFT_TO_THE_END);
    return new FrameStream({ store, owner, target, syncEveryBytes, lengthAtLeast });
  }

  async #complete(): Promise<Location> {
    if (!this.#stream || !this.#target) throw new ExtentError('Failed', 'nothing was written');
    const target = this.#target;
    const location = await this.#stream.end();
    await target.file.sync();
    await this.#entrySync;
    this.#target = undefined;
    // Everything is on stable storage: a failure to close changes nothing.
    await target.file.close().catch(() => undefined);
    // Last: one that nobody writes to, and that is nobody's yet, is left to recovery.
    this.#options.files.endWriting(target.container);
    return location;
  }

  async #fail(error: unknown): Promise<ExtentError> {
    this.#failure ??= await writeError(this.#options.disk, error, 'cannot write a dedicated extent');
    this.#forget();
    await this.#discard();
    return this.#failure;
  }

  /** What has gathered; lets those go on who wait for room. */
  #take(): Gathered {
    const gathered = this.#gathered;
    this.#gathered = { chunks: [], bytes: 0, releases: [] };
    this.#room?.resolve();
    this.#room = undefined;
    return gathered;
  }

  #forget(): void {
    for (const release of this.#take().releases) release();
  }

  /** Removes the file. What cannot be removed is left to recovery: nothing refers to it. */
  async #discard(): Promise<void> {
    const target = this.#target;
    this.#target = undefined;
    if (!target) return;
    await this.#stream?.settled();
    await this.#entrySync?.catch(LEFT_TO_THE_END);
    await target.file.close().catch(() => undefined);
    await this.#options.files.unlink(target.container).catch(() => undefined);
    this.#options.files.endWriting(target.container);
  }
}
