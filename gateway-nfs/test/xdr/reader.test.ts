import { describe, expect, it } from 'vitest';
import { XdrError } from '../../src/xdr/error.ts';
import { type Read, XdrReader } from '../../src/xdr/reader.ts';

const reader = (hex: string): XdrReader => new XdrReader(Buffer.from(hex.replaceAll(' ', ''), 'hex'));

describe('reading', () => {
  it('takes integers at their ends', () => {
    const numbers = reader('00000000 ffffffff 80000000 7fffffff ffffffff');
    expect([numbers.uint32(), numbers.uint32()]).toEqual([0, 2 ** 32 - 1]);
    expect([numbers.int32(), numbers.int32(), numbers.int32()]).toEqual([-(2 ** 31), 2 ** 31 - 1, -1]);
    expect(reader('ffffffff ffffffff').uint64()).toBe(2n ** 64n - 1n);
    expect(reader('00000001 00000002').uint64()).toBe(2n ** 32n + 2n);
  });

  /** The file of RFC 4506 §7: name "sillyprog", kind EXEC with interpreter "lisp", owner "john", 6 bytes "(quit)". */
  it('takes the example of RFC 4506', () => {
    const file = reader(
      '00000009 73696c6c 7970726f 67000000 00000002 00000004 6c697370 00000004 6a6f686e 00000006 28717569 74290000',
    );
    const kinds = new Map<number, Read<object>>([
      [0, () => ({ kind: 'text' })],
      [1, (from) => ({ kind: 'data', creator: from.text(255) })],
      [2, (from) => ({ kind: 'exec', interpreter: from.text(255) })],
    ]);
    expect(file.text(255)).toBe('sillyprog');
    expect(file.choose(kinds)).toEqual({ kind: 'exec', interpreter: 'lisp' });
    expect(file.text(32)).toBe('john');
    expect(file.opaque(65535).toString()).toBe('(quit)');
    file.end();
  });

  it('gives views, not copies', () => {
    const bytes = Buffer.from('0000000361626300', 'hex');
    const view = new XdrReader(bytes).opaque(3);
    bytes.write('x', 4);
    expect(view.toString()).toBe('xbc');
  });

  it('takes arrays, lists and what may be absent', () => {
    const ids = (from: XdrReader): number => from.uint32();
    expect(reader('00000002 00000007 00000008').array(2, ids)).toEqual([7, 8]);
    expect(reader('00000001 00000007 00000001 00000008 00000000').list(2, ids)).toEqual([7, 8]);
    expect(reader('00000000').optional(ids)).toBeUndefined();
    expect(reader('00000001 00000009').optional(ids)).toBe(9);
  });

  it('does not look into the padding', () => {
    const padded = reader('00000001 61ffffff 00000005');
    expect(padded.opaque(1).toString()).toBe('a');
    expect(padded.uint32()).toBe(5);
  });
});

describe('refusing', () => {
  it.each<[string, string, (from: XdrReader) => unknown]>([
    ['an integer cut short', '000000', (from) => from.uint32()],
    ['a long one cut short', '00000000 000000', (from) => from.uint64()],
    ['a bool of 2', '00000002', (from) => from.bool()],
    ['a length over its bound', '00000005 6162636465000000', (from) => from.opaque(4)],
    ['a length over what is there', '00000008 61626364', (from) => from.opaque(100)],
    ['the greatest length', 'ffffffff 61626364', (from) => from.opaque(2 ** 32)],
    ['missing padding', '00000001 61', (from) => from.opaque(1)],
    ['fixed data cut short', '616263', (from) => from.fixed(3)],
    ['text that is not UTF-8', '00000002 c3280000', (from) => from.text(10)],
    ['a count over its bound', '00000003', (from) => from.array(2, (each) => each.uint32())],
    ['a count over what is there', '7fffffff 00000000', (from) => from.array(2 ** 31, () => 0)],
    ['a list over its bound', '00000001 00000001 00000001', (from) => from.list(2, () => 0)],
    ['a list without an end', '00000001 00000007', (from) => from.list(9, (each) => each.uint32())],
    ['a choice that is none', '00000003', (from) => from.choose(new Map([[1, () => 1]]))],
    ['bytes that are left', '00000000', (from) => from.end()],
  ])('%s', (_, hex, read) => {
    expect(() => read(reader(hex))).toThrow(XdrError);
  });
});
