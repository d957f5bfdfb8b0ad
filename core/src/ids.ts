/** Branded ids, each made by a checking constructor. */

declare const brand: unique symbol;
type Branded<T, B extends string> = T & { readonly [brand]: B };

/** Never used twice. */
export type VolumeId = Branded<number, 'VolumeId'>;
/** What a volume's metadata keys begin with; a chain of layers makes snapshots and clones possible. */
export type LayerId = Branded<number, 'LayerId'>;
/** Dense within a volume, never used twice. 1 is the root directory. */
export type InodeId = Branded<number, 'InodeId'>;
/** Never used twice in a store. */
export type ContentId = Branded<number, 'ContentId'>;
/** A directory entry's place in READDIR order. Dense within a directory, never used twice in it. */
export type Cookie = Branded<number, 'Cookie'>;
/** 32 lower-case hexadecimal digits: 8 bytes of when it began, 8 random ones. */
export type UploadId = Branded<string, 'UploadId'>;
/** Nanoseconds since 1970-01-01T00:00:00Z. */
export type Timestamp = Branded<bigint, 'Timestamp'>;

function positive(value: number, what: string): number {
  if (!Number.isSafeInteger(value) || value <= 0) throw new RangeError(`not a ${what}: ${value}`);
  return value;
}

export const volumeId = (value: number): VolumeId => positive(value, 'volume id') as VolumeId;
export const layerId = (value: number): LayerId => positive(value, 'layer id') as LayerId;
export const inodeId = (value: number): InodeId => positive(value, 'inode id') as InodeId;
export const contentId = (value: number): ContentId => positive(value, 'content id') as ContentId;
export const cookie = (value: number): Cookie => positive(value, 'cookie') as Cookie;

const TIMESTAMP_END = 1n << 64n;

export function timestamp(nanoseconds: bigint): Timestamp {
  if (nanoseconds < 0n || nanoseconds >= TIMESTAMP_END)
    throw new RangeError(`not a timestamp: ${nanoseconds}`);
  return nanoseconds as Timestamp;
}

const UPLOAD_ID = /^[0-9a-f]{32}$/;
export function parseUploadId(text: string): UploadId | undefined {
  return UPLOAD_ID.test(text) ? (text as UploadId) : undefined;
}

export function makeUploadId(began: Timestamp, random: Buffer): UploadId {
  return (began.toString(16).padStart(16, '0') + random.toString('hex', 0, 8)) as UploadId;
}

export const ROOT_INODE = inodeId(1);
