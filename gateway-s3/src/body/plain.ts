/** A body that is the object's bytes and nothing else. */
import type { BodyDecoder, TrailerMap } from './decoder.ts';
import { bodyTooLong, bodyTooShort } from './incomplete.ts';

const NO_TRAILERS: TrailerMap = new Map();

export class PlainDecoder implements BodyDecoder {
  readonly #contentLength: number | undefined;
  #receivedBytes = 0;

  constructor(contentLength: number | undefined) {
    this.#contentLength = contentLength;
  }

  push(bytes: Buffer): readonly Buffer[] {
    this.#receivedBytes += bytes.length;
    if (this.#contentLength !== undefined && this.#receivedBytes > this.#contentLength) throw bodyTooLong();
    return bytes.length === 0 ? [] : [bytes];
  }

  end(): TrailerMap {
    if (this.#contentLength !== undefined && this.#receivedBytes < this.#contentLength) throw bodyTooShort();
    return NO_TRAILERS;
  }
}
