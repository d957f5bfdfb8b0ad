import { createHash, randomBytes, randomInt } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { LANES, MD5_BYTES, Md5Lanes, Md5Message, PAGE_BYTES } from '../../../src/hashing/md5/md5Lanes.ts';

const PAGES = 64;

function world() {
  const memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES, shared: true });
  return { lanes: new Md5Lanes(memory), bytes: new Uint8Array(memory.buffer) };
}

const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('hex');

describe('one message', () => {
  test.each([
    ['', 'd41d8cd98f00b204e9800998ecf8427e'],
    ['a', '0cc175b9c0f1b6a831c399e269772661'],
    ['abc', '900150983cd24fb0d6963f7d28e17f72'],
    ['message digest', 'f96b697d7cb7938d525a2f31aaf161d0'],
    ['abcdefghijklmnopqrstuvwxyz', 'c3fcd3d76192e4007dfb496cca67e13b'],
    ['ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', 'd174ab98d277d9f5a5611c2c9f419d9f'],
    ['1234567890'.repeat(8), '57edf4a22be3c955ac49da2e2107b67a'],
  ])('%o, of RFC 1321', (text, digest) => {
    const { lanes, bytes } = world();
    const message = new Md5Message();
    bytes.set(Buffer.from(text), MD5_BYTES);
    lanes.update([{ message, address: MD5_BYTES, lengthBytes: text.length }]);
    expect(lanes.digest(message).toString('hex')).toBe(digest);
  });

  test('of each length about the bounds of blocks, in two pieces', () => {
    const { lanes, bytes } = world();
    for (let lengthBytes = 0; lengthBytes <= 200; lengthBytes += 1) {
      const all = randomBytes(lengthBytes);
      const first = randomInt(lengthBytes + 1);
      const message = new Md5Message();
      bytes.set(all, MD5_BYTES + 3);
      lanes.update([{ message, address: MD5_BYTES + 3, lengthBytes: first }]);
      lanes.update([{ message, address: MD5_BYTES + 3 + first, lengthBytes: lengthBytes - first }]);
      expect([lengthBytes, first, lanes.digest(message).toString('hex')]).toEqual([
        lengthBytes,
        first,
        md5(all),
      ]);
    }
  });
});

test.each(Array.from({ length: 2 * LANES + 1 }, (_, n) => n + 1))(
  '%i messages at once, each of a length of its own, in pieces of any',
  (count) => {
    const { lanes, bytes } = world();
    const pieceMax = Math.floor((PAGES * PAGE_BYTES - MD5_BYTES) / count);
    const messages = Array.from({ length: count }, () => ({
      message: new Md5Message(),
      all: randomBytes(randomInt(1, 3 * pieceMax)),
      taken: 0,
    }));
    let under = messages;
    while (under.length > 0) {
      const pieces = under.map((one, at) => {
        const lengthBytes = randomInt(Math.min(pieceMax, one.all.length - one.taken) + 1);
        const address = MD5_BYTES + at * pieceMax;
        bytes.set(one.all.subarray(one.taken, one.taken + lengthBytes), address);
        one.taken += lengthBytes;
        return { message: one.message, address, lengthBytes };
      });
      lanes.update(pieces);
      under = under.filter(({ all, taken }) => taken < all.length);
    }
    expect(messages.map(({ message }) => lanes.digest(message).toString('hex'))).toEqual(
      messages.map(({ all }) => md5(all)),
    );
  },
);
