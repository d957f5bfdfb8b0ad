/** Files of bytes that do not repeat, and what they hash to, without holding them. */
import { createCipheriv, createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

const PIECE_BYTES = 1 << 20;

/** The key stream of AES: the same bytes for the same seed. */
export function* randomBytesOf({
  lengthBytes,
  seed,
}: {
  lengthBytes: number;
  seed: number;
}): Generator<Buffer> {
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, seed), Buffer.alloc(16));
  const zeros = Buffer.alloc(PIECE_BYTES);
  for (let at = 0; at < lengthBytes; at += PIECE_BYTES) {
    yield cipher.update(zeros.subarray(0, Math.min(PIECE_BYTES, lengthBytes - at)));
  }
}

/** Writes a file, and tells its SHA-256 in hex. */
export async function writeRandomFile(
  path: string,
  size: { lengthBytes: number; seed: number },
): Promise<string> {
  const hash = createHash('sha256');
  const pieces = function* (): Generator<Buffer> {
    for (const piece of randomBytesOf(size)) {
      hash.update(piece);
      yield piece;
    }
  };
  await pipeline(Readable.from(pieces()), createWriteStream(path));
  return hash.digest('hex');
}

/** In hex. */
export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path, { highWaterMark: PIECE_BYTES }))
    hash.update(piece as Buffer);
  return hash.digest('hex');
}
