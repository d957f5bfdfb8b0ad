/** What is written is read again, whatever it is; and whatever bytes come, reading ends with a value or an XdrError. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { XdrError } from '../../src/xdr/error.ts';
import { XdrReader } from '../../src/xdr/reader.ts';
import { XdrWriter } from '../../src/xdr/writer.ts';

interface Item {
  write(writer: XdrWriter): unknown;
  read(reader: XdrReader): unknown;
  readonly expected: unknown;
}

const LENGTH_MAX = 20_000;

const bytes = fc
  .oneof(fc.uint8Array({ maxLength: 9 }), fc.uint8Array({ size: 'max', maxLength: LENGTH_MAX }))
  .map((array) => Buffer.from(array));

const leaf: fc.Arbitrary<Item> = fc.oneof(
  fc
    .nat(2 ** 32 - 1)
    .map((n): Item => ({ write: (to) => to.uint32(n), read: (from) => from.uint32(), expected: n })),
  fc.integer().map((n): Item => ({ write: (to) => to.int32(n), read: (from) => from.int32(), expected: n })),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(
    (n): Item => ({
      write: (to) => to.uint64(n),
      read: (from) => from.uint64(),
      expected: n,
    }),
  ),
  fc.maxSafeNat().map(
    (n): Item => ({
      write: (to) => to.uint64(n),
      read: (from) => from.uint64(),
      expected: BigInt(n),
    }),
  ),
  fc.boolean().map((b): Item => ({ write: (to) => to.bool(b), read: (from) => from.bool(), expected: b })),
  fc.string({ unit: 'grapheme', maxLength: 40 }).map(
    (text): Item => ({
      write: (to) => to.text(text),
      read: (from) => from.text(LENGTH_MAX),
      expected: text,
    }),
  ),
  bytes.map(
    (data): Item => ({
      write: (to) => to.opaque(data),
      read: (from) => from.opaque(LENGTH_MAX),
      expected: data,
    }),
  ),
  bytes.map(
    (data): Item => ({
      write: (to) => to.fixed(data),
      read: (from) => from.fixed(data.length),
      expected: data,
    }),
  ),
  fc.array(bytes, { maxLength: 4 }).map((parts): Item => {
    const whole = Buffer.concat(parts);
    return {
      write: (to) => to.opaquePieces(parts, whole.length),
      read: (from) => from.opaque(4 * LENGTH_MAX),
      expected: whole,
    };
  }),
);

const item: fc.Arbitrary<Item> = fc.oneof(
  { weight: 4, arbitrary: leaf },
  fc.array(fc.nat(), { maxLength: 8 }).map(
    (ids): Item => ({
      write: (to) => to.array(ids, (each, id) => each.uint32(id)),
      read: (from) => from.array(8, (each) => each.uint32()),
      expected: ids,
    }),
  ),
  fc.array(leaf, { maxLength: 5 }).map((items): Item => {
    let at = 0;
    return {
      write: (to) => to.list(items, (each, one) => one.write(each)),
      read: (from) => {
        at = 0;
        return from.list(5, (each) => items[at++]?.read(each));
      },
      expected: items.map(({ expected }) => expected),
    };
  }),
  fc.option(leaf, { nil: undefined }).map(
    (inner): Item => ({
      write: (to) => to.optional(inner, (each, one) => one.write(each)),
      read: (from) => from.optional((each) => inner?.read(each)),
      expected: inner?.expected,
    }),
  ),
);

describe('any items', () => {
  it('are read as they were written', () => {
    fc.assert(
      fc.property(
        fc.array(item, { maxLength: 12 }),
        fc.integer({ min: 1, max: 600 }),
        (items, chunkBytes) => {
          const inner = new XdrWriter(chunkBytes);
          for (const one of items) one.write(inner);
          const outer = new XdrWriter(chunkBytes).append(inner);
          const whole = Buffer.concat(outer.pieces);
          expect(whole.length).toBe(inner.lengthBytes);
          expect(whole.length % 4).toBe(0);
          const reader = new XdrReader(whole);
          for (const one of items) expect(one.read(reader)).toEqual(one.expected);
          reader.end();
        },
      ),
    );
  });

  it('are refused when cut short anywhere', () => {
    fc.assert(
      fc.property(item, fc.nat(), (one, seed) => {
        const writer = new XdrWriter();
        one.write(writer);
        const whole = Buffer.concat(writer.pieces);
        fc.pre(whole.length > 0);
        const reader = new XdrReader(whole.subarray(0, seed % whole.length));
        expect(() => one.read(reader)).toThrow(XdrError);
      }),
    );
  });

  it('read from random bytes, end in a value or an XdrError', () => {
    fc.assert(
      fc.property(item, fc.uint8Array({ maxLength: 64 }), (one, noise) => {
        try {
          one.read(new XdrReader(Buffer.from(noise)));
        } catch (error) {
          expect(error).toBeInstanceOf(XdrError);
        }
      }),
    );
  });
});
