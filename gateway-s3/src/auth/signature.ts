/** One step of SigV4: the signature of a string under a signing key, and its comparison. */
import { createHmac, timingSafeEqual } from 'node:crypto';

/** 64 lower-case hex digits. The string to sign is ASCII. */
export function sign(signingKey: Buffer, stringToSign: string): string {
  return createHmac('sha256', signingKey).update(stringToSign).digest('hex');
}

/** Compares two signatures in hex without telling, by the time it takes, where they differ. */
export function sameSignature(expected: string, given: string): boolean {
  const a = Buffer.from(expected, 'latin1');
  const b = Buffer.from(given, 'latin1');
  return a.length === b.length && timingSafeEqual(a, b);
}
