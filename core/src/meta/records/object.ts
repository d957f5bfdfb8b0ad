/**
 * What an object has beyond a file: properties, user metadata, checksum; and what an object `dir/` without bytes is.
 * It lies in the inode's record.
 */

import { type Timestamp, timestamp } from '../../ids.ts';
import type { Checksum, Etag, Tags } from '../../objects/types.ts';
import { type FieldReaders, Reader, Writer } from '../codec.ts';
import { readChecksum, writeChecksum } from './checksum.ts';
import { type Inode, readEtag, writeEtag } from './inode.ts';

/** Of a directory's object. It has no bytes: where `dir/` has some, a file in the directory is the object. */
interface DirectoryObject {
  readonly etag: Etag;
  readonly lastModified: Timestamp;
  readonly storageClass?: string;
}

export interface ObjectRecord {
  readonly properties: Readonly<Record<string, string>>;
  readonly userMetadata: Readonly<Record<string, string>>;
  readonly checksum?: Checksum;
  readonly tagCount: number;
  readonly directory?: DirectoryObject;
}

const SCHEMA = 1;
const TAG = { properties: 1, userMetadata: 2, checksum: 3, tagCount: 4, directory: 6 } as const;

export function writePairs(writer: Writer, pairs: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(pairs)) writer.text(name).text(value);
}

export function readPairs(reader: Reader): Record<string, string> {
  const pairs: [string, string][] = [];
  while (reader.remaining > 0) pairs.push([reader.text(), reader.text()]);
  // fromEntries defines own properties, so that a header named __proto__ is data like any other.
  return Object.fromEntries(pairs);
}

export function encodeObjectRecord(record: ObjectRecord): Buffer {
  const writer = new Writer(256).u8(SCHEMA);
  const { checksum, directory } = record;
  if (Object.keys(record.properties).length > 0) {
    writer.field(TAG.properties, (field) => writePairs(field, record.properties));
  }
  if (Object.keys(record.userMetadata).length > 0) {
    writer.field(TAG.userMetadata, (field) => writePairs(field, record.userMetadata));
  }
  if (checksum) writer.field(TAG.checksum, (field) => writeChecksum(field, checksum));
  if (record.tagCount > 0) writer.field(TAG.tagCount, (field) => field.u16(record.tagCount));
  if (directory) {
    writer.field(TAG.directory, (field) => {
      field.bigU64(directory.lastModified);
      writeEtag(field, directory.etag);
      field.raw(Buffer.from(directory.storageClass ?? ''));
    });
  }
  return writer.done();
}

const FIELDS: FieldReaders<{ -readonly [K in keyof ObjectRecord]: ObjectRecord[K] }> = {
  [TAG.properties]: (field, record) => {
    record.properties = readPairs(field);
  },
  [TAG.userMetadata]: (field, record) => {
    record.userMetadata = readPairs(field);
  },
  [TAG.checksum]: (field, record) => {
    record.checksum = readChecksum(field);
  },
  [TAG.tagCount]: (field, record) => {
    record.tagCount = field.u16();
  },
  [TAG.directory]: (field, record) => {
    record.directory = readDirectoryObject(field);
  },
};

export function decodeObjectRecord(bytes: Uint8Array): ObjectRecord {
  const record: ObjectRecord = { properties: {}, userMetadata: {}, tagCount: 0 };
  new Reader(bytes).schema(SCHEMA, 'object record').fields(FIELDS, record);
  return record;
}

const NOTHING: ObjectRecord = { properties: {}, userMetadata: {}, tagCount: 0 };

/** Of a file that S3 never put: nothing. */
export function objectOf({ object }: Pick<Inode, 'object'>): ObjectRecord {
  return object ? decodeObjectRecord(object) : NOTHING;
}

function readDirectoryObject(field: Reader): DirectoryObject {
  const lastModified = timestamp(field.bigU64());
  const etag = readEtag(field);
  const storageClass = field.rest().toString();
  return { lastModified, etag, ...(storageClass && { storageClass }) };
}

export function encodeTags(tags: Tags): Buffer {
  const writer = new Writer(256).u8(1);
  for (const tag of tags) writer.text(tag.key).text(tag.value);
  return writer.done();
}

export function decodeTags(bytes: Uint8Array): Tags {
  const reader = new Reader(bytes).schema(1, 'tags');
  const tags: { key: string; value: string }[] = [];
  while (reader.remaining > 0) tags.push({ key: reader.text(), value: reader.text() });
  return tags;
}
