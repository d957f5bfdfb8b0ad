/**
 * Staging: bytes arrive, are made durable in the shape that suits their length, and wait to be published.
 *
 * Small bodies gather in memory and end up inline (in the metadata) or packed (in a shared segment); a body
 * that outgrows that, or for which the shared buffer budget has no room, streams into a container of its own.
 */

import type { ExtentStore, ExtentWriter } from '@facet/extents';
import { FsError } from '../errors.ts';
import type { ContentId } from '../ids.ts';
import type { BodyWriter, StagedBody } from '../objects/types.ts';
import { fromExtents } from './read.ts';

/**
 * Four such records share a page of LMDB. Of longer ones a page holds three, then two, and the rest of it stays empty:
 * an object of 1 KiB took 900 bytes of metadata besides its own, where in a segment it takes 600.
 */
export const INLINE_BYTES_MAX = 960;
/** Longer bodies get a container of their own. */
const PACKED_BYTES_MAX = 256 * 1024;
/** As much as the journal takes of a batch of small extents: longer bodies are appended by who got them. */
const LOOSE_BYTES_MAX = 64 * 1024;
/** What all bodies being gathered may hold together; beyond it a body streams whatever its length. */
const GATHERED_BYTES_MAX = 64 * 1024 * 1024;
/** What a piece takes there besides its bytes, of which it may have a single one. */
const PIECE_BYTES = 256;
/** S3's greatest object: 50 TB. */
export const BODY_BYTES_MAX = 50 * 1024 ** 4;

export interface StagingParts {
  readonly extents: ExtentStore;
  readonly nextContentId: () => Promise<ContentId>;
  /** Small bodies are left for another process to store: the one that publishes them. */
  readonly leavesSmall?: true;
}

export class Staging {
  readonly #parts: StagingParts;
  #gatheredBytes = 0;

  constructor(parts: StagingParts) {
    this.#parts = parts;
  }

  /** @throws FsError ObjectTooLarge when the length is known to be too great */
  writer(hint: { readonly lengthBytes?: number }): BodyWriter {
    const lengthBytes = hint.lengthBytes ?? 0;
    if (lengthBytes > BODY_BYTES_MAX)
      throw new FsError('ObjectTooLarge', `${lengthBytes} bytes are too many`);
    return new StagingWriter(this.#parts, this, lengthBytes > PACKED_BYTES_MAX);
  }

  /** Makes bytes at hand durable, as one body. */
  async stageBytes(bytes: Uint8Array): Promise<StagedBody> {
    const writer = this.writer({ lengthBytes: bytes.length });
    try {
      await writer.write(bytes);
      return await writer.finish();
    } catch (error) {
      await writer.abort();
      throw error;
    }
  }

  /** Whether `bytes` more may be gathered; if so they are counted until given back. */
  takeRoom(bytes: number): boolean {
    if (this.#gatheredBytes + bytes > GATHERED_BYTES_MAX) return false;
    this.#gatheredBytes += bytes;
    return true;
  }

  giveRoom(bytes: number): void {
    this.#gatheredBytes -= bytes;
  }
}

class StagingWriter implements BodyWriter {
  readonly #parts: StagingParts;
  readonly #room: Pick<Staging, 'takeRoom' | 'giveRoom'>;
  #gathered: Uint8Array[] = [];
  #gatheredBytes = 0;
  #lengthBytes = 0;
  #stream: { readonly id: ContentId; readonly extent: ExtentWriter } | undefined;
  #streams: boolean;

  constructor(parts: StagingParts, room: Pick<Staging, 'takeRoom' | 'giveRoom'>, streams: boolean) {
    this.#parts = parts;
    this.#room = room;
    this.#streams = streams;
  }

  async write(chunk: Uint8Array, onRelease?: () => void): Promise<void> {
    if (chunk.length === 0) return onRelease?.();
    this.#lengthBytes += chunk.length;
    if (this.#lengthBytes > BODY_BYTES_MAX) {
      throw new FsError('ObjectTooLarge', `more than ${BODY_BYTES_MAX} bytes are too many`);
    }
    if (!this.#streams) {
      const fits = this.#lengthBytes <= PACKED_BYTES_MAX;
      const takenBytes = chunk.length + PIECE_BYTES;
      if (fits && this.#room.takeRoom(takenBytes)) {
        // What is gathered is kept beyond `finish`, and is small.
        this.#gathered.push(onRelease ? Uint8Array.from(chunk) : chunk);
        this.#gatheredBytes += takenBytes;
        return onRelease?.();
      }
      this.#streams = true;
    }
    await this.#streamOut(chunk, onRelease);
  }

  async #streamOut(chunk: Uint8Array, onRelease?: () => void): Promise<void> {
    try {
      if (!this.#stream) {
        const id = await this.#parts.nextContentId();
        this.#stream = { id, extent: this.#parts.extents.create({ contentId: id, fileOffset: 0 }) };
        for (const earlier of this.#gathered) await this.#stream.extent.write(earlier);
        this.#forget();
      }
      await this.#stream.extent.write(chunk, onRelease);
    } catch (error) {
      throw fromExtents(error);
    }
  }

  async finish(): Promise<StagedBody> {
    const lengthBytes = this.#lengthBytes;
    try {
      if (this.#stream) {
        const location = await this.#stream.extent.finish();
        return { kind: 'extent', lengthBytes, contentId: this.#stream.id, location };
      }
      if (lengthBytes === 0) return { kind: 'empty', lengthBytes: 0 };
      if (lengthBytes <= INLINE_BYTES_MAX) {
        return { kind: 'inline', lengthBytes, bytes: this.#joined() };
      }
      if (this.#parts.leavesSmall && lengthBytes <= LOOSE_BYTES_MAX) {
        return { kind: 'loose', lengthBytes, bytes: this.#joined() };
      }
      const contentId = await this.#parts.nextContentId();
      const owner = { contentId, fileOffset: 0 };
      const location = await this.#parts.extents.append({ owner, data: this.#gathered });
      return { kind: 'extent', lengthBytes, contentId, location };
    } catch (error) {
      throw fromExtents(error);
    } finally {
      this.#forget();
    }
  }

  #joined(): Uint8Array {
    const [first] = this.#gathered;
    return this.#gathered.length === 1 && first ? first : Buffer.concat(this.#gathered, this.#lengthBytes);
  }

  async abort(): Promise<void> {
    this.#forget();
    await this.#stream?.extent.abort();
  }

  #forget(): void {
    this.#room.giveRoom(this.#gatheredBytes);
    this.#gatheredBytes = 0;
    this.#gathered = [];
  }
}
