/** What the headers of a request promise about its body, read before a byte of the body is. */
import type { Payload } from '../auth/payload.ts';
import type { HeaderMap } from '../auth/request.ts';
import {
  type ComputedAlgorithm,
  checksumHeaderName,
  parseChecksumAlgorithm,
} from '../checksums/algorithms.ts';
import {
  type BytesChecksum,
  parseChecksumValue,
  readChecksumHeader,
  readContentMd5,
  twoChecksums,
} from '../checksums/value.ts';
import { S3Error } from '../errors.ts';

/** The checksum a client promises: given at once, or to come in a trailer. */
type PromisedChecksum =
  | { readonly in: 'header'; readonly algorithm: ComputedAlgorithm; readonly expected: BytesChecksum }
  | { readonly in: 'trailer'; readonly algorithm: ComputedAlgorithm };

export interface BodyHeaders {
  /** Bytes on the wire, when the headers tell. */
  readonly contentLength: number | undefined;
  /** Object bytes of an aws-chunked body; `undefined` for a plain one. */
  readonly decodedContentLength: number | undefined;
  /** Lower-case; at most one, and only where the payload kind allows it. */
  readonly trailerNames: readonly string[];
  readonly contentMd5: Buffer | undefined;
  readonly checksum: PromisedChecksum | undefined;
}

export interface BodyHeadersOptions {
  readonly headers: HeaderMap;
  readonly payload: Payload;
  /** CompleteMultipartUpload's checksum headers speak of the object, not of the body they come with. */
  readonly checksumHeaders: 'of-body' | 'of-object';
}

/** @throws S3Error InvalidDigest | InvalidRequest | MissingContentLength | NotImplemented */
export function readBodyHeaders({ headers, payload, checksumHeaders }: BodyHeadersOptions): BodyHeaders {
  const trailerNames = readTrailerNames(headers, payload);
  return {
    contentLength: readLength(headers, 'content-length'),
    decodedContentLength: isAwsChunked(payload) ? readDecodedLength(headers) : undefined,
    trailerNames,
    contentMd5: readContentMd5(headers),
    checksum: checksumHeaders === 'of-body' ? readPromisedChecksum(headers, trailerNames) : undefined,
  };
}

function isAwsChunked(payload: Payload): boolean {
  return payload.kind !== 'unsigned' && payload.kind !== 'signed';
}

/** @throws S3Error MissingContentLength */
function readDecodedLength(headers: HeaderMap): number {
  const length = readLength(headers, 'x-amz-decoded-content-length');
  if (length === undefined) throw new S3Error('MissingContentLength');
  return length;
}

function readLength(headers: HeaderMap, name: string): number | undefined {
  const text = headers.get(name);
  if (text === undefined) return undefined;
  // However many digits: a length that no number holds exactly is still too large, not missing.
  if (!/^\d+$/.test(text)) {
    throw new S3Error('MissingContentLength', `The value of the ${name} header is not a length.`);
  }
  return Number(text);
}

function readTrailerNames(headers: HeaderMap, payload: Payload): readonly string[] {
  const names = (headers.get('x-amz-trailer') ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '');
  if (names.length > 1) throw twoChecksums();
  const allowed =
    payload.kind === 'streaming-signed-trailer' || payload.kind === 'streaming-unsigned-trailer';
  if (names.length > 0 && !allowed) {
    throw new S3Error('InvalidRequest', 'x-amz-trailer needs an x-amz-content-sha256 that ends in -TRAILER.');
  }
  return names;
}

function readPromisedChecksum(
  headers: HeaderMap,
  trailerNames: readonly string[],
): PromisedChecksum | undefined {
  const header = readChecksumHeader(headers);
  const [trailerName] = trailerNames;
  if (header !== undefined && trailerName !== undefined) throw twoChecksums();
  const promised: PromisedChecksum | undefined =
    header !== undefined
      ? {
          in: 'header',
          algorithm: header.algorithm,
          expected: parseChecksumValue(header.algorithm, header.text),
        }
      : trailerName !== undefined
        ? { in: 'trailer', algorithm: parseTrailerName(trailerName) }
        : undefined;
  checkSdkAlgorithm(headers, promised);
  return promised;
}

const TRAILER_NAME = /^x-amz-checksum-([a-z0-9]+)$/;

function parseTrailerName(name: string): ComputedAlgorithm {
  const suffix = TRAILER_NAME.exec(name)?.[1];
  if (suffix === undefined) {
    throw new S3Error('InvalidRequest', 'The value specified in the x-amz-trailer header is not supported');
  }
  return parseChecksumAlgorithm(suffix);
}

/** SDKs name the algorithm once more, beside the value. */
function checkSdkAlgorithm(headers: HeaderMap, promised: PromisedChecksum | undefined): void {
  const named = headers.get('x-amz-sdk-checksum-algorithm');
  if (named === undefined) return;
  const algorithm = parseChecksumAlgorithm(named);
  if (promised === undefined) {
    throw new S3Error(
      'InvalidRequest',
      'x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.',
    );
  }
  if (promised.algorithm !== algorithm) {
    throw new S3Error(
      'InvalidRequest',
      `Value for x-amz-sdk-checksum-algorithm header is invalid: the request carries ${checksumHeaderName(promised.algorithm)}.`,
    );
  }
}
