/** `encoding-type=url`: names percent-encoded, because XML 1.0 cannot hold every character a key may have. */
import { Buffer } from 'node:buffer';
import { invalidArgument, type S3Request } from '../request.ts';

/** How the names of an answer are written. */
export interface NameEncoding {
  readonly type: 'url' | undefined;
  /** From UTF-8 bytes. */
  readonly encode: (name: Buffer) => string;
}

const PLAIN: NameEncoding = { type: undefined, encode: textOf };
const URL: NameEncoding = { type: 'url', encode: (name) => encodeName(textOf(name)) };

/** What `toString` does for arguments that need no look. */
function textOf(name: Buffer): string {
  return Buffer.prototype.utf8Slice.call(name, 0, name.length);
}

/** @throws S3Error InvalidArgument */
export function readNameEncoding({ query }: S3Request): NameEncoding {
  const type = query.get('encoding-type');
  if (type === undefined || type === '') return PLAIN;
  if (type.toLowerCase() === 'url') return URL;
  throw invalidArgument('encoding-type', type, 'Invalid Encoding Method specified in Request');
}

const UNRESERVED = /^[A-Za-z0-9\-._~/]*$/;

/** All but unreserved characters and the slash. */
function encodeName(name: string): string {
  if (UNRESERVED.test(name)) return name;
  return encodeURIComponent(name)
    .replaceAll('%2F', '/')
    .replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}
