/**
 * What clients say of an object in headers, on its way in and out.
 *
 * Values are kept as they came: bytes, one a character, so that what is not UTF-8 comes back unharmed too.
 */
import { isUtf8 } from 'node:buffer';
import type { ObjectAttributes } from '@facet/core';
import type { HeaderMap } from '../auth/request.ts';
import { storedContentEncoding } from '../body/contentEncoding.ts';
import { S3Error } from '../errors.ts';

/** Kept as given and sent back as given. */
const PROPERTIES = [
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-type',
  'expires',
  'x-amz-website-redirect-location',
] as const;

const USER_PREFIX = 'x-amz-meta-';
/** Names without their prefix, and values, in UTF-8. */
const USER_METADATA_BYTES_MAX = 2048;

export const STORAGE_CLASS_DEFAULT = 'STANDARD';
const STORAGE_CLASSES: ReadonlySet<string> = new Set([
  STORAGE_CLASS_DEFAULT,
  'REDUCED_REDUNDANCY',
  'STANDARD_IA',
  'ONEZONE_IA',
  'INTELLIGENT_TIERING',
  'GLACIER',
  'DEEP_ARCHIVE',
  'OUTPOSTS',
  'GLACIER_IR',
  'SNOW',
  'EXPRESS_ONEZONE',
]);

/** @throws S3Error MetadataTooLarge | InvalidStorageClass | InvalidArgument (redirect location) */
export function readAttributes(headers: HeaderMap): ObjectAttributes {
  const properties: Record<string, string> = {};
  for (const name of PROPERTIES) {
    const value = propertyValue(name, headers.get(name));
    if (value !== undefined) properties[name] = value;
  }
  const storageClass = readStorageClass(headers);
  return {
    properties,
    userMetadata: readUserMetadata(headers),
    ...(storageClass !== undefined && { storageClass }),
  };
}

function propertyValue(name: (typeof PROPERTIES)[number], value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  if (name === 'content-encoding' && /aws-chunked/i.test(value)) return storedContentEncoding(value);
  if (name === 'x-amz-website-redirect-location') checkRedirect(value);
  return value;
}

function checkRedirect(location: string): void {
  if (/^(\/|https?:\/\/)/.test(location)) return;
  throw new S3Error(
    'InvalidArgument',
    "The website redirect location must begin with '/', 'http://' or 'https://'.",
    { fields: { ArgumentName: 'x-amz-website-redirect-location', ArgumentValue: location } },
  );
}

/** @throws S3Error InvalidStorageClass */
function readStorageClass(headers: HeaderMap): string | undefined {
  const storageClass = headers.get('x-amz-storage-class');
  if (storageClass === undefined || STORAGE_CLASSES.has(storageClass)) return storageClass;
  throw new S3Error('InvalidStorageClass', undefined, { fields: { StorageClassRequested: storageClass } });
}

function readUserMetadata(headers: HeaderMap): Readonly<Record<string, string>> {
  const metadata: [name: string, value: string][] = [];
  let sizeBytes = 0;
  for (const [header, value] of headers) {
    if (!header.startsWith(USER_PREFIX)) continue;
    const name = header.slice(USER_PREFIX.length);
    if (name === '') continue;
    metadata.push([name, value]);
    sizeBytes += name.length + value.length;
  }
  if (sizeBytes > USER_METADATA_BYTES_MAX) {
    throw new S3Error('MetadataTooLarge', undefined, {
      fields: { Size: String(sizeBytes), MaxSizeAllowed: String(USER_METADATA_BYTES_MAX) },
    });
  }
  // Not by assignment: a name may be `__proto__`.
  return Object.fromEntries(metadata);
}

/** Headers that describe an object, as far as they come from what its writer said. */
export function attributeHeaders(attributes: ObjectAttributes): Record<string, string> {
  const headers: Record<string, string> = { 'content-type': 'binary/octet-stream' };
  const { properties, userMetadata, storageClass } = attributes;
  for (const name of PROPERTIES) {
    const value = properties[name];
    if (value !== undefined) headers[name] = value;
  }
  for (const [name, value] of Object.entries(userMetadata)) {
    headers[USER_PREFIX + name] = metadataHeader(value);
  }
  if (storageClass !== undefined && storageClass !== STORAGE_CLASS_DEFAULT) {
    headers['x-amz-storage-class'] = storageClass;
  }
  return headers;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII
const ASCII = /^[\x00-\x7f]*$/;

/**
 * UTF-8 outside ASCII goes out in the one form of header text that every client can take apart, as S3 does it.
 * @source RFC 2047 §2
 */
function metadataHeader(value: string): string {
  if (ASCII.test(value)) return value;
  const bytes = Buffer.from(value, 'latin1');
  return isUtf8(bytes) ? `=?UTF-8?B?${bytes.toString('base64')}?=` : value;
}
