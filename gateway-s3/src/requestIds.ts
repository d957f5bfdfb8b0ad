/** Names for requests, so that a client's report and our log can be laid side by side. */

export interface RequestIds {
  /** 16 upper-case letters and digits, never twice in one process and hardly ever between two. */
  next(): string;
  /** Says which process answered: S3's `x-amz-id-2`. */
  readonly hostId: string;
}

const RADIX = 36;
const PAIR_COUNT = RADIX ** 2;
const PAIRS: readonly string[] = Array.from({ length: PAIR_COUNT }, (_, n) => digits(n, 2));

/** In letters and digits, upper case. */
function digits(n: number, length: number): string {
  return n.toString(RADIX).toUpperCase().padStart(length, '0');
}

/** @param seed at least 6 random bytes. */
export function createRequestIds(seed: Buffer): RequestIds {
  const prefix = digits(seed.readUIntBE(0, 5), 8);
  let count = 0;
  let before = '';
  return {
    next: () => {
      const low = count % PAIR_COUNT;
      if (low === 0) before = prefix + digits(count / PAIR_COUNT, 6);
      count += 1;
      return before + PAIRS[low];
    },
    hostId: seed.toString('base64'),
  };
}
