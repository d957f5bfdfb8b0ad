/** Numbers in bytes, against what Buffer makes of them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { getU32, getU64, putU32, putU64 } from '../../src/meta/bigEndian.ts';

const AT = 3;

describe('32 bits', () => {
  it('are what Buffer writes and reads', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), (value) => {
        const [ours, buffers] = [Buffer.alloc(12, 0xee), Buffer.alloc(12, 0xee)];
        putU32(ours, value, AT);
        buffers.writeUInt32BE(value, AT);
        expect(ours).toEqual(buffers);
        expect(getU32(buffers, AT)).toBe(value);
      }),
    );
  });

  it.each([-1, 2 ** 32, Number.NaN, -(2 ** 31)])('%d does not fit', (value) => {
    expect(() => putU32(Buffer.alloc(4), value, 0)).toThrow(RangeError);
  });
});

describe('64 bits', () => {
  it('are what Buffer writes and reads', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        const [ours, buffers] = [Buffer.alloc(16, 0xee), Buffer.alloc(16, 0xee)];
        putU64(ours, value, AT);
        buffers.writeBigUInt64BE(BigInt(value), AT);
        expect(ours).toEqual(buffers);
        expect(getU64(buffers, AT)).toBe(value);
      }),
    );
  });

  it('that are no safe number read as one that is none', () => {
    expect(Number.isSafeInteger(getU64(Buffer.alloc(8, 0xff), 0))).toBe(false);
  });

  it.each([-1, 2 ** 64, Number.NaN])('%d does not fit', (value) => {
    expect(() => putU64(Buffer.alloc(8), value, 0)).toThrow(RangeError);
  });
});
