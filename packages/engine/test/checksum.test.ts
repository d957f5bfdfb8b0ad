/** Sums of records are CRC-32C, whichever way they are made. */

import { crc32c } from '@facet/journal';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { checksumOf } from '../src/lmdb/checksum.ts';

it('of the value in RFC 3720 is its own', () => {
  expect(checksumOf(Buffer.alloc(32), 32, 0)).toBe(0x8a9136aa);
});

it('is the native one of any bytes, of a part of them, and going on from others', () => {
  const bytes = fc.uint8Array({ maxLength: 400 });
  fc.assert(
    fc.property(bytes, bytes, fc.nat({ max: 8 }), (before, data, behind) => {
      const previous = checksumOf(before, before.length, 0);
      const lent = Buffer.concat([data, Buffer.alloc(behind, 1)]);
      expect(checksumOf(lent, data.length, previous)).toBe(crc32c(Buffer.concat([before, data])));
    }),
  );
});
