/** What is no longer needed, on its way back to the file system. */

import { containerId, type Location, type PhysicalRun } from '@facet/extents';
import { type ContentId, contentId, parseUploadId, type UploadId } from '../../ids.ts';
import { assert, unreachable } from '../../invariant.ts';
import { Reader, Writer } from '../codec.ts';
import { readLocation, writeLocation } from './content.ts';

/**
 * Put into the free queue by the transaction that drops it.
 * - `content`: nothing refers to it any more; its map is still there, or a single extent of one freed by an earlier
 *   version.
 * - `pieces`: parts of extents that an overwrite or a truncation of `content` left behind.
 * - `extent`: bytes of a content that was nothing else and is gone, or that were staged and never published.
 * - `upload`: the parts of an upload that was completed or aborted: those still under it belong to no object.
 */
export type FreeRecord =
  | { readonly kind: 'content'; readonly content: ContentId }
  | { readonly kind: 'pieces'; readonly content: ContentId; readonly pieces: readonly ExtentPiece[] }
  | { readonly kind: 'extent'; readonly location: Location }
  | { readonly kind: 'upload'; readonly upload: UploadId };

/** `lengthBytes` bytes of an extent from its byte `start`, which lies at `fileOffset` of the content. */
export interface ExtentPiece {
  readonly location: Location;
  readonly start: number;
  readonly lengthBytes: number;
  readonly fileOffset: number;
}

export function encodeFree(record: FreeRecord): Buffer {
  const writer = new Writer(record.kind === 'extent' ? 28 : 128).u8(1);
  switch (record.kind) {
    case 'content':
      return writer.u8(1).u64(record.content).done();
    case 'pieces':
      writer.u8(2).u64(record.content).u32(record.pieces.length);
      for (const piece of record.pieces) {
        writeLocation(writer, piece.location);
        writer.u64(piece.start).u64(piece.lengthBytes).u64(piece.fileOffset);
      }
      return writer.done();
    case 'extent':
      writer.u8(3);
      writeLocation(writer, record.location);
      return writer.done();
    case 'upload':
      return writer.u8(4).raw(Buffer.from(record.upload, 'hex')).done();
    default:
      return unreachable(record, 'free record');
  }
}

export function decodeFree(bytes: Uint8Array): FreeRecord {
  const reader = new Reader(bytes).schema(1, 'free record');
  const kind = reader.u8();
  switch (kind) {
    case 1:
      return { kind: 'content', content: contentId(reader.u64()) };
    case 2: {
      const content = contentId(reader.u64());
      const pieces = Array.from({ length: reader.u32() }, () => ({
        location: readLocation(reader),
        start: reader.u64(),
        lengthBytes: reader.u64(),
        fileOffset: reader.u64(),
      }));
      return { kind: 'pieces', content, pieces };
    }
    case 3:
      return { kind: 'extent', location: readLocation(reader) };
    default: {
      assert(kind === 4, `free record kind ${kind} is not known`);
      const upload = parseUploadId(reader.raw(16).toString('hex'));
      assert(upload !== undefined, 'a stored upload id is 16 bytes');
      return { kind: 'upload', upload };
    }
  }
}

/** Runs nobody can refer to once every reader that started at or before `stamp` is done. */
export interface ReclaimRecord {
  readonly stamp: number;
  readonly runs: readonly PhysicalRun[];
}

export function encodeReclaim(record: ReclaimRecord): Buffer {
  const writer = new Writer(64).u8(1).u64(record.stamp).u32(record.runs.length);
  for (const run of record.runs) writer.u64(run.container).u64(run.offset).u64(run.length);
  return writer.done();
}

export function decodeReclaim(bytes: Uint8Array): ReclaimRecord {
  const reader = new Reader(bytes).schema(1, 'reclaim record');
  const stamp = reader.u64();
  const runs = Array.from({ length: reader.u32() }, () => ({
    container: containerId(reader.u64()),
    offset: reader.u64(),
    length: reader.u64(),
  }));
  return { stamp, runs };
}

/** Dead bytes of a container; neighbours are one run. `punched`: their blocks were given back. */
export interface DeadRun {
  readonly length: number;
  readonly punched: boolean;
}

export function encodeDeadRun(run: DeadRun): Buffer {
  return new Writer(10)
    .u8(1)
    .u8(run.punched ? 1 : 0)
    .u64(run.length)
    .done();
}

export function decodeDeadRun(bytes: Uint8Array): DeadRun {
  const reader = new Reader(bytes).schema(1, 'dead run');
  return { punched: reader.u8() === 1, length: reader.u64() };
}

/** Kept of a container from its first dead byte to its end. */
export interface ContainerRecord {
  /** The sum of its dead runs. */
  readonly deadBytes: number;
}

export function encodeContainer(record: ContainerRecord): Buffer {
  return new Writer(9).u8(1).u64(record.deadBytes).done();
}

export function decodeContainer(bytes: Uint8Array): ContainerRecord {
  return { deadBytes: new Reader(bytes).schema(1, 'container').u64() };
}
