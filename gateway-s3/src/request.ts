/** A request after its head was parsed and its sender verified: what operations read their input from. */
import { isUtf8 } from 'node:buffer';
import type { Target } from './addressing.ts';
import type { Payload } from './auth/payload.ts';
import type { HeaderMap, QueryParam } from './auth/request.ts';
import { S3Error } from './errors.ts';

/** Decoded parameter → decoded value, one byte a character. The first of repeated parameters counts. */
export type QueryMap = ReadonlyMap<string, string>;

/** What a request's head asks for, whoever sent it. */
export interface Asked {
  readonly method: string;
  readonly target: Target;
  readonly query: QueryMap;
  readonly headers: HeaderMap;
}

export interface S3Request extends Asked {
  readonly payload: Payload;
}

const NO_QUERY: QueryMap = new Map();

export function queryMap(params: readonly QueryParam[]): QueryMap {
  if (params.length === 0) return NO_QUERY;
  const map = new Map<string, string>();
  for (const { name, value } of params) if (!map.has(name)) map.set(name, value);
  return map;
}

/**
 * A whole number from the query; `fallback` when absent or empty.
 * @throws S3Error InvalidArgument
 */
export function queryInteger(
  request: S3Request,
  name: string,
  bounds: { readonly min: number; readonly max: number; readonly fallback: number },
): number {
  const text = request.query.get(name);
  if (text === undefined || text === '') return bounds.fallback;
  return parseInteger(text, name, bounds);
}

/** @throws S3Error InvalidArgument */
export function parseInteger(
  text: string,
  name: string,
  bounds: { readonly min: number; readonly max: number },
): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= bounds.min && value <= bounds.max)) {
    throw invalidArgument(name, text, `${name} must be an integer between ${bounds.min} and ${bounds.max}`);
  }
  return value;
}

export function invalidArgument(name: string, value: string, message: string): S3Error {
  return new S3Error('InvalidArgument', message, { fields: { ArgumentName: name, ArgumentValue: value } });
}

/** A query value's text: its bytes are UTF-8. @throws S3Error InvalidArgument */
export function queryText(request: S3Request, name: string): string | undefined {
  const value = request.query.get(name);
  if (value === undefined) return undefined;
  const bytes = Buffer.from(value, 'latin1');
  const text = bytes.toString('utf8');
  if (!isUtf8(bytes)) throw invalidArgument(name, text, `${name} is not valid UTF-8`);
  return text;
}

/** A query value's bytes, which must be UTF-8. @throws S3Error InvalidArgument */
export function queryBytes(request: S3Request, name: string): Buffer {
  return Buffer.from(queryText(request, name) ?? '', 'utf8');
}
