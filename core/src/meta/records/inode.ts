/**
 * Inodes: attributes, where the bytes are, and what S3 knows of an object beyond: that is carried along undecoded, since
 * nobody else asks for it. Under 400 bytes without that, which has as many as the headers of a PUT may.
 */

import { containerId, type Location } from '@facet/extents';
import {
  type ContentId,
  type Cookie,
  contentId,
  cookie,
  type InodeId,
  inodeId,
  type Timestamp,
  timestamp,
} from '../../ids.ts';
import { assert } from '../../invariant.ts';
import type { ChecksumAlgorithm, ChecksumType, Etag } from '../../objects/types.ts';
import { type FieldReaders, Reader, Writer } from '../codec.ts';
import { readChecksumKind, writeChecksumKind } from './checksum.ts';

export type InodeType = 'file' | 'directory' | 'symlink' | 'fifo' | 'socket' | 'character' | 'block';

const TYPES: readonly InodeType[] = ['file', 'directory', 'symlink', 'fifo', 'socket', 'character', 'block'];

export function inodeTypeCode(type: InodeType): number {
  return TYPES.indexOf(type) + 1;
}

export function inodeTypeOfCode(code: number): InodeType {
  const type = TYPES[code - 1];
  assert(type !== undefined, () => `inode type ${code} is not known`);
  return type;
}

/**
 * Where a body's bytes are.
 * - `inline`: under the inode's inline key.
 * - `content`: where that says; `at` is where its one extent lay when it was stored, if it is small
 *   ({@link file://./../../contents/remembered.ts}). Whoever changes the content in place gives the inode another body.
 */
export type BodyRef =
  | { readonly kind: 'empty' }
  | { readonly kind: 'inline' }
  | { readonly kind: 'content'; readonly content: ContentId; readonly at?: ExtentPlace };

/** Of an extent as long as its body. */
export type ExtentPlace = Omit<Location, 'length'>;

/** What is longer takes its time to read anyway. One block of a frame: no more is read than what is asked for. */
const REMEMBERED_BYTES_MAX = 32 << 10;

/** The body that a content of one extent is. */
export function bodyAt(content: ContentId, { store, container, offset, length }: Location): BodyRef {
  if (length > REMEMBERED_BYTES_MAX) return { kind: 'content', content };
  return { kind: 'content', content, at: { store, container, offset } };
}

export const EMPTY_BODY: BodyRef = { kind: 'empty' };

/** Where an inode's first name is: enough to find the name, which a rename of a parent does not touch. */
export interface Place {
  readonly parent: InodeId;
  readonly cookie: Cookie;
}

export interface Inode {
  readonly type: InodeType;
  /** Permission bits with set-id and sticky: 12 bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Names of a file. Of a directory, see its state. 0: an orphan. */
  readonly nlink: number;
  readonly sizeBytes: number;
  readonly atime: Timestamp;
  readonly mtime: Timestamp;
  readonly ctime: Timestamp;
  /** Random: an inode id is never used twice, so this only makes handles hard to guess. */
  readonly generation: number;
  /** Grows with every change of data or attributes. */
  readonly change: number;
  /** Grows with every change of data. */
  readonly dataVersion: number;
  readonly body: BodyRef;
  /** The first name; the root's is itself. Other names have link keys. */
  readonly place: Place;
  /** Absent: the etag follows the data version. */
  readonly etag?: Etag;
  /** Absent: STANDARD. */
  readonly storageClass?: string;
  readonly checksum?: { readonly algorithm: ChecksumAlgorithm; readonly type: ChecksumType };
  readonly device?: { readonly major: number; readonly minor: number };
  /** 8 bytes, of the exclusive create that made this file. */
  readonly createVerifier?: Uint8Array;
  /** An object's record ({@link file://./object.ts}), as stored. Absent: S3 never put it, nor gave it tags. */
  readonly object?: Uint8Array;
}

const SCHEMA = 1;
const TAG = {
  etag: 1,
  storageClass: 2,
  checksum: 3,
  device: 4,
  createVerifier: 5,
  object: 6,
  bodyAt: 7,
} as const;

function writeBodyRef(writer: Writer, body: BodyRef): void {
  writer.u8(body.kind === 'empty' ? 0 : body.kind === 'inline' ? 1 : 2);
  writer.u64(body.kind === 'content' ? body.content : 0);
}

function readBodyRef(reader: Reader): BodyRef {
  const kind = reader.u8();
  const content = reader.u64();
  if (kind === 0) return EMPTY_BODY;
  if (kind === 1) return { kind: 'inline' };
  assert(kind === 2, () => `body kind ${kind} is not known`);
  return { kind: 'content', content: contentId(content) };
}

export function writeEtag(writer: Writer, etag: Etag): void {
  assert(etag.digest.length === 16, 'an etag has 16 bytes');
  writer.u16(etag.parts).raw(etag.digest);
}

export function readEtag(reader: Reader): Etag {
  const parts = reader.u16();
  return { parts, digest: reader.raw(16) };
}

/** Without optional fields, as most are that S3 did not put. */
const PLAIN_BYTES = 93;
/** All optional fields but the object's record. */
const OPTIONAL_BYTES_HINT = 96;

export function encodeInode(inode: Inode): Buffer {
  const { etag, storageClass, checksum, device, createVerifier, object, body } = inode;
  const at = body.kind === 'content' ? body.at : undefined;
  const isPlain = !(etag || storageClass || checksum || device || createVerifier || object || at);
  const optionalBytesHint = OPTIONAL_BYTES_HINT + (object?.length ?? 0);
  const writer = new Writer(isPlain ? PLAIN_BYTES : PLAIN_BYTES + optionalBytesHint)
    .u8(SCHEMA)
    .u8(inodeTypeCode(inode.type))
    .u16(inode.mode)
    .u32(inode.uid)
    .u32(inode.gid)
    .u32(inode.nlink)
    .u64(inode.sizeBytes)
    .bigU64(inode.atime)
    .bigU64(inode.mtime)
    .bigU64(inode.ctime)
    .u32(inode.generation)
    .u64(inode.change)
    .u64(inode.dataVersion);
  writeBodyRef(writer, body);
  writer.u64(inode.place.parent).u64(inode.place.cookie);
  if (isPlain) return writer.done();
  if (etag) writer.field(TAG.etag, (field) => writeEtag(field, etag));
  if (storageClass) writer.field(TAG.storageClass, (field) => field.raw(Buffer.from(storageClass)));
  if (checksum) writer.field(TAG.checksum, (field) => writeChecksumKind(field, checksum));
  if (device) writer.field(TAG.device, (field) => field.u32(device.major).u32(device.minor));
  if (createVerifier) writer.field(TAG.createVerifier, (field) => field.raw(createVerifier));
  if (object) writer.field(TAG.object, (field) => field.raw(object));
  if (at) writer.field(TAG.bodyAt, (field) => field.u16(at.store).u64(at.container).u64(at.offset));
  return writer.done();
}

const LISTED_FIELDS: FieldReaders<{ -readonly [K in keyof Inode]?: Inode[K] }> = {
  [TAG.etag]: (field, inode) => {
    inode.etag = readEtag(field);
  },
  [TAG.storageClass]: (field, inode) => {
    inode.storageClass = field.rest().toString();
  },
  [TAG.checksum]: (field, inode) => {
    inode.checksum = readChecksumKind(field);
  },
};

const FIELDS: FieldReaders<{ -readonly [K in keyof Inode]?: Inode[K] }> = {
  ...LISTED_FIELDS,
  [TAG.device]: (field, inode) => {
    inode.device = { major: field.u32(), minor: field.u32() };
  },
  [TAG.createVerifier]: (field, inode) => {
    inode.createVerifier = field.raw(8);
  },
  [TAG.object]: (field, inode) => {
    inode.object = field.rest();
  },
  [TAG.bodyAt]: (field, inode) => {
    const { body } = inode;
    assert(body?.kind === 'content', 'what lies in an extent is a content');
    const at = { store: field.u16(), container: containerId(field.u64()), offset: field.u64() };
    inode.body = { kind: 'content', content: body.content, at };
  },
};

export function decodeInode(bytes: Uint8Array): Inode {
  const reader = new Reader(bytes).schema(SCHEMA, 'inode');
  const inode = {
    type: inodeTypeOfCode(reader.u8()),
    mode: reader.u16(),
    uid: reader.u32(),
    gid: reader.u32(),
    nlink: reader.u32(),
    sizeBytes: reader.u64(),
    atime: timestamp(reader.bigU64()),
    mtime: timestamp(reader.bigU64()),
    ctime: timestamp(reader.bigU64()),
    generation: reader.u32(),
    change: reader.u64(),
    dataVersion: reader.u64(),
    body: readBodyRef(reader),
    place: { parent: inodeId(reader.u64()), cookie: cookie(reader.u64()) },
  };
  reader.fields<Inode>(FIELDS, inode);
  return inode;
}

/** What a listing tells of an inode, or tells it by. */
export type ListedInode = Pick<
  Inode,
  'sizeBytes' | 'mtime' | 'generation' | 'dataVersion' | 'etag' | 'storageClass' | 'checksum'
>;

/** The same without the rest: a page of a listing has a thousand of them. */
export function decodeListedInode(bytes: Uint8Array): ListedInode {
  const reader = new Reader(bytes).schema(SCHEMA, 'inode').skip(BYTES_BEFORE.size);
  const sizeBytes = reader.u64();
  const mtime = timestamp(reader.skip(BYTES_BEFORE.mtime).bigU64());
  const generation = reader.skip(BYTES_BEFORE.generation).u32();
  const dataVersion = reader.skip(BYTES_BEFORE.dataVersion).u64();
  const inode = { sizeBytes, mtime, generation, dataVersion };
  reader.skip(BYTES_BEFORE.fields).fields<Partial<Inode>>(LISTED_FIELDS, inode);
  return inode;
}

/** From what is read before to this: type, mode, owner, group and names; atime; ctime; change; body and place. */
const BYTES_BEFORE = {
  size: 1 + 2 + 3 * 4,
  mtime: 8,
  generation: 8,
  dataVersion: 8,
  fields: 9 + 2 * 8,
} as const;
