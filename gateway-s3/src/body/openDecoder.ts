/** Picks the decoder for a body. */
import type { Payload } from '../auth/payload.ts';
import { S3Error } from '../errors.ts';
import { AwsChunkedDecoder } from './awsChunked.ts';
import type { BodyDecoder } from './decoder.ts';
import { PlainDecoder } from './plain.ts';

/** What the headers say about the body. */
export interface BodyFraming {
  readonly payload: Payload;
  /** `Content-Length`: bytes on the wire. `undefined` with `Transfer-Encoding: chunked`. */
  readonly contentLength: number | undefined;
  /** `x-amz-decoded-content-length`: object bytes of an aws-chunked body. */
  readonly decodedContentLength: number | undefined;
  /** Lower-case names from `x-amz-trailer`. */
  readonly trailerNames: readonly string[];
}

/** @throws S3Error MissingContentLength (an aws-chunked body that does not announce its decoded length) */
export function openDecoder({
  payload,
  contentLength,
  decodedContentLength,
  trailerNames,
}: BodyFraming): BodyDecoder {
  switch (payload.kind) {
    case 'unsigned':
    case 'signed':
      return new PlainDecoder(contentLength);
    default:
      if (decodedContentLength === undefined) throw new S3Error('MissingContentLength');
      return new AwsChunkedDecoder({ payload, contentLength, decodedContentLength, trailerNames });
  }
}
