/** The object view of a volume: what a gateway for S3 hands in and gets back. No protocol words here. */

import type { ContentId, InodeId, Timestamp, UploadId, VolumeId } from '../ids.ts';

/** The hash of an object's bytes as clients see it: an MD5, alone or over `parts` parts' MD5s, or a change mark. */
export interface Etag {
  /** 16 bytes. */
  readonly digest: Uint8Array;
  /** 0: the MD5 of the bytes. Otherwise the `-N` suffix. */
  readonly parts: number;
}

export type ChecksumAlgorithm =
  | 'CRC32'
  | 'CRC32C'
  | 'CRC64NVME'
  | 'SHA1'
  | 'SHA256'
  | 'SHA512'
  | 'MD5'
  | 'XXHASH64'
  | 'XXHASH3'
  | 'XXHASH128';
export type ChecksumType = 'FULL_OBJECT' | 'COMPOSITE';

export interface Checksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly type: ChecksumType;
  readonly value: Uint8Array;
}

/** What a client said of an object besides its bytes. Names are kept as given; order is kept. */
export interface ObjectAttributes {
  /** `content-type`, `cache-control`, … : opaque to the core. */
  readonly properties: Readonly<Record<string, string>>;
  readonly userMetadata: Readonly<Record<string, string>>;
  /** Absent: STANDARD. */
  readonly storageClass?: string;
}

export type Tags = readonly { readonly key: string; readonly value: string }[];

/** Checked in the transaction that publishes: of N racing writers one wins. Etags as quoted-less text, or `*`. */
export interface WritePrecondition {
  readonly ifMatch?: readonly string[];
  readonly ifNoneMatch?: readonly string[];
}

/** What a listing knows of an object. */
export interface ObjectSummary {
  /** UTF-8 bytes of the key. */
  readonly key: Buffer;
  readonly sizeBytes: number;
  readonly lastModified: Timestamp;
  readonly etag: string;
  readonly storageClass: string;
  readonly checksum?: { readonly algorithm: ChecksumAlgorithm; readonly type: ChecksumType };
}

export interface ObjectInfo extends ObjectAttributes {
  readonly inode: InodeId;
  readonly sizeBytes: number;
  readonly lastModified: Timestamp;
  readonly etag: string;
  readonly storageClass: string;
  readonly checksum?: Checksum;
  /** Number of parts, when the object was made by a multipart upload and not changed since. */
  readonly parts?: number;
  readonly tagCount: number;
}

/** One part of a finished multipart object, in order. */
export interface PartInfo {
  readonly partNumber: number;
  readonly sizeBytes: number;
  readonly checksum?: Uint8Array;
}

/** Bytes that are stored and durable but that no name refers to yet. */
export type StoredBody =
  | { readonly kind: 'empty'; readonly lengthBytes: 0 }
  | { readonly kind: 'inline'; readonly lengthBytes: number; readonly bytes: Uint8Array }
  | {
      readonly kind: 'extent';
      readonly lengthBytes: number;
      readonly contentId: ContentId;
      readonly location: import('@facet/extents').Location;
    };

/** Few bytes, which whoever runs the command that publishes them stores first: the hop there is made once. */
export interface LooseBody {
  readonly kind: 'loose';
  readonly lengthBytes: number;
  readonly bytes: Uint8Array;
}

/** Bytes on their way to a name. Publish it or discard it, once. */
export type StagedBody = StoredBody | LooseBody;

/** Takes an object's bytes. Memory held is bounded whatever the length. */
export interface BodyWriter {
  /**
   * Resolves when the writer can take more. The chunk must not change until `onRelease` is called: once nobody needs it
   * here. After a rejection nobody does either.
   */
  write(chunk: Uint8Array, onRelease?: () => void): Promise<void>;
  /** Resolves when every byte is on stable storage, or at hand for who publishes it. */
  finish(): Promise<StagedBody>;
  /** Drops what was written. Also right after a failed `write` or `finish`. */
  abort(): Promise<void>;
}

/** An inclusive range of bytes. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** One consistent version of an object, held until closed: writers neither change nor remove its bytes. */
export interface OpenObjectArgs {
  readonly volume: VolumeId;
  readonly key: Buffer;
  /** Where its parts lie is going to be asked. */
  readonly withParts?: boolean;
  /**
   * Says what of it is going to be read, where that is not all: a large object lies in thousands of pieces, and no others are
   * looked for. May throw what the caller is to see.
   */
  readonly choose?: (object: Pick<OpenObject, 'info' | 'part'>) => ByteRange | 'all' | 'nothing';
}

export interface OpenObject {
  readonly info: ObjectInfo;
  /**
   * All that was chosen, or the range, which must lie within the object and what was chosen. Checked against checksums on
   * the way.
   */
  read(range?: ByteRange): AsyncGenerator<Buffer, undefined, undefined>;
  /**
   * The same bytes, if they are few and to be had without waiting: good until anything else is asked of the core. Else
   * undefined. @throws FsError Corrupt | Failed | Closed
   */
  readAtOnce(range?: ByteRange): Buffer | undefined;
  /** As {@link read}, for who is done with each piece before asking for the next: its memory is used again. */
  stream(range?: ByteRange): AsyncGenerator<Buffer, undefined, undefined>;
  /** Where part `partNumber` lies, for an object opened with its parts. @throws FsError InvalidPart */
  part(partNumber: number): ByteRange & { readonly checksum?: Uint8Array };
  /** Parts after `afterPartNumber`, at most `limit`, of an object opened with them. */
  parts(page: { readonly afterPartNumber: number; readonly limit: number }): readonly PartInfo[];
  /** Safe to call twice. */
  close(): void;
}

export interface PutObjectArgs extends ObjectAttributes {
  readonly volume: VolumeId;
  readonly key: Buffer;
  readonly body: StagedBody;
  readonly etag: Etag;
  readonly checksum?: Checksum;
  readonly tags?: Tags;
  readonly precondition?: WritePrecondition;
}

export interface PutObjectResult {
  readonly etag: string;
  readonly lastModified: Timestamp;
  readonly sizeBytes: number;
}

export interface CopyObjectArgs {
  readonly source: { readonly volume: VolumeId; readonly key: Buffer };
  readonly target: { readonly volume: VolumeId; readonly key: Buffer };
  /** Checked on the source within the transaction. Times compare at whole seconds, as HTTP dates do. */
  readonly sourcePrecondition?: WritePrecondition & {
    readonly ifModifiedSince?: Timestamp;
    readonly ifUnmodifiedSince?: Timestamp;
  };
  readonly precondition?: WritePrecondition;
  /** Given: the target takes these. Absent: it takes the source's. */
  readonly attributes?: ObjectAttributes;
  /** Storage class of the target where `attributes` is absent. */
  readonly storageClass?: string;
  readonly tags?: Tags;
  /** Replaces the source's checksum: computed by the caller when another algorithm was asked for. */
  readonly checksum?: Checksum;
}

export interface CopyObjectResult extends PutObjectResult {
  readonly checksum?: Checksum;
}

export interface ListObjectsArgs {
  readonly volume: VolumeId;
  readonly prefix: Buffer;
  /** Empty: none. */
  readonly delimiter: Buffer;
  /** Only names after this one, in byte order: a key, or a common prefix, which is then skipped whole. */
  readonly after?: Buffer;
  /** Keys and common prefixes together, 0 to 1000. */
  readonly limit: number;
}

export interface ListObjectsResult {
  /** In byte order, keys and common prefixes mixed. */
  readonly entries: readonly (
    | ({ readonly kind: 'object' } & ObjectSummary)
    | { readonly kind: 'prefix'; readonly prefix: Buffer }
  )[];
  /**
   * More may follow: pass `after` = the last entry's key or prefix. A page of keys in very many directories ends
   * before its limit.
   */
  readonly truncated: boolean;
}

// ---- multipart uploads ----

export interface CreateUploadArgs extends ObjectAttributes {
  readonly volume: VolumeId;
  readonly key: Buffer;
  readonly tags?: Tags;
  readonly checksum?: { readonly algorithm: ChecksumAlgorithm; readonly type: ChecksumType };
  /** Who may see it in listings: opaque to the core. */
  readonly initiator: string;
}

export interface UploadRef {
  readonly volume: VolumeId;
  readonly key: Buffer;
  readonly upload: UploadId;
}

export interface UploadInfo extends ObjectAttributes {
  readonly key: Buffer;
  readonly upload: UploadId;
  readonly initiated: Timestamp;
  readonly initiator: string;
  readonly storageClass: string;
  readonly checksum?: { readonly algorithm: ChecksumAlgorithm; readonly type: ChecksumType };
}

export interface PutPartArgs extends UploadRef {
  readonly partNumber: number;
  readonly body: StagedBody;
  /** MD5 of the part. */
  readonly md5: Uint8Array;
  readonly checksum?: Uint8Array;
}

export interface CopyPartArgs extends UploadRef {
  readonly partNumber: number;
  readonly source: { readonly volume: VolumeId; readonly key: Buffer; readonly range?: ByteRange };
  readonly sourcePrecondition?: CopyObjectArgs['sourcePrecondition'];
  /** MD5 and checksum of the bytes where the caller computed them; else a change mark stands for the MD5. */
  readonly md5?: Uint8Array;
  readonly checksum?: Uint8Array;
}

export interface StoredPart {
  readonly partNumber: number;
  readonly sizeBytes: number;
  readonly md5: Uint8Array;
  readonly checksum?: Uint8Array;
  readonly lastModified: Timestamp;
}

export interface CompleteUploadArgs extends UploadRef {
  /** In the order the client gave them. `etag` is the part's MD5 in hexadecimal, without quotes. */
  readonly parts: readonly {
    readonly partNumber: number;
    readonly etag: string;
    readonly checksum?: Uint8Array;
  }[];
  readonly precondition?: WritePrecondition;
  /** Given by the client: compared with the whole. @throws FsError InvalidPart when it differs */
  readonly sizeBytes?: number;
  /**
   * Works out the whole object's etag and checksum from its parts, in order. Called before the transaction,
   * which then makes sure that the parts are still these. May throw what the gateway's caller is to see.
   */
  readonly combine: (parts: readonly StoredPart[]) => { readonly etag: Etag; readonly checksum?: Checksum };
}

export interface CompleteUploadResult extends PutObjectResult {
  readonly checksum?: Checksum;
}

/** Every method throws FsError NoSuchVolume when the volume is gone and Closed after close. */
export interface ObjectView {
  /** Starts taking bytes; `lengthBytes` when it is known beforehand. */
  stage(hint: { readonly lengthBytes?: number }): BodyWriter;
  /** Drops a staged body that will not be published. */
  discard(body: StagedBody): Promise<void>;

  /** Consumes the body whether or not it succeeds. @throws FsError PreconditionFailed | NoEntry (ifMatch, no object) | NoSpace */
  put(args: PutObjectArgs): Promise<PutObjectResult>;
  /** @throws FsError NoEntry */
  head(args: { readonly volume: VolumeId; readonly key: Buffer }): Promise<ObjectInfo>;
  /** @throws FsError NoEntry; what `choose` throws */
  open(args: OpenObjectArgs): Promise<OpenObject>;
  /** Says whether there was one: an absent object is not an error, unless `ifMatch` is given. @throws FsError PreconditionFailed | NoEntry */
  delete(args: {
    readonly volume: VolumeId;
    readonly key: Buffer;
    readonly precondition?: WritePrecondition & {
      readonly ifMatchSize?: number;
      readonly ifMatchLastModified?: Timestamp;
    };
  }): Promise<{ readonly existed: boolean }>;
  /** Moves no bytes. @throws FsError NoEntry (the source) | PreconditionFailed */
  copy(args: CopyObjectArgs): Promise<CopyObjectResult>;
  list(args: ListObjectsArgs): Promise<ListObjectsResult>;
  /** @throws FsError NoEntry */
  getTags(args: { readonly volume: VolumeId; readonly key: Buffer }): Promise<Tags>;
  /** An empty list removes them. @throws FsError NoEntry */
  setTags(args: {
    readonly volume: VolumeId;
    readonly key: Buffer;
    readonly tags: Tags;
  }): Promise<{ readonly existed: boolean }>;

  createUpload(args: CreateUploadArgs): Promise<UploadInfo>;
  /** @throws FsError NoSuchUpload */
  getUpload(args: UploadRef): Promise<UploadInfo>;
  /** Replaces the part of that number. Consumes the body. @throws FsError NoSuchUpload */
  putPart(args: PutPartArgs): Promise<StoredPart>;
  /**
   * Shares the source's bytes.
   * @throws FsError NoSuchUpload | NoEntry | PreconditionFailed | InvalidRange | TooMuchAtOnce (they lie in too many pieces)
   */
  copyPart(args: CopyPartArgs): Promise<StoredPart>;
  /** For who is to read all of the source before. @throws FsError NoEntry | TooMuchAtOnce, as `copyPart` would */
  checkSharable(args: CopyPartArgs): Promise<void>;
  /** Parts after `afterPartNumber`. @throws FsError NoSuchUpload */
  listParts(args: UploadRef & { readonly afterPartNumber: number; readonly limit: number }): Promise<{
    readonly upload: UploadInfo;
    readonly parts: readonly StoredPart[];
    readonly truncated: boolean;
  }>;
  /** In order of key, then of initiation. Resume after (`key`, `upload`), or after every upload of `key` when `upload` is absent. */
  listUploads(args: {
    readonly volume: VolumeId;
    readonly prefix: Buffer;
    readonly delimiter: Buffer;
    readonly after?: { readonly key: Buffer; readonly upload?: UploadId };
    readonly limit: number;
  }): Promise<{
    readonly entries: readonly (
      | ({ readonly kind: 'upload' } & UploadInfo)
      | { readonly kind: 'prefix'; readonly prefix: Buffer }
    )[];
    readonly truncated: boolean;
  }>;
  /**
   * One map entry a part. A repeated call for an upload that was completed gives the first answer.
   * @throws FsError NoSuchUpload | InvalidPart | InvalidPartOrder | PartTooSmall | ObjectTooLarge | PreconditionFailed | NoEntry
   */
  completeUpload(args: CompleteUploadArgs): Promise<CompleteUploadResult>;
  /** @throws FsError NoSuchUpload */
  abortUpload(args: UploadRef): Promise<UploadInfo>;
}
