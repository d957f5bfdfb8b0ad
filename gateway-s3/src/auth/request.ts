/**
 * The parts of an HTTP request that a signature covers, parsed once, so that what was signed and what is acted
 * upon can never be two different readings of the same bytes.
 *
 * Strings here hold one byte a character (latin1), as Node's HTTP parser hands them out.
 */
import { S3Error } from '../errors.ts';

/** Lower-case header name → value: outer blanks trimmed, repeated headers joined with a comma, in wire order. */
export type HeaderMap = ReadonlyMap<string, string>;

/** One query parameter. `name` and `value` are decoded bytes, one a character; `value` is `''` without an `=`. */
export interface QueryParam {
  readonly name: string;
  readonly value: string;
}

export interface RequestHead {
  readonly method: string;
  /** The path exactly as in the request line: still percent-encoded, no query. */
  readonly rawPath: string;
  /** {@link parseQuery} of what followed the first `?`. */
  readonly query: readonly QueryParam[];
  /** {@link readHeaders} of Node's `rawHeaders`. */
  readonly headers: HeaderMap;
}

/** Reads Node's alternating list `[name, value, name, value…]`. */
export function readHeaders(rawHeaders: readonly string[]): HeaderMap {
  const headers = new Map<string, string>();
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] ?? '').toLowerCase();
    const value = trimBlanks(rawHeaders[i + 1] ?? '');
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before},${value}`);
  }
  return headers;
}

const OUTER_BLANKS = /^[ \t]+|[ \t]+$/g;

/** Not `String.trim`: that also takes U+00A0, which here is the last byte of many a UTF-8 character. */
function trimBlanks(text: string): string {
  return isBlankAt(text, 0) || isBlankAt(text, text.length - 1) ? text.replace(OUTER_BLANKS, '') : text;
}

const BLANK = 0x20;
const TAB = 0x09;

function isBlankAt(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code === BLANK || code === TAB;
}

/**
 * Splits at `&`, then at the first `=`; decodes `%XX`, and `+` as a blank. Empty pieces (`a&&b`) are dropped.
 * @throws S3Error InvalidURI (a `%` without two hex digits)
 */
export function parseQuery(rawQuery: string): readonly QueryParam[] {
  const params: QueryParam[] = [];
  for (let start = 0, end = 0; start < rawQuery.length; start = end + 1) {
    const mark = rawQuery.indexOf('&', start);
    end = mark < 0 ? rawQuery.length : mark;
    if (start === end) continue;
    const piece = rawQuery.slice(start, end);
    const equals = piece.indexOf('=');
    params.push(
      equals < 0
        ? { name: decodeQueryPart(piece), value: '' }
        : { name: decodeQueryPart(piece.slice(0, equals)), value: decodeQueryPart(piece.slice(equals + 1)) },
    );
  }
  return params;
}

/**
 * Decodes `%XX` of a path into bytes, one a character; `+` stays. For the key: `Buffer.from(path, 'latin1')`
 * gives its UTF-8 bytes.
 * @throws S3Error InvalidURI
 */
export function decodePath(rawPath: string): string {
  return decodeEscapes(rawPath);
}

function decodeQueryPart(text: string): string {
  return decodeEscapes(text.includes('+') ? text.replaceAll('+', ' ') : text);
}

const BAD_ESCAPE = /%(?![0-9A-Fa-f]{2})/;
const ESCAPE = /%../g;
const NOT_ONE_BYTE = /[\u0100-\uffff]/;

function decodeEscapes(text: string): string {
  if (NOT_ONE_BYTE.test(text)) throw new S3Error('InvalidURI');
  if (!text.includes('%')) return text;
  if (BAD_ESCAPE.test(text)) throw new S3Error('InvalidURI');
  return text.replace(ESCAPE, (escaped) => String.fromCharCode(Number.parseInt(escaped.slice(1), 16)));
}
