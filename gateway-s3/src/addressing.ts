/**
 * Which bucket and key a request is about.
 *
 * Path-style (`/bucket/key`) and virtual-hosted (`Host: bucket.domain`). The path is split while still encoded, then
 * decoded: nothing is normalised, so dot segments, empty segments and encoded slashes reach the key as they are.
 *
 * @source S3 User Guide, "Virtual hosting of general purpose buckets"
 */
import { Buffer, isUtf8 } from 'node:buffer';
import { decodePath } from './auth/request.ts';
import { S3Error } from './errors.ts';

/** UTF-8 bytes. */
const KEY_BYTES_MAX = 1024;

export type Target =
  | { readonly level: 'service' }
  | { readonly level: 'bucket'; readonly bucket: string }
  | { readonly level: 'object'; readonly bucket: string; readonly key: Buffer };

export interface Addressed {
  /** As in the request line, still percent-encoded, without the query. */
  readonly rawPath: string;
  /** The `Host` header. */
  readonly host: string | undefined;
  /** Buckets are also served at `<bucket>.<domain>`. Lower case. */
  readonly domain: string;
}

/** @throws S3Error InvalidURI | KeyTooLongError */
export function parseTarget({ rawPath, host, domain }: Addressed): Target {
  if (!rawPath.startsWith('/')) throw new S3Error('InvalidURI');
  const hostBucket = bucketOfHost(host, domain);
  if (hostBucket !== undefined) return targetOf(hostBucket, rawPath.slice(1));

  const slash = rawPath.indexOf('/', 1);
  const rawBucket = slash < 0 ? rawPath.slice(1) : rawPath.slice(1, slash);
  if (rawBucket === '') {
    // `//key` names a key of a bucket without a name.
    if (slash >= 0) throw new S3Error('InvalidBucketName', undefined, { fields: { BucketName: '' } });
    return { level: 'service' };
  }
  return targetOf(decodePath(rawBucket), slash < 0 ? '' : rawPath.slice(slash + 1));
}

function targetOf(bucket: string, rawKey: string): Target {
  if (rawKey === '') return { level: 'bucket', bucket };
  return { level: 'object', bucket, key: parseKey(decodePath(rawKey)) };
}

/**
 * A key from its bytes, one a character.
 * @throws S3Error InvalidURI (not UTF-8) | KeyTooLongError
 */
export function parseKey(bytes: string): Buffer {
  const key = Buffer.from(bytes, 'latin1');
  if (!isUtf8(key)) throw new S3Error('InvalidURI', 'The key is not valid UTF-8.');
  if (key.length > KEY_BYTES_MAX) {
    throw new S3Error('KeyTooLongError', undefined, {
      fields: { Size: String(key.length), MaxSizeAllowed: String(KEY_BYTES_MAX) },
    });
  }
  return key;
}

/** What URLs of the bucket's keys start with, as the client addressed it. @param origin scheme and host */
export function bucketUrlOf(
  origin: string,
  { host, target, domain }: Pick<Addressed, 'host' | 'domain'> & { readonly target: Target },
): string {
  if (target.level === 'service' || bucketOfHost(host, domain) !== undefined) return origin;
  return `${origin}/${target.bucket}`;
}

/** The label before `.domain`; undefined for the domain itself, an IP address or any other host: path-style. */
function bucketOfHost(host: string | undefined, domain: string): string | undefined {
  if (host === undefined) return undefined;
  const colon = host.lastIndexOf(':');
  const name = (colon < 0 || host.endsWith(']') ? host : host.slice(0, colon)).toLowerCase();
  if (name.length <= domain.length + 1 || !name.endsWith(domain)) return undefined;
  const dot = name.length - domain.length - 1;
  return name[dot] === '.' ? name.slice(0, dot) : undefined;
}
