/**
 * The whole way of a request body: what the headers promise, the decoder, the digests, and the comparison of the one
 * with the other. The same for PutObject, UploadPart and the operations whose body is XML.
 */
import type { Payload } from '../auth/payload.ts';
import type { HeaderMap } from '../auth/request.ts';
import type { Checksum, ChecksumAlgorithm } from '../checksums/algorithms.ts';
import type { TrailerMap } from './decoder.ts';

export interface IntakeOptions {
  readonly headers: HeaderMap;
  readonly payload: Payload;
  /** Object bytes at the most: EntityTooLarge beyond, before any byte is taken when the headers tell. */
  readonly lengthBytesMax: number;
  /** Compute the MD5 even if nothing asks for a comparison (the ETag of PutObject and UploadPart). */
  readonly md5: boolean;
  /** The checksum to keep when the client sends none: S3 keeps CRC64NVME. */
  readonly defaultChecksum?: ChecksumAlgorithm;
}

/** Known once every byte is in and every promise of the request about it held. */
export interface IntakeResult {
  readonly lengthBytes: number;
  /** 16 bytes, when asked for or compared. */
  readonly md5: Buffer | undefined;
  /** The client's checksum (header or trailer), verified, or else the default one, computed. */
  readonly checksum: Checksum | undefined;
  readonly trailers: TrailerMap;
}

export interface Intake {
  /** Object bytes to come, when the headers tell: always, except for a plain body with `Transfer-Encoding: chunked`. */
  readonly lengthBytes: number | undefined;
  /**
   * Decodes `source` once. Bytes are yielded before they are proven: see {@link BodyDecoder}; they may be published only
   * after the generator has *returned* {@link IntakeResult}.
   * @throws S3Error as {@link BodyDecoder}, and BadDigest (Content-MD5, checksum)
   */
  pieces(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer, IntakeResult, undefined>;
}

/**
 * Reads the headers that speak about the body, before a byte of it is read (so before `100 Continue`).
 * @throws S3Error MissingContentLength | InvalidDigest | InvalidRequest | InvalidArgument | NotImplemented | EntityTooLarge
 */
export function openIntake(_options: IntakeOptions): Intake {
  throw new Error('unwritten');
}

/**
 * Reads a small body whole (XML), proven.
 * @throws S3Error as {@link Intake.pieces}; MaxMessageLengthExceeded in place of EntityTooLarge
 */
export async function readWholeBody(
  _options: Omit<IntakeOptions, 'md5' | 'defaultChecksum'>,
  _source: AsyncIterable<Buffer>,
): Promise<Buffer> {
  throw new Error('unwritten');
}
