import assert from 'node:assert/strict';
import { type S3Client, type S3ClientConfig, S3ServiceException } from '@aws-sdk/client-s3';

export interface World {
  readonly s3: S3Client;
  readonly Bucket: string;
  /** Another client of the same account, with a setting that is not the default. */
  makeClient(more: S3ClientConfig): S3Client;
  /** The server's certificate, over TLS. */
  readonly ca: Buffer | undefined;
}

/** That the client was told just that. */
export async function refused(
  run: Promise<unknown>,
  expected: { status: number; name: string },
): Promise<void> {
  await assert.rejects(run, (error) => {
    assert.ok(error instanceof S3ServiceException, String(error));
    assert.deepEqual({ status: error.$metadata.httpStatusCode, name: error.name }, expected);
    return true;
  });
}

/** Pieces of bytes that differ from each other, so that lost or swapped ones show. */
export function* bytePieces(lengthBytes: number, pieceBytes: number): Generator<Buffer> {
  for (let at = 0; at < lengthBytes; at += pieceBytes) {
    const piece = Buffer.alloc(Math.min(pieceBytes, lengthBytes - at));
    for (let index = 0; index < piece.length; index += 4096) piece.writeUInt8((at + index) % 251, index);
    yield piece;
  }
}
