/** Headers that ask for what this door does not do. To ignore them would be to lie about what was stored. */
import type { HeaderMap } from './auth/request.ts';
import { S3Error } from './errors.ts';

/** An object here belongs to its bucket's owner, who alone reaches it: these canned ACLs say just that. */
const TRUE_ACLS: ReadonlySet<string> = new Set(['private', 'bucket-owner-full-control']);

const NONE: ReadonlySet<string> = new Set();

/** Header → the values that are true anyway. */
const REFUSED: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['x-amz-acl', TRUE_ACLS],
  ['x-amz-server-side-encryption', NONE],
  ['x-amz-bucket-object-lock-enabled', new Set(['false', 'False'])],
  ['x-amz-object-ownership', new Set(['BucketOwnerEnforced'])],
  ['x-amz-write-offset-bytes', NONE],
  ['x-amz-rename-source', NONE],
]);

/** Every header that so begins, whatever its value. */
const REFUSED_PREFIXES: readonly string[] = [
  'x-amz-grant-',
  'x-amz-server-side-encryption-',
  'x-amz-copy-source-server-side-encryption-',
  'x-amz-object-lock-',
];

/** @throws S3Error NotImplemented */
export function refuseUnimplementedHeaders(headers: HeaderMap): void {
  for (const [name, value] of headers) {
    if (!name.startsWith('x-amz-')) continue;
    const harmless = REFUSED.get(name) ?? (hasRefusedPrefix(name) ? NONE : undefined);
    if (harmless?.has(value) === false) throw notImplemented(name, value);
  }
}

function hasRefusedPrefix(name: string): boolean {
  for (const prefix of REFUSED_PREFIXES) if (name.startsWith(prefix)) return true;
  return false;
}

function notImplemented(name: string, value: string): S3Error {
  return new S3Error('NotImplemented', `The header ${name} asks for what is not implemented.`, {
    fields: { Header: name, Value: value },
  });
}
