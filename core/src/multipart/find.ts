/** Uploads and their parts as they are stored. */

import type { Op } from '@facet/engine';
import { FsError } from '../errors.ts';
import { partKey, partNumberOfKey, partsOf, uploadKey } from '../meta/keys.ts';
import { decodePart, decodeUpload, type PartRecord, type UploadRecord } from '../meta/records/upload.ts';
import { STANDARD } from '../objects/find.ts';
import type { StoredPart, UploadInfo, UploadRef } from '../objects/types.ts';
import type { View } from '../tree/scope.ts';

export const PARTS_MAX = 10_000;

/** @throws FsError NoSuchUpload */
export function* loadUpload(view: View, ref: UploadRef): Op<UploadRecord> {
  const stored = yield* view.tx.get(uploadKey(view.layer, ref.key, ref.upload));
  if (!stored) throw new FsError('NoSuchUpload', `there is no upload ${ref.upload} of that key`);
  return decodeUpload(stored);
}

/** Parts after `afterPartNumber`, in order. */
export function* loadParts(
  view: Pick<View, 'tx'>,
  page: { readonly upload: UploadRef['upload']; readonly afterPartNumber: number; readonly limit: number },
): Op<readonly NumberedPart[]> {
  if (page.afterPartNumber >= PARTS_MAX) return [];
  const { end } = partsOf(page.upload);
  const start = partKey(page.upload, page.afterPartNumber + 1);
  const entries = yield* view.tx.range({ start, end, limit: page.limit });
  return entries.map(({ key, value }) => ({ partNumber: partNumberOfKey(key), part: decodePart(value) }));
}

export interface NumberedPart {
  readonly partNumber: number;
  readonly part: PartRecord;
}

export function describeUpload(record: UploadRecord): UploadInfo {
  const { key, storageClass = STANDARD, tags: _tags, ...rest } = record;
  return { ...rest, storageClass, key: Buffer.from(key) };
}

export function describePart({ partNumber, part }: NumberedPart): StoredPart {
  const { content: _content, pieces: _pieces, ...rest } = part;
  return { partNumber, ...rest };
}
