/** Checksums as text: base64 in headers, trailers and XML, with `-N` behind a composite one. */
import type { HeaderMap } from '../auth/request.ts';
import type { Checksum, ChecksumAlgorithm, ObjectChecksum } from './algorithms.ts';

/**
 * Parses a base64 value of exactly the algorithm's length.
 * @throws S3Error InvalidRequest, naming the header
 */
export function parseChecksumValue(_algorithm: ChecksumAlgorithm, _text: string): Checksum {
  throw new Error('unwritten');
}

/** As {@link parseChecksumValue}, and also `value-N` for a composite. For CompleteMultipartUpload. */
export function parseObjectChecksum(_algorithm: ChecksumAlgorithm, _text: string): ObjectChecksum {
  throw new Error('unwritten');
}

/** `base64`, or `base64-N` for a composite. */
export function formatChecksum(_checksum: Checksum | ObjectChecksum): string {
  throw new Error('unwritten');
}

/**
 * The one `x-amz-checksum-*` value among the headers, if any. Headers that only look alike
 * (`x-amz-checksum-algorithm`, `-type`, `-mode`) are not values.
 * @throws S3Error InvalidRequest (two values, bad value) | NotImplemented (an algorithm we lack)
 */
export function readChecksumHeader(_headers: HeaderMap): Checksum | undefined {
  throw new Error('unwritten');
}

/**
 * `Content-MD5`: 16 bytes in base64.
 * @throws S3Error InvalidDigest
 */
export function readContentMd5(_headers: HeaderMap): Buffer | undefined {
  throw new Error('unwritten');
}
