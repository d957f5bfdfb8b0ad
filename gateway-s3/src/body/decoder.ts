/**
 * Request bodies as a push decoder: wire bytes in, object bytes out.
 *
 * **Bytes come out before they are proven.** Memory stays flat because the data of a chunk is handed on as it
 * arrives, ahead of the signature, hash or length that covers it. So a consumer may write what it gets anywhere that
 * nobody can see, and may publish it only after `end()` has returned.
 */
import type { Payload } from '../auth/payload.ts';

/** Lower-case trailer name → trimmed value. Only names declared in `x-amz-trailer`. */
export type TrailerMap = ReadonlyMap<string, string>;

/** What is known once the whole body is in and holds. */
export interface DecodedBody {
  /** Object bytes, framing not counted. */
  readonly lengthBytes: number;
  readonly trailers: TrailerMap;
  /** The SHA-256 of the object bytes where it was computed anyway (payload kind `signed`). */
  readonly sha256: Buffer | undefined;
}

/** After a throw the decoder is dead: `push` and `end` throw the same error again. */
export interface BodyDecoder {
  /**
   * Takes the next wire bytes (they must not change afterwards); returns the object bytes among them, as views.
   * @throws S3Error IncompleteBody (more or fewer bytes than announced, bad framing) | SignatureDoesNotMatch |
   *  InvalidChunkSizeError | MalformedTrailerError | EntityTooLarge
   */
  push(bytes: Buffer): readonly Buffer[];
  /**
   * Says that nothing more will come.
   * @throws S3Error IncompleteBody | XAmzContentSHA256Mismatch | MalformedTrailerError
   */
  end(): DecodedBody;
}

/** What the headers say about the body. */
export interface BodyFraming {
  readonly payload: Payload;
  /** `Content-Length`: bytes on the wire. `undefined` with `Transfer-Encoding: chunked`. */
  readonly contentLength: number | undefined;
  /** `x-amz-decoded-content-length`: object bytes of an aws-chunked body. `undefined` when the body is plain. */
  readonly decodedContentLength: number | undefined;
  /** Lower-case names from `x-amz-trailer`. */
  readonly trailerNames: readonly string[];
  /** Object bytes at the most. */
  readonly lengthBytesMax: number;
}

export function createBodyDecoder(_framing: BodyFraming): BodyDecoder {
  throw new Error('unwritten');
}
