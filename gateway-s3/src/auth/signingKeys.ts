/** SigV4 signing keys: a chain of four HMACs, worth keeping because a client uses one for a whole day. */
import { createHmac } from 'node:crypto';

export interface SigningScope {
  /** Names the key, the date and the region: `AKID/YYYYMMDD/REGION/s3/aws4_request`. */
  readonly credential: string;
  readonly secretAccessKey: string;
  /** `YYYYMMDD` */
  readonly date: string;
  readonly region: string;
}

/** @source S3 API Reference, "Signature Calculations for the Authorization Header", Task 3 */
export function deriveSigningKey({
  secretAccessKey,
  date,
  region,
}: Omit<SigningScope, 'credential'>): Buffer {
  return [date, region, 's3', 'aws4_request'].reduce<Buffer>(
    (key, part) => createHmac('sha256', key).update(part).digest(),
    Buffer.from(`AWS4${secretAccessKey}`),
  );
}

interface KeptKey {
  readonly secretAccessKey: string;
  readonly signingKey: Buffer;
}

/** The most recently used signing keys. One that was derived from another secret than today's is as good as none. */
export class SigningKeyCache {
  readonly #entriesMax: number;
  /** By credential. */
  readonly #keys = new Map<string, KeptKey>();
  /** The last one used: most often the next, too. */
  #youngest: Buffer | undefined;

  constructor(entriesMax: number) {
    this.#entriesMax = entriesMax;
  }

  get size(): number {
    return this.#keys.size;
  }

  /** The kept key, or a fresh one, which is not kept yet: see {@link keep}. */
  find(scope: SigningScope): Buffer {
    const kept = this.#keys.get(scope.credential);
    if (kept?.secretAccessKey !== scope.secretAccessKey) return deriveSigningKey(scope);
    return kept.signingKey;
  }

  /**
   * Keeps a key that {@link find} gave, as the last to be dropped. Only for requests that verified: strangers could
   * push everyone else's keys out otherwise.
   */
  keep({ credential, secretAccessKey }: SigningScope, signingKey: Buffer): void {
    if (signingKey === this.#youngest) return;
    this.#youngest = signingKey;
    // A Map walks in order of insertion: to insert again is to become the youngest.
    this.#keys.delete(credential);
    this.#keys.set(credential, { secretAccessKey, signingKey });
    if (this.#keys.size <= this.#entriesMax) return;
    for (const oldest of this.#keys.keys()) {
      this.#keys.delete(oldest);
      return;
    }
  }
}
