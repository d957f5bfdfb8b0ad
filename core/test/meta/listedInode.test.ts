/** What was stored of an inode is read back, and what a listing reads of it is what the whole of it says. */

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { cookie, inodeId, timestamp } from '../../src/ids.ts';
import { decodeInode, decodeListedInode, encodeInode, type Inode } from '../../src/meta/records/inode.ts';

const number = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const big = fc.maxSafeNat();
const id = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const time = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }).map(timestamp);

const inodes: fc.Arbitrary<Inode> = fc.record(
  {
    type: fc.constantFrom('file', 'symlink', 'fifo'),
    mode: fc.integer({ min: 0, max: 0o7777 }),
    uid: number,
    gid: number,
    nlink: number,
    sizeBytes: big,
    atime: time,
    mtime: time,
    ctime: time,
    generation: number,
    change: big,
    dataVersion: big,
    body: fc.constantFrom({ kind: 'empty' }, { kind: 'inline' }),
    place: fc.record({ parent: id.map(inodeId), cookie: id.map(cookie) }),
    etag: fc.record({
      parts: fc.integer({ min: 0, max: 10_000 }),
      digest: fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes)),
    }),
    storageClass: fc.constantFrom('STANDARD', 'GLACIER'),
    checksum: fc.constant({ algorithm: 'CRC64NVME', type: 'FULL_OBJECT' }),
    device: fc.record({ major: number, minor: number }),
    createVerifier: fc.uint8Array({ minLength: 8, maxLength: 8 }).map((bytes) => Buffer.from(bytes)),
    object: fc.uint8Array({ minLength: 1, maxLength: 500 }).map((bytes) => Buffer.from(bytes)),
  },
  {
    requiredKeys: [
      'type',
      'mode',
      'uid',
      'gid',
      'nlink',
      'sizeBytes',
      'atime',
      'mtime',
      'ctime',
      'generation',
      'change',
      'dataVersion',
      'body',
      'place',
    ],
  },
);

it('is what the whole says', () => {
  fc.assert(
    fc.property(inodes, (inode) => {
      const stored = encodeInode(inode);
      expect(decodeInode(stored)).toEqual(inode);
      const { sizeBytes, mtime, generation, dataVersion, etag, storageClass, checksum } = decodeInode(stored);
      const told = { sizeBytes, mtime, generation, dataVersion, etag, storageClass, checksum };
      expect(decodeListedInode(stored)).toEqual(told);
    }),
  );
});
