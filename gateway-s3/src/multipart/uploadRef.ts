/** Which upload, and which of its parts, a request is about. */
import { parseUploadId, type UploadId, type UploadRef } from '@facet/core';
import { S3Error } from '../errors.ts';
import { PART_NUMBER_MAX } from '../objects/selection.ts';
import type { ObjectCall } from '../operation.ts';
import { invalidArgument, type S3Request } from '../request.ts';

/** Ids of another shape were never given out. @throws S3Error NoSuchUpload */
export function readUploadId({ query }: S3Request): UploadId {
  const text = query.get('uploadId') ?? '';
  const upload = parseUploadId(text);
  if (upload === undefined) throw new S3Error('NoSuchUpload', undefined, { fields: { UploadId: text } });
  return upload;
}

/** @throws S3Error InvalidArgument */
export function readPartNumber({ query }: S3Request): number {
  const text = query.get('partNumber') ?? '';
  const number = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (number >= 1 && number <= PART_NUMBER_MAX) return number;
  throw invalidArgument(
    'partNumber',
    text,
    `Part number must be an integer between 1 and ${PART_NUMBER_MAX}, inclusive`,
  );
}

export function uploadRef({ bucket, key }: ObjectCall, upload: UploadId): UploadRef {
  return { volume: bucket.id, key, upload };
}
