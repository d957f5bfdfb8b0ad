/** Contents: the bytes of one version of one file, as a map from offsets to extents. */

import { containerId, type Location } from '@facet/extents';
import { type ContentId, contentId } from '../../ids.ts';
import { assert, unreachable } from '../../invariant.ts';
import { type FieldReaders, Reader, Writer } from '../codec.ts';

/**
 * `single`: one extent from offset 0, no map entries (the usual object).
 * `map`: entries under map keys; where there is none there is a hole.
 */
type ContentShape = { readonly kind: 'single'; readonly location: Location } | { readonly kind: 'map' };

export interface Content {
  /** Inodes, uploads' parts and map entries of other contents that refer to it. */
  readonly refs: number;
  readonly lengthBytes: number;
  readonly shape: ContentShape;
  /** Its map entries are the parts of a multipart upload, unchanged. */
  readonly hasParts: boolean;
  /** None of its map entries is a reference. Absent: not known, so a look through the map must tell. */
  readonly selfContained?: true;
  /**
   * What its map entries are of, in all. Where that is the whole length there is no hole: what looks like one is an entry
   * that was lost. Absent: not known, or no map.
   */
  readonly mappedBytes?: number;
}

interface PartMark {
  readonly partNumber: number;
  readonly checksum?: Uint8Array;
}

/**
 * What lies at an offset, `lengthBytes` long.
 * - `data`: bytes `start`… of an extent this content owns.
 * - `ref`: bytes `start`… of another content, which is sealed by being referred to.
 * - `inline`: the bytes themselves.
 */
export type MapEntry = { readonly lengthBytes: number; readonly part?: PartMark } & (
  | { readonly kind: 'data'; readonly location: Location; readonly start: number }
  | { readonly kind: 'ref'; readonly content: ContentId; readonly start: number }
  | { readonly kind: 'inline'; readonly bytes: Uint8Array }
);

const CONTENT_SCHEMA = 1;
const ENTRY_SCHEMA = 1;
const HAS_PARTS = 1;
const SELF_CONTAINED = 2;
const KNOWS_MAPPED = 4;
const TAG_PART = 1;

export function writeLocation(writer: Writer, location: Location): void {
  writer.u16(location.store).u64(location.container).u64(location.offset).u64(location.length);
}

export function readLocation(reader: Reader): Location {
  return {
    store: reader.u16(),
    container: containerId(reader.u64()),
    offset: reader.u64(),
    length: reader.u64(),
  };
}

export function encodeContent(content: Content): Buffer {
  const { hasParts, selfContained, refs, lengthBytes, shape, mappedBytes } = content;
  const flags = (hasParts ? HAS_PARTS : 0) | (selfContained ? SELF_CONTAINED : 0);
  const knows = mappedBytes === undefined ? 0 : KNOWS_MAPPED;
  const writer = new Writer(shape.kind === 'map' ? 23 : 41)
    .u8(CONTENT_SCHEMA)
    .u8(flags | knows)
    .u32(refs)
    .u64(lengthBytes);
  if (shape.kind === 'map') writer.u8(0);
  else writeLocation(writer.u8(1), shape.location);
  if (mappedBytes !== undefined) writer.u64(mappedBytes);
  return writer.done();
}

export function decodeContent(bytes: Uint8Array): Content {
  const reader = new Reader(bytes).schema(CONTENT_SCHEMA, 'content');
  const flags = reader.u8();
  const hasParts = (flags & HAS_PARTS) !== 0;
  const selfContained = (flags & SELF_CONTAINED) !== 0;
  const refs = reader.u32();
  const lengthBytes = reader.u64();
  const shape: ContentShape =
    reader.u8() === 0 ? { kind: 'map' } : { kind: 'single', location: readLocation(reader) };
  const content: Content = { hasParts, refs, lengthBytes, shape, ...(selfContained && { selfContained }) };
  return (flags & KNOWS_MAPPED) === 0 ? content : { ...content, mappedBytes: reader.u64() };
}

export function encodeMapEntry(entry: MapEntry): Buffer {
  const writer = new Writer(96).u8(ENTRY_SCHEMA);
  switch (entry.kind) {
    case 'data':
      writer.u8(1).u64(entry.lengthBytes).u64(entry.start);
      writeLocation(writer, entry.location);
      break;
    case 'ref':
      writer.u8(2).u64(entry.lengthBytes).u64(entry.start).u64(entry.content);
      break;
    case 'inline':
      assert(entry.bytes.length === entry.lengthBytes, 'an inline entry is as long as its bytes');
      writer.u8(3).bytes(entry.bytes);
      break;
    default:
      unreachable(entry, 'map entry');
  }
  const { part } = entry;
  if (part) {
    writer.field(TAG_PART, (field) => field.u16(part.partNumber).raw(part.checksum ?? Buffer.alloc(0)));
  }
  return writer.done();
}

/** Made once: to define a property of a computed name takes as long as to decode all the rest. */
const ENTRY_FIELDS: FieldReaders<{ part?: PartMark }> = {
  [TAG_PART]: (field, marks) => {
    const partNumber = field.u16();
    marks.part = field.remaining > 0 ? { partNumber, checksum: field.rest() } : { partNumber };
  },
};

export function decodeMapEntry(bytes: Uint8Array): MapEntry {
  const reader = new Reader(bytes).schema(ENTRY_SCHEMA, 'map entry');
  const entry = decodePlacement(reader);
  if (reader.remaining === 0) return entry;
  const marks: { part?: PartMark } = {};
  reader.fields(ENTRY_FIELDS, marks);
  return marks.part ? { ...entry, part: marks.part } : entry;
}

function decodePlacement(reader: Reader): MapEntry {
  const kind = reader.u8();
  if (kind === 3) {
    const bytes = reader.bytes();
    return { kind: 'inline', lengthBytes: bytes.length, bytes };
  }
  const lengthBytes = reader.u64();
  const start = reader.u64();
  if (kind === 1) return { kind: 'data', lengthBytes, start, location: readLocation(reader) };
  assert(kind === 2, `map entry kind ${kind} is not known`);
  return { kind: 'ref', lengthBytes, start, content: contentId(reader.u64()) };
}
