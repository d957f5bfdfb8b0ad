/** The digests of a body, whoever computes them: in one pass over its bytes, each algorithm once. */
import assert from 'node:assert/strict';
import type { ComputedAlgorithm } from './algorithms.ts';
import { createDigest, type Digest } from './digest.ts';
import type { BytesChecksum } from './value.ts';

/** Each exactly of its algorithm's length; CRCs big-endian. */
export type DigestValues = ReadonlyMap<ComputedAlgorithm, Buffer>;

/** To be ended or abandoned: nothing may be called afterwards. */
export interface BodyDigests {
  /**
   * Takes the next bytes, which must not change afterwards. A promise is to be awaited before more come, and rejects
   * when they can no longer be digested.
   */
  update(bytes: Buffer): Promise<void> | undefined;
  /** Rejects as `update` does. */
  end(): DigestValues | Promise<DigestValues>;
  /** No more bytes will come, and nobody will ask. */
  abandon(): void;
}

/** Computed by whoever calls: dearer than a message to another thread only for what is large. */
export class InlineDigests implements BodyDigests {
  readonly #digests: readonly (readonly [ComputedAlgorithm, Digest])[];

  constructor(algorithms: Iterable<ComputedAlgorithm>) {
    this.#digests = Array.from(algorithms, (algorithm) => [algorithm, createDigest(algorithm)]);
  }

  update(bytes: Buffer): undefined {
    for (const [, digest] of this.#digests) digest.update(bytes);
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
