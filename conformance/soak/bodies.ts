/** What is stored: bytes that anybody can make again from a short name, in sizes around every threshold. */
import { createCipheriv, createHash } from 'node:crypto';

/** `lengthBytes` bytes of the endless sequence that `tag` names, from `start` on. */
export interface Piece {
  readonly tag: string;
  readonly start: number;
  readonly lengthBytes: number;
}

/** One version of an object: its bytes, and all that S3 tells of them. */
export interface Version {
  /** User metadata `op`: which request made it. */
  readonly tag: string;
  readonly pieces: readonly Piece[];
  readonly lengthBytes: number;
  readonly sha256: string;
  /** Without its quotes. */
  readonly etag: string;
  /** By NFS: the ETag is the server's choice, and the tag that of an object put before, or none. Neither is compared. */
  readonly byNfs?: true;
}

export function bytesOf(pieces: readonly Piece[]): Buffer {
  return Buffer.concat(
    pieces.map(({ tag, start, lengthBytes }) => {
      const secret = createHash('sha256').update(tag).digest();
      const cipher = createCipheriv('aes-128-ctr', secret.subarray(0, 16), secret.subarray(16));
      return cipher.update(Buffer.alloc(start + lengthBytes)).subarray(start);
    }),
  );
}

/** The pieces that hold a run of what `pieces` hold. */
export function sliceOf(
  pieces: readonly Piece[],
  run: { readonly start: number; readonly lengthBytes: number },
): Piece[] {
  const end = run.start + run.lengthBytes;
  let at = 0;
  return pieces.flatMap((piece) => {
    const from = Math.max(run.start, at);
    const to = Math.min(end, at + piece.lengthBytes);
    const start = piece.start + from - at;
    at += piece.lengthBytes;
    return from < to ? [{ tag: piece.tag, start, lengthBytes: to - from }] : [];
  });
}

export function md5(bytes: Buffer): Buffer {
  return createHash('md5').update(bytes).digest();
}

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** A version that one PUT makes, and its bytes. */
export function plainVersion(tag: string, lengthBytes: number): { version: Version; bytes: Buffer } {
  const pieces = [{ tag, start: 0, lengthBytes }];
  const bytes = bytesOf(pieces);
  const version = { tag, pieces, lengthBytes, sha256: sha256(bytes), etag: md5(bytes).toString('hex') };
  return { version, bytes };
}

export interface SizeClass {
  readonly name: string;
  readonly lengthsBytes: readonly [number, ...number[]];
}

const KIB = 1024;
const MIB = 1024 * KIB;

/**
 * Both sides of each boundary: inline to 960 bytes, packed to 256 KiB, else a file of its own; checksummed
 * blocks of 32 KiB, frames of 1 MiB.
 */
export const SIZE_CLASSES: readonly SizeClass[] = [
  { name: '0 B', lengthsBytes: [0] },
  { name: '1 B to 960 B', lengthsBytes: [1, 100, 959, 960] },
  { name: '961 B to 2 KiB', lengthsBytes: [961, 1024, 2048] },
  { name: '4 KiB', lengthsBytes: [4 * KIB - 1, 4 * KIB, 4 * KIB + 1] },
  { name: '32 KiB', lengthsBytes: [32 * KIB - 1, 32 * KIB, 32 * KIB + 1] },
  { name: '256 KiB', lengthsBytes: [256 * KIB - 1, 256 * KIB] },
  { name: '256 KiB and more', lengthsBytes: [256 * KIB + 1, 300_000] },
  { name: '1 MiB', lengthsBytes: [MIB - 1, MIB, MIB + 1] },
  { name: '3 MiB', lengthsBytes: [3 * MIB, 3 * MIB + 12_345] },
];

/** The least that a part which is not the last may hold. */
export const PART_BYTES_MIN = 5 * MIB;
