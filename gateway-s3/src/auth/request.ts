/**
 * The parts of an HTTP request that a signature covers, parsed once, so that what was signed and what is acted
 * upon can never be two different readings of the same bytes.
 *
 * Strings here hold one byte a character (latin1), as Node's HTTP parser hands them out.
 */

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
export function readHeaders(_rawHeaders: readonly string[]): HeaderMap {
  throw new Error('unwritten');
}

/**
 * Splits at `&`, then at the first `=`; decodes `%XX`, and `+` as a blank. Empty pieces (`a&&b`) are dropped.
 * @throws S3Error InvalidURI (a `%` without two hex digits)
 */
export function parseQuery(_rawQuery: string): readonly QueryParam[] {
  throw new Error('unwritten');
}

/**
 * Decodes `%XX` of a path into bytes, one a character; `+` stays. For the key: `Buffer.from(path, 'latin1')`
 * gives its UTF-8 bytes.
 * @throws S3Error InvalidURI
 */
export function decodePath(_rawPath: string): string {
  throw new Error('unwritten');
}
