/**
 * The chain of signatures through a signed aws-chunked body: the request's, each chunk's, the trailers'.
 * @source S3 API Reference, "Transferring Payload in Multiple Chunks" and "Including Trailing Headers"
 */
import { hash } from 'node:crypto';
import type { ChunkSigning } from '../auth/payload.ts';
import { sameSignature, sign } from '../auth/signature.ts';
import { S3Error } from '../errors.ts';

const SHA256_OF_NOTHING = hash('sha256', '', 'hex');

export class ChunkSignatures {
  readonly #signing: ChunkSigning;
  #previous: string;

  constructor(signing: ChunkSigning) {
    this.#signing = signing;
    this.#previous = signing.seedSignature;
  }

  /** @throws S3Error SignatureDoesNotMatch */
  checkChunk(dataSha256Hex: string, signature: string): void {
    const { timestamp, scope } = this.#signing;
    this.#check(
      `AWS4-HMAC-SHA256-PAYLOAD\n${timestamp}\n${scope}\n${this.#previous}\n${SHA256_OF_NOTHING}\n${dataSha256Hex}`,
      signature,
    );
  }

  /** @throws S3Error SignatureDoesNotMatch */
  checkTrailers(trailers: ReadonlyMap<string, string>, signature: string): void {
    const { timestamp, scope } = this.#signing;
    const canonical = [...trailers.keys()]
      .sort()
      .map((name) => `${name}:${trailers.get(name)}\n`)
      .join('');
    const sha256Hex = hash('sha256', Buffer.from(canonical, 'latin1'), 'hex');
    this.#check(
      `AWS4-HMAC-SHA256-TRAILER\n${timestamp}\n${scope}\n${this.#previous}\n${sha256Hex}`,
      signature,
    );
  }

  #check(stringToSign: string, signature: string): void {
    const expected = sign(this.#signing.signingKey, stringToSign);
    if (!sameSignature(expected, signature)) {
      throw new S3Error('SignatureDoesNotMatch', undefined, {
        fields: { StringToSign: stringToSign, SignatureProvided: signature },
      });
    }
    this.#previous = expected;
  }
}
