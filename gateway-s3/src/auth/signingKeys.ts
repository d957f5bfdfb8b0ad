/** SigV4 signing keys: a chain of four HMACs, worth keeping because a client uses one for a whole day. */
import { createHmac } from 'node:crypto';

export interface SigningScope {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** `YYYYMMDD` */
  readonly date: string;
  readonly region: string;
}

/** @source S3 API Reference, "Signature Calculations for the Authorization Header", Task 3 */
export function deriveSigningKey({ secretAccessKey, date, region }: SigningScope): Buffer {
  return [date, region, 's3', 'aws4_request'].reduce<Buffer>(
    (key, part) => createHmac('sha256', key).update(part).digest(),
    Buffer.from(`AWS4${secretAccessKey}`),
  );
}

/**
 * The most recently used signing keys. The secret is part of the index, so a key that was given a new secret
 * never meets its old one.
 */
export class SigningKeyCache {
  readonly #entriesMax: number;
  readonly #keys = new Map<string, Buffer>();

  constructor(entriesMax: number) {
    this.#entriesMax = entriesMax;
  }

  get size(): number {
    return this.#keys.size;
  }

  /** The kept key, or a fresh one, which is not kept yet: see {@link keep}. */
  find(scope: SigningScope): Buffer {
    const index = indexOf(scope);
    const kept = this.#keys.get(index);
    if (kept === undefined) return deriveSigningKey(scope);
    // A Map walks in order of insertion: to insert again is to become the youngest.
    this.#keys.delete(index);
    this.#keys.set(index, kept);
    return kept;
  }

  /** Keeps a key. Only for requests that verified: strangers could push everyone else's keys out otherwise. */
  keep(scope: SigningScope, key: Buffer): void {
    const index = indexOf(scope);
    if (this.#keys.has(index)) return;
    this.#keys.set(index, key);
    if (this.#keys.size <= this.#entriesMax) return;
    for (const oldest of this.#keys.keys()) {
      this.#keys.delete(oldest);
      return;
    }
  }
}

function indexOf({ accessKeyId, secretAccessKey, date, region }: SigningScope): string {
  return `${date}/${region}/${accessKeyId}/${secretAccessKey}`;
}
