/** Writes one extent to a container of its own as its data comes, holding only one frame's checksums. */

import type { NewContainer } from './containerFiles.ts';
import type { ExtentOwner, Location } from './contract.ts';
import { allDone } from './disk.ts';
import { EarlySync } from './earlySync.ts';
import { BlockChecksums, encodeHeader, FRAME_DATA_BYTES, headerLength } from './frame.ts';

export class FrameStream {
  readonly #store: number;
  readonly #owner: ExtentOwner;
  readonly #target: NewContainer;
  readonly #earlySync: EarlySync;
  readonly #headerBytes: number;
  /** Of the current frame's data, all of which is written. */
  readonly #checksums = new BlockChecksums();
  /** Where the current frame's header goes. */
  #offset = 0;
  /** Data bytes in the frames before. */
  #done = 0;

  constructor(options: {
    readonly store: number;
    readonly owner: ExtentOwner;
    readonly target: NewContainer;
    readonly syncEveryBytes: number;
    /** The extent's whole length if it is at most a block; else any greater one. It sets the header length. */
    readonly lengthAtLeast: number;
  }) {
    this.#store = options.store;
    this.#owner = options.owner;
    this.#target = options.target;
    this.#earlySync = new EarlySync(options.target.file, options.syncEveryBytes);
    this.#headerBytes = headerLength(options.lengthAtLeast);
  }

  async write(chunks: readonly Uint8Array[]): Promise<void> {
    let run: Uint8Array[] = [];
    const begin = this.#dataEnd();
    let position = begin;
    for (const chunk of chunks) {
      for (let rest = chunk; rest.length > 0; ) {
        const part = rest.subarray(0, FRAME_DATA_BYTES - this.#checksums.length);
        rest = rest.subarray(part.length);
        this.#checksums.add(part);
        run.push(part);
        if (this.#checksums.length < FRAME_DATA_BYTES) continue;
        await allDone([this.#target.file.write({ position, buffers: run }), this.#endFrame()]);
        run = [];
        position = this.#dataEnd();
      }
    }
    if (run.length > 0) await this.#target.file.write({ position, buffers: run });
    this.#earlySync.written(this.#dataEnd() - begin);
  }

  /** Completes the last frame. The bytes are written, not yet on stable storage. */
  async end(): Promise<Location> {
    if (this.#checksums.length > 0) await this.#endFrame();
    await this.#earlySync.end();
    return { store: this.#store, container: this.#target.container, offset: 0, length: this.#done };
  }

  /** Resolves when nothing is under way on the file on this stream's own account. */
  settled(): Promise<void> {
    return this.#earlySync.settled();
  }

  #dataEnd(): number {
    return this.#offset + this.#headerBytes + this.#checksums.length;
  }

  #endFrame(): Promise<void> {
    const header = Buffer.allocUnsafe(this.#headerBytes);
    const dataLength = this.#checksums.length;
    const fields = {
      store: this.#store,
      container: this.#target.container,
      offset: this.#offset,
      owner: { contentId: this.#owner.contentId, fileOffset: this.#owner.fileOffset + this.#done },
      headerLength: this.#headerBytes,
      dataLength,
    };
    encodeHeader(fields, this.#checksums, header);
    this.#offset += this.#headerBytes + dataLength;
    this.#done += dataLength;
    this.#checksums.clear();
    return this.#target.file.write({ position: fields.offset, buffers: [header] });
  }
}
