/**
 * The extent store contract: where bytes live. It knows contents only as a number in a record header;
 * which bytes are alive is the caller's knowledge (the metadata).
 *
 * Everything on disk is a container: one file, named by an id that is never used twice. A *segment* packs
 * many small extents; a *dedicated* container holds one large one. Both hold the same self-describing frames
 * (`frame.ts`), so a scan can tell whose bytes they are, and a read can check them.
 */

declare const brand: unique symbol;
/** Names one container for ever. Positive safe integer. */
export type ContainerId = number & { readonly [brand]: 'ContainerId' };

export function containerId(value: number): ContainerId {
  if (!Number.isSafeInteger(value) || value <= 0) throw new RangeError(`not a container id: ${value}`);
  return value as ContainerId;
}

/** Where an extent lies. Never a path. */
export interface Location {
  /** Which store: 0 is the local disk. */
  readonly store: number;
  readonly container: ContainerId;
  /** Physical offset, in bytes, of the extent's first frame header. */
  readonly offset: number;
  /** Logical length in bytes: data only, headers not counted. */
  readonly length: number;
}

/** Whose bytes an extent holds, as its frame headers say. */
export interface ExtentOwner {
  readonly contentId: number;
  /** Offset of the extent's first byte within the content. */
  readonly fileOffset: number;
}

/** A run of physical bytes of one container. */
export interface PhysicalRun {
  readonly container: ContainerId;
  readonly offset: number;
  readonly length: number;
}

/** `length` bytes from `start` of an extent. */
export interface ExtentSlice {
  readonly location: Location;
  readonly start: number;
  readonly length: number;
  /** Where they may go. */
  readonly into?: Buffer;
}

/** Streams one large extent into a container of its own. Memory held is bounded whatever the length. */
export interface ExtentWriter {
  /**
   * Takes the chunk, which must not change until `onRelease` is called: once its bytes are written, or given up. After
   * a rejection it is not held either. Resolves when the writer can take another.
   */
  write(chunk: Uint8Array, onRelease?: () => void): Promise<void>;
  /** Resolves when every byte, the file and its directory entry are on stable storage. */
  finish(): Promise<Location>;
  /** Removes what was written. Safe after a failed `write` or `finish`; after a good `finish` it does nothing. */
  abort(): Promise<void>;
}

/**
 * One frame as a scan of its container found it; `intact` says that header and data checksums hold, or, where
 * data was not looked at, that the container is long enough for it.
 */
export interface ScannedFrame {
  readonly owner: ExtentOwner;
  readonly offset: number;
  readonly physicalLength: number;
  readonly dataLength: number;
  readonly intact: boolean;
}

export interface ScanOptions {
  readonly onDamage?: (run: PhysicalRun) => void;
  /**
   * Told of what the device fails to give, in order of place: it counts as damage then, and the walk goes on behind it. Else
   * that ends the walk.
   */
  readonly onUnreadable?: (run: PhysicalRun) => void;
  /** Data is not looked at, and hardly any of it read: a tenth of the bytes where frames are long. */
  readonly headersOnly?: boolean;
  /** Where to begin: where a frame does, or an earlier walk ended. */
  readonly from?: number;
  /** Told of each frame's bytes, header and all, before the frame is: they change with the next step. */
  readonly onBytes?: (bytes: Buffer) => void;
  /** Of its file of this kind, should somebody have put one of the other beside it. */
  readonly kind?: ContainerInfo['kind'];
}

export interface ContainerInfo {
  readonly container: ContainerId;
  readonly kind: 'segment' | 'dedicated';
  /** A segment that is not sealed, or was not before a crash, is longer than its frames: zeros follow them. */
  readonly sizeBytes: number;
  /** Blocks really allocated, times 512: falls when runs are punched. */
  readonly allocatedBytes: number;
}

/**
 * Hands out container ids that no one else has or will have; recorded durably before it resolves.
 * @throws ExtentError Full
 */
export type ContainerLease = () => Promise<{ readonly first: ContainerId; readonly count: number }>;

export interface ExtentStore {
  /**
   * Appends one small extent to a shared segment. Many callers share one write and one data sync.
   * Resolves when the bytes are on stable storage, or will be with the next commit to the journal that the store was
   * opened with, if it was: so a commit that refers to them may follow.
   * @throws ExtentError Full | Failed
   */
  append(extent: { readonly owner: ExtentOwner; readonly data: readonly Uint8Array[] }): Promise<Location>;
  /** Opens a dedicated container; nothing is created before the first write. */
  create(owner: ExtentOwner): ExtentWriter;
  /**
   * Reads `length` bytes from `start` of the extent. Every block touched is checked against its CRC-32C.
   * `length` is at most {@link READ_BYTES_MAX}. The result is a view of `into`, where that has room for the
   * slice and {@link READ_SLACK_BYTES} more; else of fresh memory.
   * @throws ExtentError Corrupt | Missing | Failed
   */
  read(slice: ExtentSlice): Promise<Buffer>;
  /**
   * The same, if it is to be had without waiting; else undefined, and {@link read} is to be asked.
   * @throws ExtentError Corrupt | Failed
   */
  readAtOnce(slice: ExtentSlice): Buffer | undefined;
  /**
   * The slice of a place that somebody remembers, of an extent of one frame, if the bytes there are still those that
   * `contentId` begins with. Never fails: where they are not, or can not be read, it is undefined, and nothing counts as
   * damage. Containers are never used again, so that bytes of a content that has not changed since are the right ones.
   */
  recall(slice: ExtentSlice, contentId: number): Promise<Buffer | undefined>;
  /** The same, if it is to be had without waiting; else undefined, and {@link recall} is to be asked. */
  recallAtOnce(slice: ExtentSlice, contentId: number): Buffer | undefined;
  /**
   * Gives the blocks of a run of dead bytes back to the file system. The run reads as zeros then; the container's
   * size stays. A run of whole blocks leaves those beside it alone, and with them the ends of its first and last
   * frame: a scan reports those as damaged. False where the file system knows no holes, and nothing is done.
   * @throws ExtentError Missing | Failed
   */
  punch(run: PhysicalRun): Promise<boolean>;
  /** Removes a container file; already absent is not an error. Resolves when it stays removed after a power cut. */
  unlink(container: ContainerId): Promise<void>;
  /** Lets go of a container that another instance removed: its blocks are free once its readers are done. */
  retire(container: ContainerId): void;
  /** Containers this instance may still append to, or whose end it could not make final: not to be unlinked. */
  isActive(container: ContainerId): boolean;
  list(): Promise<readonly ContainerInfo[]>;
  /** The greatest id that a container has; undefined when there is none. Looks at names only. */
  greatest(): Promise<ContainerId | undefined>;
  /** What {@link list} says of one container; undefined when there is none. Known of a closed store, too. */
  status(container: ContainerId): Promise<ContainerInfo | undefined>;
  /**
   * Walks the frames of a container in order of place. Skips punched runs and the unwritten end, which are zeros.
   * Bytes that are neither are passed to `onDamage`, and the walk goes on at the next whole frame header.
   * @throws ExtentError Missing | Failed
   */
  scan(container: ContainerId, options?: ScanOptions): AsyncIterable<ScannedFrame>;
  /**
   * Puts all that is seen of a container that nobody writes to on stable storage, its length included: after a process
   * that was killed a power cut could still change it. None is no error.
   * @throws ExtentError Full | Failed
   */
  settle(container: ContainerId): Promise<void>;
  /** Bytes of the device that may still be taken. @throws ExtentError Failed */
  freeBytes(): Promise<number>;
  /** Seals the active segments after finishing what is under way. */
  close(): Promise<void>;
}

export const READ_BYTES_MAX = 1 << 20;
/** What a read takes besides the slice: the rest of the blocks it begins and ends in, and headers. */
export const READ_SLACK_BYTES = 68 << 10;

/**
 * - `Full`: no room on the device; nothing the caller may refer to was written.
 * - `Failed`: the device refused; the caller's extent is not stored.
 * - `Corrupt`: bytes on disk do not match their checksum; never served.
 * - `Missing`: the container or the place in it does not exist.
 * - `Closed`: the store was closed.
 */
export type ExtentErrorCode = 'Full' | 'Failed' | 'Corrupt' | 'Missing' | 'Closed';

export class ExtentError extends Error {
  override readonly name = 'ExtentError';
  readonly code: ExtentErrorCode;
  constructor(code: ExtentErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
