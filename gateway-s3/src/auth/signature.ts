/** One step of SigV4: the signature of a string under a signing key, and its comparison. */
import assert from 'node:assert/strict';
import { hash, timingSafeEqual } from 'node:crypto';

/** Of SHA-256. */
const BLOCK_BYTES = 64;
const DIGEST_BYTES = 32;
const DIGEST_HEX_LENGTH = 2 * DIGEST_BYTES;

/** A key's two blocks, each with room behind it for what is hashed with it. */
interface PaddedKey {
  /** As long as the last string that was signed needs: those of one scope are all of one length. */
  inner: Buffer;
  readonly outer: Buffer;
}

/** Kept as long as the key itself: it signs every request of a client for a day. */
const paddedKeys = new WeakMap<Buffer, PaddedKey>();

/**
 * HMAC-SHA-256 by its two plain hashes, which take half the time of a `Hmac`: that is a native object to be made and
 * collected for every signature.
 *
 * The string to sign is ASCII, the key a digest.
 * @returns 64 lower-case hex digits.
 * @source RFC 2104 §2
 */
export function sign(signingKey: Buffer, stringToSign: string): string {
  let padded = paddedKeys.get(signingKey);
  if (padded === undefined) {
    padded = padKey(signingKey);
    paddedKeys.set(signingKey, padded);
  }
  const lengthBytes = BLOCK_BYTES + stringToSign.length;
  if (padded.inner.length !== lengthBytes) {
    padded.inner = Buffer.concat([padded.inner.subarray(0, BLOCK_BYTES)], lengthBytes);
  }
  padded.inner.write(stringToSign, BLOCK_BYTES, 'latin1');
  // Text is the cheapest thing to get from a hash, and one byte a character the cheapest text to write.
  padded.outer.write(hash('sha256', padded.inner, 'latin1'), BLOCK_BYTES, 'latin1');
  return hash('sha256', padded.outer, 'hex');
}

function padKey(key: Buffer): PaddedKey {
  assert(key.length <= BLOCK_BYTES, 'a longer key would have to be hashed first');
  const inner = Buffer.alloc(BLOCK_BYTES, 0x36);
  const outer = Buffer.alloc(BLOCK_BYTES + DIGEST_BYTES, 0x5c);
  for (const [at, byte] of key.entries()) {
    inner[at] = byte ^ 0x36;
    outer[at] = byte ^ 0x5c;
  }
  return { inner, outer };
}

const compared = Buffer.alloc(2 * DIGEST_HEX_LENGTH);
const comparedExpected = compared.subarray(0, DIGEST_HEX_LENGTH);
const comparedGiven = compared.subarray(DIGEST_HEX_LENGTH);

/** Compares two signatures in hex without telling, by the time it takes, where they differ. */
export function sameSignature(expected: string, given: string): boolean {
  if (expected.length !== DIGEST_HEX_LENGTH || given.length !== DIGEST_HEX_LENGTH) return false;
  compared.write(expected + given, 'latin1');
  return timingSafeEqual(comparedExpected, comparedGiven);
}
