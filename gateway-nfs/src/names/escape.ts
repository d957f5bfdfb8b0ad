/**
 * The escape between the names that S3 can make and those a file can have (ADR 9): pure functions of bytes.
 *
 * | what S3 holds | what a client sees |
 * |---|---|
 * | a name of 1 to 255 bytes that is none of the below | the same |
 * | file `a` beside directory `a/` | directory `a`, file `@s3file=a` |
 * | the empty name, `.`, `..` | `@s3=`, `@s3=.`, `@s3=..` |
 * | a name that begins with one of these marks | `@s3=` and the name |
 * | what would then have more than 255 bytes, or has a NUL | `@s3long=` or `@s3longfile=`, a part, `~`, 32 hex digits |
 *
 * Names are bytes without a slash. No two entries of a directory are shown by one name, and what is shown leads back.
 */

import { FsError, nameDigest } from '@facet/core';

/** RFC 1813 knows no bound: this is the one that clients have. */
export const NAME_BYTES_MAX = 255;

const MARK = {
  literal: Buffer.from('@s3='),
  file: Buffer.from('@s3file='),
  long: Buffer.from('@s3long='),
  longFile: Buffer.from('@s3longfile='),
} as const;
const MARKS: readonly Buffer[] = Object.values(MARK);
const AT = 0x40;
const DOT = 0x2e;
const SLASH = 0x2f;
const TILDE = 0x7e;
const DIGEST_HEX = /^~[0-9a-f]{32}$/;
const DIGEST_TEXT_BYTES = 33;

/** An entry as the core has it, without its directory. */
export interface HeldName {
  readonly name: Buffer;
  readonly directory: boolean;
  /** A directory and something else have the name. */
  readonly twin: boolean;
}

/** What a shown name stands for. */
export type Meant =
  /** `directory: false`: the file of that name, whatever else has it. `literal`: `.` and `..` are names. */
  | { readonly kind: 'name'; readonly name: Buffer; readonly directory?: false; readonly literal?: true }
  /** Shown in part: whatever name of the directory has the digest and is shown as `shown`. */
  | { readonly kind: 'digest'; readonly digest: Buffer; readonly shown: Buffer; readonly directory?: false }
  /** No entry is ever shown so. */
  | { readonly kind: 'nothing' };

const startsWith = (name: Buffer, mark: Buffer): boolean =>
  name.length >= mark.length && name.compare(mark, 0, mark.length, 0, mark.length) === 0;

function isDots(name: Buffer): boolean {
  return name[0] === DOT && (name.length === 1 || (name.length === 2 && name[1] === DOT));
}

/** Whether a name needs a mark although nothing else has it. */
function isOdd(name: Buffer): boolean {
  if (name.length === 0 || isDots(name)) return true;
  return name[0] === AT && MARKS.some((mark) => startsWith(name, mark));
}

/** The name that clients see an entry under. */
export function showName({ name, directory, twin }: HeldName): Buffer {
  const asFile = twin && !directory;
  const mark = asFile ? MARK.file : isOdd(name) ? MARK.literal : undefined;
  const lengthBytes = name.length + (mark?.length ?? 0);
  if (lengthBytes > NAME_BYTES_MAX || name.includes(0)) return showLong(name, asFile);
  return mark ? Buffer.concat([mark, name]) : name;
}

function showLong(name: Buffer, asFile: boolean): Buffer {
  const mark = asFile ? MARK.longFile : MARK.long;
  const part = partOf(name, NAME_BYTES_MAX - mark.length - DIGEST_TEXT_BYTES);
  return Buffer.concat([mark, part, Buffer.from(`~${nameDigest(name).toString('hex')}`)]);
}

/** The beginning of a name for people to read: whole characters, and nothing from a NUL on. */
function partOf(name: Buffer, bytesMax: number): Buffer {
  const nul = name.indexOf(0);
  const readable = nul < 0 ? name : name.subarray(0, nul);
  if (readable.length <= bytesMax) return readable;
  let end = bytesMax;
  // A character of UTF-8 has at most three bytes after its first.
  while (end > bytesMax - 3 && isContinuation(readable[end])) end -= 1;
  return readable.subarray(0, isContinuation(readable[end]) ? bytesMax : end);
}

const isContinuation = (byte: number | undefined): boolean => byte !== undefined && (byte & 0xc0) === 0x80;

/** @throws FsError NameTooLong */
export function meantBy(shown: Buffer): Meant {
  if (shown.length > NAME_BYTES_MAX) {
    throw new FsError('NameTooLong', `a name has at most ${NAME_BYTES_MAX} bytes, this one ${shown.length}`);
  }
  if (shown.length === 0 || shown.includes(0) || shown.includes(SLASH)) return { kind: 'nothing' };
  if (shown[0] !== AT) return { kind: 'name', name: shown };
  if (startsWith(shown, MARK.literal)) {
    const name = shown.subarray(MARK.literal.length);
    return isOdd(name) ? { kind: 'name', name, literal: true } : { kind: 'nothing' };
  }
  if (startsWith(shown, MARK.file)) {
    return { kind: 'name', name: shown.subarray(MARK.file.length), directory: false };
  }
  if (startsWith(shown, MARK.long)) return meantByDigest(shown);
  if (startsWith(shown, MARK.longFile)) {
    const meant = meantByDigest(shown);
    return meant.kind === 'digest' ? { ...meant, directory: false } : meant;
  }
  return { kind: 'name', name: shown };
}

function meantByDigest(shown: Buffer): Meant {
  const at = shown.lastIndexOf(TILDE);
  const text = shown.toString('latin1', at < 0 ? shown.length : at);
  if (!DIGEST_HEX.test(text)) return { kind: 'nothing' };
  return { kind: 'digest', digest: Buffer.from(text.slice(1), 'hex'), shown };
}

/** Whether a name that has the digest of `meant` is the one that was shown. */
export function isShownAs(name: Buffer, meant: Extract<Meant, { kind: 'digest' }>): boolean {
  const asFile = meant.directory === false;
  return showName({ name, directory: !asFile, twin: asFile }).equals(meant.shown);
}
