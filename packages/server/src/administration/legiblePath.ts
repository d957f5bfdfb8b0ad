/** Paths that need not be text, for people and for JSON. */

import { isUtf8 } from 'node:buffer';

/** Of a path's beginning and of its end, where it is very long. */
const SHOWN_BYTES = 300;

/** Bytes that are no UTF-8, control characters and the backslash as `\xff`; what is cut out as `…`. */
export function legiblePath(path: Buffer): string {
  if (path.length <= 2 * SHOWN_BYTES) return legible(path);
  return `${legible(path.subarray(0, SHOWN_BYTES))}…${legible(path.subarray(-SHOWN_BYTES))}`;
}

/** Name by name, so that one that is no text leaves the others legible. */
function legible(path: Buffer): string {
  return path
    .toString('latin1')
    .split('/')
    .map((name) => legibleName(Buffer.from(name, 'latin1')))
    .join('/');
}

function legibleName(name: Buffer): string {
  if (isUtf8(name))
    return name.toString().replace(/[\p{Cc}\\]/gu, (character) => escaped(Buffer.from(character)));
  return name.toString('latin1').replace(/[^ -[\]-~]/g, (byte) => escaped(Buffer.from(byte, 'latin1')));
}

const escaped = (bytes: Buffer): string => bytes.toString('hex').replace(/../g, '\\x$&');
