/**
 * The writer of a dedicated container. It holds in memory what has gathered while the previous write was under
 * way, and makes its callers wait when that is much.
 */

import type { ContainerFiles, NewContainer } from './containerFiles.ts';
import {
  type ContainerId,
  ExtentError,
  type ExtentOwner,
  type ExtentWriter,
  type Location,
} from './contract.ts';
import { writeError } from './deviceError.ts';
import type { Disk } from './disk.ts';
import { BLOCK_BYTES } from './frame.ts';
import { FrameStream } from './frameStream.ts';

/** A caller waits while at least this much has gathered. */
const GATHERED_BYTES_MAX = 256 << 10;

export interface DedicatedWriterOptions {
  readonly store: number;
  readonly owner: ExtentOwner;
  readonly disk: Disk;
  readonly files: ContainerFiles;
  /** The containers being written: this writer's is in it from its creation to its end. */
  readonly underWay: Set<ContainerId>;
}

export class DedicatedWriter implements ExtentWriter {
  readonly #options: DedicatedWriterOptions;
  #state: 'open' | 'finishing' | 'finished' | 'aborted' = 'open';
  #failure: ExtentError | undefined;
  /** Bytes taken from the caller. */
  #length = 0;
  #gathered: Uint8Array[] = [];
  #gatheredBytes = 0;
  #target: NewContainer | undefined;
  #stream: FrameStream | undefined;
  #flushing: Promise<void> | undefined;

  constructor(options: DedicatedWriterOptions) {
    this.#options = options;
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#mustBeOpen();
    this.#length += chunk.length;
    this.#gathered.push(chunk);
    this.#gatheredBytes += chunk.length;
    // Up to a block everything stays here, since the header of so short an extent is shorter.
    if (this.#length <= BLOCK_BYTES) return;
    const flushed = this.#flush();
    if (this.#gatheredBytes >= GATHERED_BYTES_MAX) await flushed;
    if (this.#failure) throw this.#failure;
  }

  async finish(): Promise<Location> {
    this.#mustBeOpen();
    if (this.#length === 0) throw new RangeError('an extent holds at least one byte');
    this.#state = 'finishing';
    // A flush under way may be past its last look at what has gathered.
    await this.#flushing;
    await this.#flush();
    try {
      if (this.#failure) throw this.#failure;
      const location = await this.#complete();
      this.#state = 'finished';
      return location;
    } catch (error) {
      throw await this.#fail(error);
    }
  }

  async abort(): Promise<void> {
    if (this.#state === 'finished') return;
    this.#state = 'aborted';
    this.#forget();
    await this.#flushing;
    await this.#discard();
  }

  #mustBeOpen(): void {
    if (this.#failure) throw this.#failure;
    if (this.#state !== 'open') throw new ExtentError('Closed', 'the extent was finished or aborted before');
  }

  /** Writes what has gathered until nothing has. Never rejects: a failure is kept for the caller to meet. */
  #flush(): Promise<void> {
    this.#flushing ??= this.#writeGathered().finally(() => {
      this.#flushing = undefined;
    });
    return this.#flushing;
  }

  async #writeGathered(): Promise<void> {
    try {
      while (this.#gatheredBytes > 0) {
        const chunks = this.#gathered;
        const bytes = this.#gatheredBytes;
        this.#forget();
        this.#stream ??= await this.#start(bytes);
        await this.#stream.write(chunks);
      }
    } catch (error) {
      await this.#fail(error);
    }
  }

  async #start(lengthAtLeast: number): Promise<FrameStream> {
    const { files, store, owner, underWay } = this.#options;
    const target = await files.create('dedicated');
    underWay.add(target.container);
    this.#target = target;
    return new FrameStream({ store, owner, target, lengthAtLeast });
  }

  async #complete(): Promise<Location> {
    if (!this.#stream || !this.#target) throw new ExtentError('Failed', 'nothing was written');
    const { container, file } = this.#target;
    const location = await this.#stream.end();
    await file.sync();
    await this.#options.files.syncEntry(container);
    this.#target = undefined;
    this.#options.underWay.delete(container);
    await file.close();
    return location;
  }

  async #fail(error: unknown): Promise<ExtentError> {
    this.#failure ??= await writeError(this.#options.disk, error, 'cannot write a dedicated extent');
    this.#forget();
    await this.#discard();
    return this.#failure;
  }

  #forget(): void {
    this.#gathered = [];
    this.#gatheredBytes = 0;
  }

  /** Removes the file. What cannot be removed is left to recovery: nothing refers to it. */
  async #discard(): Promise<void> {
    const target = this.#target;
    this.#target = undefined;
    if (!target) return;
    await target.file.close().catch(() => undefined);
    await this.#options.files.unlink(target.container).catch(() => undefined);
    this.#options.underWay.delete(target.container);
  }
}
