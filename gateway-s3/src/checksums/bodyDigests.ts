/** The digests of a body, whoever computes them: in one pass over its bytes, each algorithm once. */
import assert from 'node:assert/strict';
import type { ComputedAlgorithm } from './algorithms.ts';
import { createDigest, type Digest } from './digest.ts';
import type { BytesChecksum } from './value.ts';

/** Each exactly of its algorithm's length; CRCs big-endian. */
export type DigestValues = ReadonlyMap<ComputedAlgorithm, Buffer>;

/** Where bytes go on to; as `BodyWriter` of the core. */
export interface ByteSink {
  write(bytes: Buffer, onRelease?: () => void): Promise<void>;
}

/** Digests what passes on its way to a sink, if there is one. To be ended or abandoned: nothing may be called afterwards. */
export interface BodyDigests {
  /** Whether bytes may change once they are taken. Else they must not, ever. */
  readonly copies: boolean;
  /**
   * Takes the next bytes. A promise is to be awaited before more come, and rejects when the sink does, or when they can
   * no longer be digested.
   */
  update(bytes: Buffer): Promise<void> | undefined;
  /** To be awaited before a wait for bytes that may never come. Rejects as `update` does. */
  pass(): Promise<void> | undefined;
  /** Rejects as `update` does. */
  end(): DigestValues | Promise<DigestValues>;
  /** No more bytes will come, and nobody will ask. */
  abandon(): void;
}

/** Computed by whoever calls: dearer than a message to another thread only for what is large. */
export class InlineDigests implements BodyDigests {
  readonly copies = false;
  readonly #digests: readonly (readonly [ComputedAlgorithm, Digest])[];
  readonly #to: ByteSink | undefined;

  constructor(algorithms: Iterable<ComputedAlgorithm>, to?: ByteSink) {
    this.#digests = Array.from(algorithms, (algorithm) => [algorithm, createDigest(algorithm)]);
    this.#to = to;
  }

  update(bytes: Buffer): Promise<void> | undefined {
    for (const [, digest] of this.#digests) digest.update(bytes);
    return this.#to?.write(bytes);
  }

  pass(): undefined {
    // All that came has passed.
  }

  end(): DigestValues {
    return new Map(this.#digests.map(([algorithm, digest]) => [algorithm, digest.digest()]));
  }

  abandon(): void {
    // Nothing is held beyond this object.
  }
}

/** The value of an algorithm that was asked for. */
export function digestOf(digests: DigestValues, algorithm: ComputedAlgorithm): Buffer {
  const value = digests.get(algorithm);
  assert(value !== undefined, `${algorithm} was not asked for`);
  return value;
}

export function checksumFrom(digests: DigestValues, algorithm: ComputedAlgorithm): BytesChecksum {
  return { algorithm, type: 'FULL_OBJECT', value: digestOf(digests, algorithm) };
}
