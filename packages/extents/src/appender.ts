/**
 * The group-commit appender: many small extents, one write and one data sync.
 *
 * While a batch is on its way to the disk, further extents gather for the next one. A segment is written only
 * by the instance that made it, in its own lifetime, and never after an error on it, but for want of room.
 */

import type { ContainerFiles, NewContainer } from './containerFiles.ts';
import { type ContainerId, ExtentError, type ExtentOwner, type Location } from './contract.ts';
import { isOutOfRoom, writeError } from './deviceError.ts';
import type { Disk, DiskFile } from './disk.ts';
import { physicalLength } from './frame.ts';
import { encodeFrames, extentLength, joinSmall } from './frameRun.ts';
import { addBytes, type ByteJournal } from './journaledBytes.ts';
import type { UnsyncedSegments } from './unsyncedSegments.ts';

export const BATCH_BYTES_MAX = 8 << 20;
/** A batch up to so long goes through the journal: written twice, it costs less than a sync of its own. */
const JOURNALED_BYTES_MAX = 64 << 10;
/** With so much in the journal it is let alone until that is less. */
const JOURNAL_BYTES_BUSY = 40 << 20;

export interface Extent {
  readonly owner: ExtentOwner;
  readonly data: readonly Uint8Array[];
}

/** A device error after which bytes written to a container, but not yet acknowledged, may be lost. */
export interface WriteFault {
  readonly container: ContainerId;
  readonly error: unknown;
}

export interface JournaledAppends {
  readonly journal: ByteJournal;
  readonly unsynced: UnsyncedSegments;
}

interface Pending {
  readonly extent: Extent;
  readonly length: number;
  readonly resolve: (location: Location) => void;
  readonly reject: (error: ExtentError) => void;
}

interface Segment extends NewContainer {
  /** Bytes that were handed out, here or in the journal on stable storage: the next frame goes here. */
  length: number;
  /** For bytes that the journal has. */
  buffered: DiskFile | undefined;
  entrySynced: boolean;
}

export class Appender {
  readonly #store: number;
  readonly #disk: Disk;
  readonly #files: ContainerFiles;
  readonly #segmentBytes: number;
  readonly #onWriteFault: (fault: WriteFault) => void;
  readonly #gather: () => Promise<void>;
  readonly #journal: JournaledAppends | undefined;
  #pending: Pending[] = [];
  #queuedBytes = 0;
  #running: Promise<void> | undefined;
  #segment: Segment | undefined;
  #closed = false;

  constructor(options: {
    readonly store: number;
    readonly disk: Disk;
    readonly files: ContainerFiles;
    readonly segmentBytes: number;
    readonly onWriteFault: (fault: WriteFault) => void;
    /** Awaited before a batch is closed, so that what arrives in the same turn shares it. Never rejects. */
    readonly gather: () => Promise<void>;
    /** Where small batches are durable first. */
    readonly journal?: JournaledAppends;
  }) {
    this.#store = options.store;
    this.#disk = options.disk;
    this.#files = options.files;
    this.#segmentBytes = options.segmentBytes;
    this.#onWriteFault = options.onWriteFault;
    this.#gather = options.gather;
    this.#journal = options.journal;
  }

  async append(extent: Extent): Promise<Location> {
    const length = extentLength(extent.data);
    if (length === 0) throw new RangeError('an extent holds at least one byte');
    if (physicalLength({ length }) > BATCH_BYTES_MAX) {
      throw new RangeError(`an extent of ${length} bytes is too long to pack: create a dedicated one`);
    }
    if (this.#closed) throw new ExtentError('Closed', 'the extent store is closed');
    return new Promise((resolve, reject) => {
      this.#pending.push({ extent, length, resolve, reject });
      this.#queuedBytes += length;
      this.#running ??= this.#run();
    });
  }

  /** Data bytes taken and not yet stored or failed. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** The open segment, and how much of it was handed out. */
  get active(): { readonly container: ContainerId; readonly length: number } | undefined {
    return this.#segment;
  }

  /** Takes no more extents, finishes those taken, and seals the segment. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
    await this.#seal();
  }

  async #run(): Promise<void> {
    while (this.#pending.length > 0) {
      await this.#gather();
      const batch = this.#takeBatch();
      try {
        const locations = await this.#commit(batch);
        for (const [index, pending] of batch.entries()) {
          const location = locations[index];
          if (location) pending.resolve(location);
        }
      } catch (error) {
        const failure = await writeError(this.#disk, error, 'cannot append to a segment');
        for (const pending of batch) pending.reject(failure);
      }
      for (const { length } of batch) this.#queuedBytes -= length;
    }
    this.#running = undefined;
  }

  #takeBatch(): readonly Pending[] {
    let bytes = 0;
    let count = 0;
    for (const { length } of this.#pending) {
      bytes += physicalLength({ length });
      if (bytes > BATCH_BYTES_MAX) break;
      count++;
    }
    return this.#pending.splice(0, count);
  }

  /**
   * Puts a batch on stable storage. After an error the segment is not trusted again: its bytes are written anew
   * from memory to another one, once. On a full disk there is no second try.
   */
  async #commit(batch: readonly Pending[]): Promise<readonly Location[]> {
    try {
      return await this.#write(batch);
    } catch (error) {
      if ((await writeError(this.#disk, error, '')).code === 'Full') throw error;
      return await this.#write(batch);
    }
  }

  async #write(batch: readonly Pending[]): Promise<readonly Location[]> {
    const segment = await this.#segmentFor(batch);
    const buffers: Uint8Array[] = [];
    const locations: Location[] = [];
    let end = segment.length;
    for (const { extent, length } of batch) {
      const location = { store: this.#store, container: segment.container, offset: end, length };
      buffers.push(...encodeFrames(location, extent));
      locations.push(location);
      end += physicalLength(location);
    }
    const journaled = this.#isForJournal(end - segment.length);
    // What it was made of is its owner's again before the journal has written it.
    const bytes = journaled ? [Buffer.concat(buffers)] : joinSmall(buffers);
    try {
      const file = journaled ? await this.#bufferedOf(segment) : segment.file;
      await file.write({ position: segment.length, buffers: bytes });
    } catch (error) {
      await (isOutOfRoom(error) ? this.#takeBack(segment) : this.#abandon(segment, error));
      throw error;
    }
    if (!segment.entrySynced) await this.#syncEntry(segment);
    if (journaled) this.#addToJournal(segment, bytes);
    segment.length = end;
    return locations;
  }

  #isForJournal(bytes: number): boolean {
    return (
      bytes <= JOURNALED_BYTES_MAX && (this.#journal?.journal.usedBytes ?? Infinity) < JOURNAL_BYTES_BUSY
    );
  }

  async #bufferedOf(segment: Segment): Promise<DiskFile> {
    segment.buffered ??= await this.#files.openBuffered(segment.container);
    return segment.buffered;
  }

  /** The metadata that names these bytes is a later record: neither is durable without them. */
  #addToJournal(segment: Segment, [bytes]: readonly Uint8Array[]): void {
    if (this.#journal === undefined || segment.buffered === undefined || bytes === undefined) return;
    this.#journal.unsynced.written(segment.buffered);
    addBytes(this.#journal.journal, { container: segment.container, offset: segment.length }, bytes);
  }

  async #syncEntry(segment: Segment): Promise<void> {
    try {
      await this.#files.syncEntry(segment);
    } catch (error) {
      await this.#abandon(segment, error);
      throw error;
    }
    segment.entrySynced = true;
  }

  /**
   * Gives back what part of a batch took before there was no more room. The segment stays in use: all that is
   * acknowledged lies before, and was stable before. What cannot be given back the next batch overwrites; what
   * of it lies behind that batch nobody refers to, as after a crash in the middle of a write.
   */
  async #takeBack(segment: Segment): Promise<void> {
    try {
      await segment.file.truncate(segment.length);
      await segment.file.truncate(this.#segmentBytes);
    } catch {
      // It takes room until the segment is sealed, and does no harm.
    }
  }

  async #segmentFor(batch: readonly Pending[]): Promise<Segment> {
    const bytes = batch.reduce((sum, pending) => sum + physicalLength(pending), 0);
    if (this.#segment && this.#segment.length > 0 && this.#segment.length + bytes > this.#segmentBytes) {
      await this.#seal();
    }
    this.#segment ??= await this.#begin();
    return this.#segment;
  }

  async #begin(): Promise<Segment> {
    const made = await this.#files.create('segment');
    const segment: Segment = { ...made, length: 0, buffered: undefined, entrySynced: false };
    try {
      // A sync that need not record a new length each time takes a fifth less. No blocks are taken.
      await segment.file.truncate(this.#segmentBytes);
    } catch (error) {
      await this.#end(segment);
      throw error;
    }
    return segment;
  }

  async #seal(): Promise<void> {
    const segment = this.#segment;
    this.#segment = undefined;
    if (segment) await this.#end(segment);
  }

  async #abandon(segment: Segment, error: unknown): Promise<void> {
    this.#segment = undefined;
    await this.#end(segment);
    this.#onWriteFault({ container: segment.container, error });
  }

  /**
   * Cuts off all that was not acknowledged, and closes. Everything else is on stable storage by now, here or in the
   * journal, so no failure here matters: what stays behind are zeros, or frames that nobody will refer to. Then it stays
   * one that is written to, so that its lease leaves it to recovery.
   */
  async #end(segment: Segment): Promise<void> {
    let isCut = await this.#cutOff(segment);
    await segment.file.close().catch(() => undefined);
    if (segment.buffered !== undefined) await this.#journal?.unsynced.end(segment.buffered);
    if (segment.length === 0) {
      await this.#files.unlink(segment.container).catch(() => undefined);
      isCut = true;
    }
    if (isCut) this.#files.endWriting(segment.container);
  }

  /** The sync makes the length final: a power cut must not bring zeros back that nobody accounts for. */
  async #cutOff({ file, length }: Segment): Promise<boolean> {
    try {
      await file.truncate(length);
      await file.sync();
      return true;
    } catch {
      return false;
    }
  }
}
