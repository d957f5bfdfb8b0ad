/** The digests of a body being stored, computed in one pass over its bytes. */
import type { ComputedAlgorithm } from './algorithms.ts';
import { createDigest, type Digest } from './digest.ts';
import type { BytesChecksum } from './value.ts';

export interface PutDigestsOptions {
  /** For the ETag, or for Content-MD5. */
  readonly md5: boolean;
  readonly checksum: ComputedAlgorithm | undefined;
}

export interface PutDigestsResult {
  readonly md5: Buffer | undefined;
  readonly checksum: BytesChecksum | undefined;
}

export class PutDigests {
  readonly #md5: Digest | undefined;
  readonly #checksum: { readonly algorithm: ComputedAlgorithm; readonly digest: Digest } | undefined;
  /** MD5 may be asked for under both names; it is computed once. */
  readonly #checksumIsMd5: boolean;

  constructor({ md5, checksum }: PutDigestsOptions) {
    this.#checksumIsMd5 = checksum === 'MD5';
    this.#md5 = md5 || this.#checksumIsMd5 ? createDigest('MD5') : undefined;
    this.#checksum =
      checksum === undefined || this.#checksumIsMd5
        ? undefined
        : { algorithm: checksum, digest: createDigest(checksum) };
  }

  update(bytes: Buffer): void {
    this.#md5?.update(bytes);
    this.#checksum?.digest.update(bytes);
  }

  /** Ends all of them. */
  digest(): PutDigestsResult {
    const md5 = this.#md5?.digest();
    if (this.#checksumIsMd5 && md5 !== undefined) {
      return { md5, checksum: { algorithm: 'MD5', type: 'FULL_OBJECT', value: md5 } };
    }
    const checksum = this.#checksum;
    return {
      md5,
      checksum: checksum && {
        algorithm: checksum.algorithm,
        type: 'FULL_OBJECT',
        value: checksum.digest.digest(),
      },
    };
  }
}
