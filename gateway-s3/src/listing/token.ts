/** Where the next page begins, as an opaque token: the last name's bytes. */
import { isUtf8 } from 'node:buffer';
import { invalidArgument, type S3Request } from '../request.ts';

export function writeToken(after: Buffer): string {
  return after.toString('base64url');
}

/** The name to go on after; undefined for none and for an empty token. @throws S3Error InvalidArgument */
export function readToken({ query }: S3Request): Buffer | undefined {
  const token = query.get('continuation-token');
  if (token === undefined || token === '') return undefined;
  const after = Buffer.from(token, 'base64url');
  if (after.toString('base64url') !== token || !isUtf8(after)) {
    throw invalidArgument('continuation-token', token, 'The continuation token provided is incorrect');
  }
  return after;
}
