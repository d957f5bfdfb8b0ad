/** The extent store on a local disk: shared segments for small extents, a file each for large ones. */

import { Appender, type Extent, type WriteFault } from './appender.ts';
import { ContainerFiles } from './containerFiles.ts';
import { containerName } from './containerName.ts';
import {
  type ContainerId,
  type ContainerInfo,
  type ContainerLease,
  ExtentError,
  type ExtentOwner,
  type ExtentSlice,
  type ExtentStore,
  type ExtentWriter,
  type Location,
  type PhysicalRun,
  READ_BYTES_MAX,
  type ScannedFrame,
  type ScanOptions,
} from './contract.ts';
import { DedicatedWriter } from './dedicatedWriter.ts';
import { writeError } from './deviceError.ts';
import type { Disk, DiskFile } from './disk.ts';
import { addPunch, type ByteJournal } from './journaledBytes.ts';
import { type OpenFile, OpenFiles } from './openFiles.ts';
import { readSlice, readSliceAtOnce, type WantedSlice } from './reader.ts';
import { scanFrames } from './scan.ts';
import { UnsyncedSegments } from './unsyncedSegments.ts';

const SEGMENT_BYTES = 256 << 20;
const OPEN_FILES_MAX = 256;
/**
 * The device works while data still comes, and no sync has hundreds of megabytes for others to wait behind: 1.2 times
 * the throughput of one sync at the end; with 16 MiB there was nothing of it. To ask the kernel to begin writing
 * (sync_file_range) does not do: it leaves the bytes in the device's own cache, to be flushed at the end.
 */
const SYNC_EVERY_BYTES = 4 << 20;
/**
 * One segment serves any number of small appends. Of large ones a second takes those that come while the first
 * has this much to do, so that one batch is copied while the other is synced: 1.2 to 1.7 times the throughput
 * of 128 KiB appends.
 */
const SEGMENTS_AT_ONCE = 2;
const QUEUED_BYTES_SPILL = 1 << 20;

export interface LocalExtentStoreOptions {
  readonly disk: Disk;
  readonly lease: ContainerLease;
  /** Told of each device error that made a segment unfit for more, before its bytes are written elsewhere. */
  readonly onWriteFault?: (fault: WriteFault) => void;
  /** A new segment is begun where the current one would pass this. 256 MiB unless told. */
  readonly segmentBytes?: number;
  /** A large extent is synced each time so much of it was written, while more of it comes. 4 MiB unless told. */
  readonly syncEveryBytes?: number;
  /** Containers kept open for reading besides those in use. 256 unless told. */
  readonly openFilesMax?: number;
  /**
   * Awaited before a batch of appends is closed. Unless told, the end of the event loop's turn, so that what
   * arrives in one turn shares a sync; a simulator hands in its own. Never rejects.
   */
  readonly gather?: () => Promise<void>;
  /**
   * Makes small appends durable together with what refers to them: they are once anything is committed to it after.
   * Unless told, each is by itself. What it holds was replayed by a {@link ByteReplay}.
   */
  readonly journal?: ByteJournal;
}

export class LocalExtentStore implements ExtentStore {
  readonly #store = 0;
  readonly #disk: Disk;
  readonly #files: ContainerFiles;
  readonly #appenders: readonly Appender[];
  readonly #syncEveryBytes: number;
  readonly #open: OpenFiles;
  readonly #journal: ByteJournal | undefined;
  readonly #unsynced = new UnsyncedSegments();
  #checksumErrors = 0;
  #closed = false;

  constructor(options: LocalExtentStoreOptions) {
    this.#disk = options.disk;
    this.#files = new ContainerFiles(options.disk, options.lease);
    this.#open = new OpenFiles({
      max: options.openFilesMax ?? OPEN_FILES_MAX,
      open: (container, likely) => this.#files.open(container, likely),
    });
    this.#syncEveryBytes = options.syncEveryBytes ?? SYNC_EVERY_BYTES;
    const { journal } = options;
    this.#journal = journal;
    journal?.attach(() => this.#unsynced.settle());
    this.#appenders = Array.from({ length: SEGMENTS_AT_ONCE }, () => {
      return new Appender({
        store: this.#store,
        disk: options.disk,
        files: this.#files,
        segmentBytes: options.segmentBytes ?? SEGMENT_BYTES,
        onWriteFault: options.onWriteFault ?? (() => undefined),
        gather: options.gather ?? endOfTurn,
        ...(journal && { journal: { journal, unsynced: this.#unsynced } }),
      });
    });
  }

  /** Reads that met bytes which do not match their checksum, since the store was opened. */
  get checksumErrors(): number {
    return this.#checksumErrors;
  }

  async append(extent: Extent): Promise<Location> {
    this.#mustBeOpen();
    return this.#appenderForNext().append(extent);
  }

  create(owner: ExtentOwner): ExtentWriter {
    this.#mustBeOpen();
    return new DedicatedWriter({
      store: this.#store,
      owner,
      disk: this.#disk,
      files: this.#files,
      syncEveryBytes: this.#syncEveryBytes,
    });
  }

  async read(slice: ExtentSlice): Promise<Buffer> {
    this.#mustBeOpen();
    this.#check(slice);
    if (slice.length === 0) return Buffer.alloc(0);
    try {
      return await this.#read(slice);
    } catch (error) {
      throw this.#readError(slice.location.container, error);
    }
  }

  readAtOnce(slice: ExtentSlice): Buffer | undefined {
    this.#mustBeOpen();
    this.#check(slice);
    if (slice.length === 0) return Buffer.alloc(0);
    try {
      return this.#readAtOnce(slice);
    } catch (error) {
      throw this.#readError(slice.location.container, error);
    }
  }

  async recall(slice: ExtentSlice, contentId: number): Promise<Buffer | undefined> {
    try {
      this.#mustBeOpen();
      this.#check(slice);
      return await this.#read({ ...slice, contentId });
    } catch {
      return undefined;
    }
  }

  recallAtOnce(slice: ExtentSlice, contentId: number): Buffer | undefined {
    try {
      this.#mustBeOpen();
      this.#check(slice);
      return this.#readAtOnce({ ...slice, contentId });
    } catch {
      return undefined;
    }
  }

  async #read(slice: WantedSlice): Promise<Buffer> {
    const open = this.#take(slice.location);
    try {
      const file = open.file ?? (await fileOf(open));
      return readSliceAtOnce(file, slice) ?? (await readSlice(file, slice));
    } finally {
      this.#open.release(open);
    }
  }

  #readAtOnce(slice: WantedSlice): Buffer | undefined {
    const open = this.#take(slice.location);
    try {
      return open.file && readSliceAtOnce(open.file, slice);
    } finally {
      this.#open.release(open);
    }
  }

  /** @throws RangeError | ExtentError Missing */
  #check({ location, start, length }: ExtentSlice): void {
    const areIntegers = Number.isSafeInteger(start) && Number.isSafeInteger(length);
    if (
      !areIntegers ||
      length < 0 ||
      length > READ_BYTES_MAX ||
      start < 0 ||
      start + length > location.length
    ) {
      throw new RangeError(`no ${length} bytes at ${start} of an extent of ${location.length} can be read`);
    }
    if (location.store !== this.#store)
      throw new ExtentError('Missing', `there is no store ${location.store}`);
  }

  /** A dedicated extent lies at the start of its container; hardly any packed one does. */
  #take({ container, offset }: Location): OpenFile {
    return this.#open.take(container, offset === 0 ? 'dedicated' : 'segment');
  }

  async punch(run: PhysicalRun): Promise<boolean> {
    this.#mustBeOpen();
    const open = this.#open.take(run.container, 'segment');
    try {
      const file = await fileOf(open);
      // Else bytes of the run that the journal holds would come back, and be nobody's.
      if (this.#journal) addPunch(this.#journal, run);
      return await file.punch(run);
    } catch (error) {
      throw await writeError(this.#disk, error, `cannot punch container ${containerName(run.container)}`);
    } finally {
      this.#open.release(open);
    }
  }

  async unlink(container: ContainerId): Promise<void> {
    this.#mustBeOpen();
    try {
      await this.#files.unlink(container);
    } catch (error) {
      throw await writeError(this.#disk, error, `cannot unlink container ${containerName(container)}`);
    } finally {
      // Only now, or a read might open the file once more just before it goes, and hold its blocks.
      this.#open.retire(container);
    }
  }

  retire(container: ContainerId): void {
    this.#open.retire(container);
  }

  isActive(container: ContainerId): boolean {
    return this.#files.isBeingWritten(container);
  }

  async list(): Promise<readonly ContainerInfo[]> {
    this.#mustBeOpen();
    try {
      return await this.#files.list();
    } catch (error) {
      throw await writeError(this.#disk, error, 'cannot list containers');
    }
  }

  async greatest(): Promise<ContainerId | undefined> {
    this.#mustBeOpen();
    try {
      return await this.#files.greatest();
    } catch (error) {
      throw await writeError(this.#disk, error, 'cannot list containers');
    }
  }

  async status(container: ContainerId): Promise<ContainerInfo | undefined> {
    try {
      return await this.#files.status(container);
    } catch (error) {
      throw await writeError(this.#disk, error, `cannot look at container ${containerName(container)}`);
    }
  }

  async freeBytes(): Promise<number> {
    try {
      return await this.#disk.freeBytes();
    } catch (error) {
      throw await writeError(this.#disk, error, 'cannot tell the room on the disk');
    }
  }

  async *scan(container: ContainerId, options: ScanOptions = {}): AsyncGenerator<ScannedFrame, void, void> {
    this.#mustBeOpen();
    const { kind } = options;
    const open = kind === undefined ? this.#open.take(container, 'segment') : undefined;
    let ownFile: DiskFile | undefined;
    try {
      if (kind !== undefined) ownFile = await this.#files.openOf(container, kind);
      const file = open ? await fileOf(open) : there(container, ownFile);
      const active = this.#appenders.find((appender) => appender.active?.container === container)?.active;
      // Past its stable length an active segment may hold half a batch.
      const length = active?.length ?? (await file.size());
      yield* scanFrames({ store: this.#store, container, file, length }, options);
    } catch (error) {
      throw this.#readError(container, error);
    } finally {
      if (open) this.#open.release(open);
      await ownFile?.close();
    }
  }

  async settle(container: ContainerId): Promise<void> {
    this.#mustBeOpen();
    try {
      const file = await this.#files.open(container, 'segment');
      if (file) await makeFinal(file).finally(() => file.close());
    } catch (error) {
      throw await writeError(this.#disk, error, `cannot sync container ${containerName(container)}`);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#appenders.map((appender) => appender.close()));
    // What fails is in the journal still: the one who owns that is told.
    await this.#unsynced.settle().catch(() => undefined);
    this.#open.retireAll();
  }

  /** The first with little to do; the least busy when all have much. */
  #appenderForNext(): Appender {
    const idle = this.#appenders.find(({ queuedBytes }) => queuedBytes < QUEUED_BYTES_SPILL);
    return (
      idle ?? this.#appenders.reduce((best, next) => (next.queuedBytes < best.queuedBytes ? next : best))
    );
  }

  #readError(container: ContainerId, error: unknown): ExtentError {
    if (error instanceof ExtentError) {
      if (error.code === 'Corrupt') this.#checksumErrors += 1;
      return error;
    }
    const reason = error instanceof Error ? error.message : String(error);
    return new ExtentError('Failed', `cannot read container ${containerName(container)}: ${reason}`, {
      cause: error,
    });
  }

  #mustBeOpen(): void {
    if (this.#closed) throw new ExtentError('Closed', 'the extent store is closed');
  }
}

/** Its length is set once more: a sync may pass over what one before has failed to do. */
async function makeFinal(file: DiskFile): Promise<void> {
  await file.truncate(await file.size());
  await file.sync();
}

async function fileOf(open: OpenFile): Promise<DiskFile> {
  return there(open.container, open.file ?? (await open.opened));
}

function there(container: ContainerId, file: DiskFile | undefined): DiskFile {
  if (file) return file;
  throw new ExtentError('Missing', `there is no container ${containerName(container)}`);
}

function endOfTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
