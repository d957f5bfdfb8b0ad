import { describe, expect, it } from 'vitest';
import { XdrWriter } from '../../src/xdr/writer.ts';

const hexOf = (writer: XdrWriter): string => {
  const bytes = Buffer.concat(writer.pieces);
  expect(bytes.length).toBe(writer.lengthBytes);
  return bytes.toString('hex');
};

describe('writing', () => {
  /** As in RFC 4506 §7. */
  it('gives the example of RFC 4506', () => {
    const writer = new XdrWriter();
    writer.text('sillyprog').int32(2).text('lisp').text('john').opaque(Buffer.from('(quit)'));
    expect(hexOf(writer)).toBe(
      '0000000973696c6c7970726f6700000000000002000000046c697370000000046a6f686e000000062871756974290000',
    );
  });

  it('gives integers at their ends', () => {
    const writer = new XdrWriter().uint32(2 ** 32 - 1).int32(-(2 ** 31));
    writer
      .uint64(2n ** 64n - 1n)
      .uint64(Number.MAX_SAFE_INTEGER)
      .uint64(0)
      .bool(true)
      .bool(false);
    expect(hexOf(writer)).toBe(
      'ffffffff80000000ffffffffffffffff001fffffffffffff00000000000000000000000100000000',
    );
  });

  it('gives arrays, lists and what may be absent', () => {
    const id = (to: XdrWriter, value: number): unknown => to.uint32(value);
    const writer = new XdrWriter().array([7, 8], id).list([9], id).optional(undefined, id).optional(5, id);
    expect(hexOf(writer)).toBe('000000020000000700000008000000010000000900000000000000000000000100000005');
  });

  it('pads with zeros', () => {
    expect(hexOf(new XdrWriter().fixed(Buffer.from('abcde')))).toBe('6162636465000000');
    expect(hexOf(new XdrWriter().opaque(Buffer.alloc(0)))).toBe('00000000');
  });

  it.each<[string, (to: XdrWriter) => unknown]>([
    ['a negative uint32', (to) => to.uint32(-1)],
    ['a uint32 of 33 bits', (to) => to.uint32(2 ** 32)],
    ['an int32 of 32 bits', (to) => to.int32(2 ** 31)],
    ['a uint64 that lost its low bits', (to) => to.uint64(2 ** 53)],
    ['a uint64 with a fraction', (to) => to.uint64(1.5)],
    ['a uint64 of 65 bits', (to) => to.uint64(2n ** 64n)],
    ['pieces that are not as long as told', (to) => to.opaquePieces([Buffer.alloc(3)], 4)],
  ])('refuses %s', (_, write) => {
    expect(() => write(new XdrWriter())).toThrow(RangeError);
  });
});

describe('large data', () => {
  const data = Buffer.alloc(100_001, 'x');

  it('is referenced, not copied', () => {
    const { pieces } = new XdrWriter().uint32(1).opaque(data).uint32(2);
    expect(pieces.map((piece) => piece.length)).toEqual([8, 100_001, 7]);
    expect(pieces[1]?.buffer).toBe(data.buffer);
  });

  it('may lie in pieces of any length', () => {
    const parts = [data.subarray(0, 3), data.subarray(3, 50_000), data.subarray(50_000)];
    const inPieces = new XdrWriter().opaquePieces(parts, data.length).uint32(9);
    expect(hexOf(inPieces)).toBe(hexOf(new XdrWriter().opaque(data).uint32(9)));
  });

  it('of a file that is short is referenced, and copied where it is appended', () => {
    const short = data.subarray(0, 4096);
    const inner = new XdrWriter().opaquePieces([short], short.length).uint32(9);
    expect(inner.pieces.map((piece) => piece.length)).toEqual([4, 4096, 4]);
    expect(inner.pieces[1]?.buffer).toBe(data.buffer);
    const outer = new XdrWriter(8192).append(inner);
    expect(outer.pieces.map((piece) => piece.length)).toEqual([4104]);
    expect(hexOf(outer)).toBe(hexOf(inner));
  });

  it('is referenced through an append as well', () => {
    const inner = new XdrWriter().uint32(1).opaque(data).uint32(2);
    const outer = new XdrWriter().uint32(0).append(inner).uint32(3);
    expect(hexOf(outer)).toBe(`00000000${hexOf(inner)}00000003`);
    expect(outer.pieces.some((piece) => piece.buffer === data.buffer)).toBe(true);
  });
});

describe('a reserved number', () => {
  it('is set later, also when the chunk it lies in is full', () => {
    const writer = new XdrWriter(16).uint32(1);
    const count = writer.reserve();
    for (let i = 0; i < 100; i += 1) writer.uint32(i);
    writer.opaque(Buffer.alloc(10_000));
    count.set(100);
    expect(hexOf(writer).slice(0, 24)).toBe('000000010000006400000000');
  });

  it('is zero until then', () => {
    const writer = new XdrWriter();
    writer.reserve();
    expect(hexOf(writer)).toBe('00000000');
  });
});

describe('memory that was written from', () => {
  it('is released once, with that of what was appended', () => {
    const released: string[] = [];
    const inner = new XdrWriter().uint32(1).afterUse(() => released.push('inner'));
    const outer = new XdrWriter().afterUse(() => released.push('outer')).append(inner);
    expect(released).toEqual([]);
    outer.release();
    outer.release();
    expect(released).toEqual(['outer', 'inner']);
  });
});
