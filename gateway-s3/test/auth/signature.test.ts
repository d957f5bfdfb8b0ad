import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sameSignature, sign } from '../../src/auth/signature.ts';

describe('sign', () => {
  test('is HMAC-SHA-256, whatever was signed before, with which key, of what length', () => {
    const keys = [1, 2, 3].map((byte) => Buffer.alloc(32, byte));
    const ascii = fc.string({ unit: 'binary-ascii', maxLength: 300 });
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(...keys), ascii), { maxLength: 20 }), (signings) => {
        for (const [key, text] of signings) {
          expect(sign(key, text)).toBe(createHmac('sha256', key).update(text).digest('hex'));
        }
      }),
    );
  });

  test('takes keys of every length up to a block, and no longer one', () => {
    for (let length = 0; length <= 64; length++) {
      const key = Buffer.alloc(length, 0xa5);
      expect(sign(key, 'text')).toBe(createHmac('sha256', key).update('text').digest('hex'));
    }
    expect(() => sign(Buffer.alloc(65), 'text')).toThrow(/longer key/);
  });

  test('leaves the key as it was', () => {
    const key = Buffer.alloc(32, 7);
    sign(key, 'text');
    expect(key).toEqual(Buffer.alloc(32, 7));
  });
});

describe('sameSignature', () => {
  const one = sign(Buffer.alloc(32), 'one');
  const two = sign(Buffer.alloc(32), 'two');

  test('tells one from another at every place', () => {
    expect(sameSignature(one, one)).toBe(true);
    expect(sameSignature(one, two)).toBe(false);
    for (let at = 0; at < 64; at++) {
      const other = one[at] === '0' ? '1' : '0';
      expect(sameSignature(one, one.slice(0, at) + other + one.slice(at + 1))).toBe(false);
    }
    expect(sameSignature(two, two)).toBe(true);
  });

  // What the last comparison left behind must not fill up a shorter one.
  test.each(['', one.slice(0, 63), `${one}0`, `${one}${one}`])('%j is no signature at all', (given) => {
    expect(sameSignature(one, one)).toBe(true);
    expect(sameSignature(one, given)).toBe(false);
    expect(sameSignature(given, given)).toBe(false);
  });
});
