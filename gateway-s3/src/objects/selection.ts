/** Which of an object's bytes a read is about: all, a range, or a part. */
import { type ByteRange, FsError, type ObjectInfo } from '@facet/core';
import { checksumHeaderName } from '../checksums/algorithms.ts';
import { formatChecksum } from '../checksums/value.ts';
import { S3Error } from '../errors.ts';
import { parseInteger, type S3Request } from '../request.ts';
import { checksumHeaders } from './objectChecksum.ts';
import { contentRange, resolveRange } from './range.ts';
import { type ReadConditions, rangeApplies } from './readConditions.ts';

export const PART_NUMBER_MAX = 10_000;

export interface Selection {
  readonly range: string | undefined;
  readonly partNumber: number | undefined;
  /** The client wants the checksum of what it gets, where one is kept. */
  readonly withChecksum: boolean;
}

export interface Selected {
  readonly status: 200 | 206;
  /** Absent: all of it. */
  readonly range: ByteRange | undefined;
  readonly lengthBytes: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** Where part `partNumber` lies. @throws FsError InvalidPart */
export type PartLookup = (partNumber: number) => ByteRange & { readonly checksum?: Uint8Array };

/** @throws S3Error InvalidArgument | InvalidRequest */
export function readSelection({ headers, query }: S3Request): Selection {
  const range = headers.get('range');
  const part = query.get('partNumber');
  if (range !== undefined && part !== undefined) {
    throw new S3Error('InvalidRequest', 'Cannot specify both Range header and partNumber query parameter');
  }
  return {
    range,
    partNumber:
      part === undefined ? undefined : parseInteger(part, 'partNumber', { min: 1, max: PART_NUMBER_MAX }),
    withChecksum: headers.get('x-amz-checksum-mode')?.toUpperCase() === 'ENABLED',
  };
}

/** @throws S3Error InvalidRange | InvalidPartNumber */
export function select(
  selection: Selection,
  conditions: ReadConditions,
  info: ObjectInfo,
  part: PartLookup,
): Selected {
  if (selection.partNumber !== undefined) return selectPart(selection, selection.partNumber, info, part);
  const header = rangeApplies(conditions, info) ? selection.range : undefined;
  const range = resolveRange(header, info.sizeBytes);
  // A checksum of the whole says nothing of a range, and clients would compare it.
  return range === undefined ? whole(selection, info) : partial(range, info, {});
}

/** What is then read. */
export function rangeOf({ range, lengthBytes }: Selected): ByteRange | 'all' | 'nothing' {
  return lengthBytes === 0 ? 'nothing' : (range ?? 'all');
}

function whole({ withChecksum }: Selection, info: ObjectInfo): Selected {
  return {
    status: 200,
    range: undefined,
    lengthBytes: info.sizeBytes,
    headers: {
      'content-length': String(info.sizeBytes),
      ...(withChecksum && checksumHeaders(info.checksum, info)),
    },
  };
}

function partial(range: ByteRange, info: ObjectInfo, headers: Record<string, string>): Selected {
  const lengthBytes = range.end - range.start + 1;
  headers['content-length'] = String(lengthBytes);
  if (lengthBytes > 0) headers['content-range'] = contentRange(range, info.sizeBytes);
  return { status: 206, range, lengthBytes, headers };
}

function selectPart(selection: Selection, partNumber: number, info: ObjectInfo, part: PartLookup): Selected {
  if (info.parts === undefined) {
    // An object made in one piece is its own and only part.
    if (partNumber !== 1) throw invalidPartNumber(partNumber, 1);
    const headers = selection.withChecksum ? checksumHeaders(info.checksum, info) : {};
    return partial({ start: 0, end: info.sizeBytes - 1 }, info, headers);
  }
  try {
    const found = part(partNumber);
    const headers = selection.withChecksum ? partChecksumHeaders(info, found.checksum) : {};
    headers['x-amz-mp-parts-count'] = String(info.parts);
    return partial(found, info, headers);
  } catch (error) {
    if (error instanceof FsError && error.code === 'InvalidPart')
      throw invalidPartNumber(partNumber, info.parts);
    throw error;
  }
}

/** A part's own checksum is of its bytes, whatever the object's is of. */
function partChecksumHeaders(
  { checksum }: ObjectInfo,
  value: Uint8Array | undefined,
): Record<string, string> {
  if (checksum === undefined || value === undefined) return {};
  return {
    [checksumHeaderName(checksum.algorithm)]: formatChecksum({ type: 'FULL_OBJECT', value }),
    'x-amz-checksum-type': checksum.type,
  };
}

function invalidPartNumber(asked: number, count: number): S3Error {
  return new S3Error('InvalidPartNumber', undefined, {
    fields: { PartNumberRequested: String(asked), ActualPartCount: String(count) },
  });
}
