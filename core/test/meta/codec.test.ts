import { expect, it } from 'vitest';
import { Reader, Writer } from '../../src/meta/codec.ts';

const TEXT = { 1: (field: Reader, into: string[]) => into.push(field.rest().toString()) };

function read(bytes: Buffer, readers: Readonly<Record<number, (field: Reader, into: string[]) => void>>) {
  const into: string[] = [];
  const reader = new Reader(bytes);
  reader.fields(readers, into);
  return { into, remaining: reader.remaining };
}

const field = (tag: number, text: string) => (writer: Writer) =>
  writer.field(tag, (inner) => inner.raw(Buffer.from(text)));
function fields(...writes: ((writer: Writer) => Writer)[]): Buffer {
  const writer = new Writer();
  for (const write of writes) write(writer);
  return writer.done();
}

it('a field ends where its length says, and those of unknown tags are skipped', () => {
  const bytes = fields(field(1, 'one'), field(9, 'unknown'), field(1, ''), field(1, 'two'));
  expect(read(bytes, TEXT)).toEqual({ into: ['one', '', 'two'], remaining: 0 });
});

it('a reader of a field can not read into the next one', () => {
  const bytes = fields(field(2, 'abc'), field(1, 'next'));
  const greedy = { 2: (inner: Reader, into: string[]) => into.push(inner.raw(4).toString()) };
  expect(() => read(bytes, greedy)).toThrow('ends too early');
});

it('what a reader leaves of its field is not taken for the next one', () => {
  const bytes = fields(field(2, 'abc'), field(1, 'next'));
  const lazy = { ...TEXT, 2: (inner: Reader, into: string[]) => into.push(inner.raw(1).toString()) };
  expect(read(bytes, lazy)).toEqual({ into: ['a', 'next'], remaining: 0 });
});

it('a field longer than the value is refused', () => {
  const bytes = fields(field(1, 'cut off'));
  for (let length = 1; length < bytes.length; length++)
    expect(() => read(bytes.subarray(0, length), TEXT)).toThrow('ends too early');
});

it('64 bits are read as they were written', () => {
  for (const value of [
    0n,
    1n,
    0xffff_ffffn,
    1n << 32n,
    0x8000_0000_0000_0000n,
    (1n << 64n) - 1n,
    1719_234_567_890_123_456n,
  ]) {
    const bytes = new Writer().u8(7).bigU64(value).done();
    const reader = new Reader(bytes);
    reader.u8();
    expect(reader.bigU64()).toBe(value);
    expect(reader.remaining).toBe(0);
  }
});
