/** Multipart uploads under way, their parts, and the answers of those completed. */

import {
  type ContentId,
  contentId,
  parseUploadId,
  type Timestamp,
  timestamp,
  type UploadId,
} from '../../ids.ts';
import { assert } from '../../invariant.ts';
import type { Checksum, ChecksumAlgorithm, ChecksumType, Etag, Tags } from '../../objects/types.ts';
import { Reader, Writer } from '../codec.ts';
import { readChecksum, readChecksumKind, writeChecksum, writeChecksumKind } from './checksum.ts';
import { readEtag, writeEtag } from './inode.ts';
import { decodeTags, encodeTags, readPairs, writePairs } from './object.ts';

export interface UploadRecord {
  readonly upload: UploadId;
  readonly initiated: Timestamp;
  readonly initiator: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly userMetadata: Readonly<Record<string, string>>;
  readonly storageClass?: string;
  readonly tags?: Tags;
  readonly checksum?: { readonly algorithm: ChecksumAlgorithm; readonly type: ChecksumType };
  /** The key, so that a listing need not undo the escape. */
  readonly key: Uint8Array;
}

const TAG = { properties: 1, userMetadata: 2, storageClass: 3, tags: 4, checksum: 5 } as const;

export function encodeUpload(record: UploadRecord): Buffer {
  const writer = new Writer(384)
    .u8(1)
    .raw(Buffer.from(record.upload, 'hex'))
    .bigU64(record.initiated)
    .text(record.initiator)
    .bytes(record.key)
    .field(TAG.properties, (field) => writePairs(field, record.properties))
    .field(TAG.userMetadata, (field) => writePairs(field, record.userMetadata));
  const { storageClass, tags, checksum } = record;
  if (storageClass) writer.field(TAG.storageClass, (field) => field.raw(Buffer.from(storageClass)));
  if (tags) writer.field(TAG.tags, (field) => field.raw(encodeTags(tags)));
  if (checksum) writer.field(TAG.checksum, (field) => writeChecksumKind(field, checksum));
  return writer.done();
}

function uploadIdOf(bytes: Buffer): UploadId {
  const upload = parseUploadId(bytes.toString('hex'));
  assert(upload !== undefined, 'a stored upload id is 16 bytes');
  return upload;
}

export function decodeUpload(bytes: Uint8Array): UploadRecord {
  const reader = new Reader(bytes).schema(1, 'upload');
  const fixed = {
    upload: uploadIdOf(reader.raw(16)),
    initiated: timestamp(reader.bigU64()),
    initiator: reader.text(),
    key: reader.bytes(),
  };
  let properties: Record<string, string> = {};
  let userMetadata: Record<string, string> = {};
  const optional: { -readonly [K in 'storageClass' | 'tags' | 'checksum']?: NonNullable<UploadRecord[K]> } =
    {};
  reader.fields({
    [TAG.properties]: (field) => {
      properties = readPairs(field);
    },
    [TAG.userMetadata]: (field) => {
      userMetadata = readPairs(field);
    },
    [TAG.storageClass]: (field) => {
      optional.storageClass = field.rest().toString();
    },
    [TAG.tags]: (field) => {
      optional.tags = decodeTags(field.rest());
    },
    [TAG.checksum]: (field) => {
      optional.checksum = readChecksumKind(field);
    },
  });
  return { ...fixed, properties, userMetadata, ...optional };
}

/** A part's bytes are always a content, so that completing moves nothing; an empty part has none. */
export interface PartRecord {
  readonly content?: ContentId;
  readonly sizeBytes: number;
  readonly md5: Uint8Array;
  readonly checksum?: Uint8Array;
  readonly lastModified: Timestamp;
  /** Entries of its map, of a part that is a copy and has several. */
  readonly pieces?: number;
}

export function encodePart(part: PartRecord): Buffer {
  const writer = new Writer(96)
    .u8(1)
    .u64(part.content ?? 0)
    .u64(part.sizeBytes)
    .bigU64(part.lastModified)
    .raw(part.md5);
  const { checksum, pieces } = part;
  if (checksum) writer.field(1, (field) => field.raw(checksum));
  if (pieces !== undefined) writer.field(2, (field) => field.u32(pieces));
  return writer.done();
}

export function decodePart(bytes: Uint8Array): PartRecord {
  const reader = new Reader(bytes).schema(1, 'part');
  const content = reader.u64();
  const fixed = { sizeBytes: reader.u64(), lastModified: timestamp(reader.bigU64()), md5: reader.raw(16) };
  const optional: { checksum?: Buffer; pieces?: number } = {};
  reader.fields({
    1: (field) => {
      optional.checksum = field.rest();
    },
    2: (field) => {
      optional.pieces = field.u32();
    },
  });
  return { ...fixed, ...(content > 0 && { content: contentId(content) }), ...optional };
}

/** Kept so that a repeated complete gives the first answer. */
export interface CompletedUpload {
  readonly key: Uint8Array;
  readonly volume: number;
  readonly etag: Etag;
  readonly sizeBytes: number;
  readonly completed: Timestamp;
  readonly checksum?: Checksum;
}

export function encodeCompleted(done: CompletedUpload): Buffer {
  const writer = new Writer(128).u8(1).u64(done.volume).u64(done.sizeBytes).bigU64(done.completed);
  writeEtag(writer, done.etag);
  writer.bytes(done.key);
  const { checksum } = done;
  if (checksum) writer.field(1, (field) => writeChecksum(field, checksum));
  return writer.done();
}

export function decodeCompleted(bytes: Uint8Array): CompletedUpload {
  const reader = new Reader(bytes).schema(1, 'completed upload');
  const fixed = {
    volume: reader.u64(),
    sizeBytes: reader.u64(),
    completed: timestamp(reader.bigU64()),
    etag: readEtag(reader),
    key: reader.bytes(),
  };
  let checksum: Checksum | undefined;
  reader.fields({
    1: (field) => {
      checksum = readChecksum(field);
    },
  });
  return checksum ? { ...fixed, checksum } : fixed;
}
