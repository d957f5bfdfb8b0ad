/** Every failure's way to the client: S3's error document, or a bare status where HTTP allows no body. */
import { FsError } from '@facet/core';
import { S3Error } from '../errors.ts';
import { S3_CODE_OF_FS_ERROR } from '../fsErrors.ts';
import { leaf, plainXmlDocument } from '../xml/write.ts';
import type { Reply } from './reply.ts';

export interface ErrorPlace {
  /** What the request was about, as in the request line. */
  readonly resource: string | undefined;
  readonly requestId: string;
  readonly hostId: string;
}

/** What the client is told; `undefined` when it is a fault of ours, which the log must have. */
export function toS3Error(error: unknown): S3Error | undefined {
  if (error instanceof S3Error) return error;
  if (!(error instanceof FsError)) return undefined;
  const code = S3_CODE_OF_FS_ERROR[error.code];
  // What the core says of these is about inodes and disks, not about the client's request.
  return code === 'InternalError' ? undefined : new S3Error(code, undefined, { cause: error });
}

/** What the client is told of a fault of ours. */
export function faultError(error: unknown): S3Error {
  // Another try meets the same bytes; what else is damaged, and where, is for operators.
  const isDamaged = error instanceof FsError && error.code === 'Corrupt';
  return new S3Error('InternalError', isDamaged ? DAMAGED : undefined, { cause: error });
}

const DAMAGED =
  "Stored bytes that this request needs are damaged, and trying again does not help. The server's log says which.";

export function errorReply(error: S3Error, place: ErrorPlace): Reply {
  const headers = { ...error.headers };
  if (error.status === 304) return { status: 304, headers };
  headers['content-type'] = 'application/xml';
  return { status: error.status, headers, body: errorDocument(error, place) };
}

/** @source S3 API Reference, "Error responses": REST error responses */
export function errorDocument(error: S3Error, place: ErrorPlace): string {
  return plainXmlDocument(
    'Error',
    leaf('Code', error.code),
    leaf('Message', error.message),
    ...Object.entries(error.fields).map(([name, value]) => leaf(name, value)),
    leaf('Resource', place.resource),
    leaf('RequestId', place.requestId),
    leaf('HostId', place.hostId),
  );
}
