/** A body that is the object's bytes and nothing else. */
import { createHash, type Hash } from 'node:crypto';
import { S3Error } from '../errors.ts';
import type { BodyDecoder, DecodedBody } from './decoder.ts';
import { bodyTooLong, bodyTooShort } from './incomplete.ts';

export interface PlainOptions {
  readonly contentLength: number | undefined;
  /** What the client signed: 64 lower-case hex digits. */
  readonly sha256Hex: string | undefined;
}

export class PlainDecoder implements BodyDecoder {
  readonly #contentLength: number | undefined;
  readonly #sha256: { readonly expectedHex: string; readonly hash: Hash } | undefined;
  #receivedBytes = 0;

  constructor({ contentLength, sha256Hex }: PlainOptions) {
    this.#contentLength = contentLength;
    this.#sha256 =
      sha256Hex === undefined ? undefined : { expectedHex: sha256Hex, hash: createHash('sha256') };
  }

  push(bytes: Buffer): readonly Buffer[] {
    this.#receivedBytes += bytes.length;
    if (this.#contentLength !== undefined && this.#receivedBytes > this.#contentLength) throw bodyTooLong();
    this.#sha256?.hash.update(bytes);
    return bytes.length === 0 ? [] : [bytes];
  }

  end(): DecodedBody {
    if (this.#contentLength !== undefined && this.#receivedBytes < this.#contentLength) throw bodyTooShort();
    if (this.#sha256 === undefined) return { trailers: new Map(), sha256: undefined };
    const sha256 = this.#sha256.hash.digest();
    const computedHex = sha256.toString('hex');
    if (computedHex !== this.#sha256.expectedHex) {
      throw new S3Error('XAmzContentSHA256Mismatch', undefined, {
        fields: {
          ClientComputedContentSHA256: this.#sha256.expectedHex,
          S3ComputedContentSHA256: computedHex,
        },
      });
    }
    return { trailers: new Map(), sha256 };
  }
}
