/** From a key to the entries it walks through, and back. Every key has exactly one path. */

import { FsError } from '../errors.ts';
import type { EntryName } from '../meta/keys.ts';

/** S3's greatest key, in bytes of UTF-8. */
export const KEY_BYTES_MAX = 1024;
const SLASH = 0x2f;

/** `a/b/c` is file `c` in `a/b`; `a/b/` is the object of directory `b` in `a`; `a//b` walks an empty name. */
export interface ObjectPath {
  readonly directories: readonly Buffer[];
  readonly leaf: EntryName;
}

function splitKey(key: Buffer): { readonly directories: Buffer[]; readonly rest: Buffer } {
  const directories: Buffer[] = [];
  let start = 0;
  for (let slash = key.indexOf(SLASH); slash >= 0; slash = key.indexOf(SLASH, start)) {
    directories.push(key.subarray(start, slash));
    start = slash + 1;
  }
  return { directories, rest: key.subarray(start) };
}

/** @throws FsError Invalid | NameTooLong */
export function parseKey(key: Buffer): ObjectPath {
  if (key.length === 0) throw new FsError('Invalid', 'a key has at least one byte');
  if (key.length > KEY_BYTES_MAX) {
    throw new FsError('NameTooLong', `a key has at most ${KEY_BYTES_MAX} bytes, this one ${key.length}`);
  }
  const { directories, rest } = splitKey(key);
  if (rest.length > 0) return { directories, leaf: { name: rest, directory: false } };
  const name = directories.pop() ?? Buffer.alloc(0);
  return { directories, leaf: { name, directory: true } };
}
