/** The headers of GetObject and HeadObject. */
import type { ObjectInfo } from '@facet/core';
import { S3Error } from '../errors.ts';
import type { S3Request } from '../request.ts';
import { attributeHeaders } from './attributes.ts';
import { httpDate } from './dates.ts';
import { quoted } from './etags.ts';

/** Query parameters with which a signed request chooses headers of its answer. */
const OVERRIDES: ReadonlyMap<string, string> = new Map([
  ['response-cache-control', 'cache-control'],
  ['response-content-disposition', 'content-disposition'],
  ['response-content-encoding', 'content-encoding'],
  ['response-content-language', 'content-language'],
  ['response-content-type', 'content-type'],
  ['response-expires', 'expires'],
]);

export type HeaderOverrides = Readonly<Record<string, string>>;

/** @throws S3Error InvalidArgument (a value that no header can hold) */
export function readHeaderOverrides({ query }: S3Request): HeaderOverrides {
  const overrides: Record<string, string> = {};
  if (query.size === 0) return overrides;
  for (const [name, value] of query) {
    const header = OVERRIDES.get(name);
    if (header === undefined) continue;
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they would end the header
    if (/[\x00-\x08\x0a-\x1f\x7f]/.test(value)) {
      throw new S3Error('InvalidArgument', `${name} holds a control character.`, {
        fields: { ArgumentName: name, ArgumentValue: value },
      });
    }
    overrides[header] = value;
  }
  return overrides;
}

/** All but what depends on the range: length, status, checksum. */
export function objectHeaders(info: ObjectInfo, overrides: HeaderOverrides): Record<string, string> {
  const headers = attributeHeaders(info);
  headers['accept-ranges'] = 'bytes';
  headers['etag'] = quoted(info.etag);
  headers['last-modified'] = httpDate(info.lastModified);
  if (info.tagCount > 0) headers['x-amz-tagging-count'] = String(info.tagCount);
  return Object.assign(headers, overrides);
}
