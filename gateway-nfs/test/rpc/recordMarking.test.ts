import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryPool } from '../../src/rpc/memory.ts';
import { RecordError, RecordReader, recordMark, type TakeMemory } from '../../src/rpc/recordMarking.ts';

const BOUNDS = { recordBytesMax: 100_000, fragmentsMax: 8 };

interface Fragment {
  readonly bytes: Buffer;
  readonly isLast: boolean;
}

function encode({ bytes, isLast }: Fragment): Buffer {
  const mark = Buffer.alloc(4);
  mark.writeUInt32BE(isLast ? recordMark(bytes.length) : bytes.length);
  return Buffer.concat([mark, bytes]);
}

/** Cuts a record into fragments of these lengths, and what is left. */
function fragmentsOf(record: Buffer, lengths: readonly number[]): Buffer {
  const fragments: Fragment[] = [];
  let at = 0;
  for (const length of lengths) {
    fragments.push({ bytes: record.subarray(at, at + length), isLast: false });
    at = Math.min(at + length, record.length);
  }
  fragments.push({ bytes: record.subarray(at), isLast: true });
  return Buffer.concat(fragments.map(encode));
}

function readAll(chunks: readonly Buffer[], take: TakeMemory = () => true): Buffer[] {
  const reader = new RecordReader(BOUNDS, take);
  const records: Buffer[] = [];
  for (const chunk of chunks) {
    reader.push(chunk);
    for (let next = reader.next(); next.kind !== 'more'; next = reader.next()) {
      if (next.kind === 'record') records.push(next.bytes);
    }
  }
  return records;
}

function cut(bytes: Buffer, lengths: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  let at = 0;
  for (const length of lengths) {
    if (at >= bytes.length) break;
    chunks.push(bytes.subarray(at, at + length));
    at += length;
  }
  if (at < bytes.length) chunks.push(bytes.subarray(at));
  return chunks;
}

const mark = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

describe('records', () => {
  it('of one fragment in one chunk are views of it', () => {
    const chunk = encode({ bytes: Buffer.from('abcd'), isLast: true });
    const [record] = readAll([chunk], () => false);
    chunk.write('x', 4);
    expect(record?.toString()).toBe('xbcd');
  });

  it('come through whatever fragments and chunks they are cut into', () => {
    const record = fc
      .tuple(
        fc.uint8Array({ maxLength: 3000, size: 'max' }),
        fc.array(fc.oneof(fc.constant(0), fc.nat(2000)), { maxLength: 7 }),
      )
      .map(([bytes, lengths]) => ({ bytes: Buffer.from(bytes), lengths }));
    const cuts = fc.array(fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 4000 })));
    fc.assert(
      fc.property(fc.array(record, { maxLength: 6 }), cuts, (records, lengths) => {
        const wire = Buffer.concat(records.map(({ bytes, lengths: each }) => fragmentsOf(bytes, each)));
        expect(readAll(cut(wire, lengths))).toEqual(records.map(({ bytes }) => bytes));
      }),
    );
  });

  it('may hold fragments of length 0', () => {
    const empty = { bytes: Buffer.alloc(0), isLast: false };
    const wire = [empty, { bytes: Buffer.from('ab'), isLast: false }, empty, { ...empty, isLast: true }];
    expect(readAll([Buffer.concat(wire.map(encode))])).toEqual([Buffer.from('ab')]);
    expect(readAll([encode({ ...empty, isLast: true })])).toEqual([Buffer.alloc(0)]);
  });

  it.each([
    ['one fragment over the bound', recordMark(100_001)],
    ['the longest there is', 0xffff_ffff],
    ['a first fragment over the bound', 0x7fff_ffff],
  ])('%s is refused at its mark', (_, value) => {
    expect(() => readAll([mark(value)])).toThrow(RecordError);
    expect(() => readAll(cut(mark(value), [1, 1, 1]))).toThrow(RecordError);
  });

  it('fragments that together pass the bound are refused', () => {
    const half = encode({ bytes: Buffer.alloc(50_001), isLast: false });
    expect(() => readAll([half, half])).toThrow(RecordError);
    expect(() => readAll([half, mark(recordMark(50_000))])).toThrow(RecordError);
    expect(readAll([half, mark(recordMark(49_999))])).toEqual([]);
  });

  it('more fragments than the bound are refused, however short', () => {
    const reader = new RecordReader(BOUNDS, () => true);
    reader.push(Buffer.alloc(4 * BOUNDS.fragmentsMax));
    expect(reader.next().kind).toBe('more');
    reader.push(Buffer.alloc(4));
    expect(() => reader.next()).toThrow(RecordError);
  });
});

describe('memory', () => {
  /** Counts what is taken, up to a bound. */
  function bounded(bytesMax: number): { taken: number; take: TakeMemory } {
    const memory = {
      taken: 0,
      take: (lengthBytes: number): boolean => {
        if (memory.taken + lengthBytes > bytesMax) return false;
        memory.taken += lengthBytes;
        return true;
      },
    };
    return memory;
  }

  it('is taken for what came, not for what was announced', () => {
    const memory = bounded(1 << 20);
    const reader = new RecordReader(BOUNDS, memory.take);
    reader.push(mark(recordMark(100_000)));
    expect(reader.next().kind).toBe('more');
    expect(memory.taken).toBe(0);
    reader.push(Buffer.alloc(1));
    expect(reader.next().kind).toBe('more');
    expect(memory.taken).toBe(4096);
    reader.push(Buffer.alloc(5000));
    expect(reader.next().kind).toBe('more');
    expect(memory.taken).toBe(5001 * 4);
    reader.push(Buffer.alloc(80_000));
    expect(reader.next().kind).toBe('more');
    // Never more than the record needs.
    expect(memory.taken).toBe(100_000);
    reader.push(Buffer.alloc(14_999));
    expect(reader.next()).toMatchObject({ kind: 'record', takenBytes: 100_000 });
  });

  it('that is missing is waited for, and nothing is lost', () => {
    const memory = bounded(4096);
    const reader = new RecordReader(BOUNDS, memory.take);
    const record = Buffer.from(Array.from({ length: 10_000 }, (_, i) => i % 251));
    const wire = encode({ bytes: record, isLast: true });
    reader.push(wire.subarray(0, 1000));
    expect(reader.next().kind).toBe('more');
    reader.push(wire.subarray(1000));
    expect(reader.next().kind).toBe('starved');
    expect(reader.next().kind).toBe('starved');
    memory.taken = -10_000;
    const next = reader.next();
    expect(next.kind === 'record' && next.bytes.equals(record)).toBe(true);
    expect(reader.next().kind).toBe('more');
  });
});

describe('memory of a pool', () => {
  const bounds = { recordBytesMax: 1 << 20, fragmentsMax: 8 };
  const wireOf = (fill: string): Buffer => encode({ bytes: Buffer.alloc(300_000, fill), isLast: true });
  const recordOf = (reader: RecordReader, chunks: readonly Buffer[]) => {
    for (const chunk of chunks) {
      reader.push(chunk);
      const next = reader.next();
      if (next.kind === 'record') return next;
    }
    throw new Error('no record came');
  };

  it('is used for a long record, also when it lies within one chunk, and again when it was given back', () => {
    const pool = new MemoryPool();
    const reader = new RecordReader(bounds, () => true, pool);
    const first = recordOf(reader, cut(wireOf('a'), [70_000, 70_000, 70_000]));
    const second = recordOf(reader, [wireOf('b')]);
    expect([first.bytes.toString(), second.bytes.toString()]).toEqual([
      'a'.repeat(300_000),
      'b'.repeat(300_000),
    ]);
    expect(first.memory?.buffer).toBe(first.bytes.buffer);
    expect(second.memory?.buffer).not.toBe(first.memory?.buffer);
    if (first.memory) pool.give(first.memory);
    expect(recordOf(reader, [wireOf('c')]).memory?.buffer).toBe(first.memory?.buffer);
    expect(second.bytes.toString()).toBe('b'.repeat(300_000));
  });

  it('is not what short records lie in', () => {
    const reader = new RecordReader(bounds, () => true, new MemoryPool());
    const wire = encode({ bytes: Buffer.alloc(10_000), isLast: true });
    expect(recordOf(reader, [wire.subarray(0, 5000), wire.subarray(5000)])).not.toHaveProperty('memory');
  });

  it('of a chunk may be used for others once the rest is kept', () => {
    const reader = new RecordReader(BOUNDS, () => true);
    const chunk = Buffer.concat(
      ['one', 'two'].map((text) => encode({ bytes: Buffer.from(text), isLast: true })),
    );
    reader.push(chunk);
    reader.next();
    reader.keep();
    expect(reader.keptBytes).toBe(7);
    chunk.fill(0);
    expect(reader.next()).toMatchObject({ kind: 'record', bytes: Buffer.from('two') });
    expect(reader.next().kind).toBe('more');
  });
});

describe('hostile bytes', () => {
  it('end in records, in waiting for more, or in a RecordError', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.array(fc.integer({ min: 1, max: 40 })),
        (bytes, cuts) => {
          try {
            readAll(cut(Buffer.from(bytes), cuts));
          } catch (error) {
            expect(error).toBeInstanceOf(RecordError);
          }
        },
      ),
    );
  });
});
