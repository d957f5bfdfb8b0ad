/** Names for requests, so that a client's report and our log can be laid side by side. */

export interface RequestIds {
  /** 16 upper-case letters and digits, never twice in one process and hardly ever between two. */
  next(): string;
  /** Says which process answered: S3's `x-amz-id-2`. */
  readonly hostId: string;
}

/** @param seed at least 6 random bytes. */
export function createRequestIds(seed: Buffer): RequestIds {
  const prefix = seed.readUIntBE(0, 5).toString(36).toUpperCase().padStart(8, '0');
  let count = 0;
  return {
    next: () => prefix + (count++).toString(36).toUpperCase().padStart(8, '0'),
    hostId: seed.toString('base64'),
  };
}
