/** Headers that ask for what this door does not do. To ignore them would be to lie about what was stored. */
import type { HeaderMap } from './auth/request.ts';
import { S3Error } from './errors.ts';

/** An object here belongs to its bucket's owner, who alone reaches it: these canned ACLs say just that. */
const TRUE_ACLS: ReadonlySet<string> = new Set(['private', 'bucket-owner-full-control']);

/** Header (or, ending in `-`, every header that so begins) → the values that are true anyway. */
const REFUSED: readonly (readonly [name: string, harmless: ReadonlySet<string>])[] = [
  ['x-amz-acl', TRUE_ACLS],
  ['x-amz-grant-', new Set()],
  ['x-amz-server-side-encryption', new Set()],
  ['x-amz-server-side-encryption-', new Set()],
  ['x-amz-copy-source-server-side-encryption-', new Set()],
  ['x-amz-object-lock-', new Set()],
  ['x-amz-bucket-object-lock-enabled', new Set(['false', 'False'])],
  ['x-amz-object-ownership', new Set(['BucketOwnerEnforced'])],
  ['x-amz-write-offset-bytes', new Set()],
  ['x-amz-rename-source', new Set()],
];

/** @throws S3Error NotImplemented */
export function refuseUnimplementedHeaders(headers: HeaderMap): void {
  for (const [name, value] of headers) {
    if (!name.startsWith('x-amz-')) continue;
    for (const [refused, harmless] of REFUSED) {
      const matches = refused.endsWith('-') ? name.startsWith(refused) : name === refused;
      if (matches && !harmless.has(value)) throw notImplemented(name, value);
    }
  }
}

function notImplemented(name: string, value: string): S3Error {
  return new S3Error('NotImplemented', `The header ${name} asks for what is not implemented.`, {
    fields: { Header: name, Value: value },
  });
}
