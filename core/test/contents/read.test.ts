import { containerId, ExtentError, type ExtentErrorCode } from '@facet/extents';
import { expect, it } from 'vitest';
import { readAll, readPieces } from '../../src/contents/read.ts';
import { Scratch } from '../../src/contents/scratch.ts';

const location = { store: 0, container: containerId(1), offset: 64, length: 1000 };
const piece = { kind: 'extent', location, start: 100, lengthBytes: 500 } as const;

/** One small piece of an extent, and what was asked of the store for it. */
function reading(answer: () => Promise<Buffer>) {
  const asked: { start: number; length: number }[] = [];
  const read = (slice: { start: number; length: number }) => {
    asked.push({ start: slice.start, length: slice.length });
    return answer();
  };
  const extents = { read } as unknown as Parameters<typeof readPieces>[0]['extents'];
  return { pieces: readPieces({ extents }, [piece], { start: 7, lengthBytes: 20 }), asked };
}

it('a small piece is read once, when it is asked for', async () => {
  const bytes = Buffer.alloc(20, 'x');
  const { pieces, asked } = reading(async () => bytes);
  expect(asked).toEqual([]);
  expect(await pieces.next()).toEqual({ done: false, value: bytes });
  expect(asked).toEqual([{ start: 107, length: 20 }]);
  expect(await pieces.next()).toEqual({ done: true, value: undefined });
  expect(asked.length).toBe(1);
});

it('a small piece is not read after its reader gave up', async () => {
  const bytes = Buffer.alloc(20, 'x');
  const returned = reading(async () => bytes);
  expect(await returned.pieces.return(undefined)).toEqual({ done: true, value: undefined });
  expect(await returned.pieces.next()).toEqual({ done: true, value: undefined });
  const thrown = reading(async () => bytes);
  await expect(thrown.pieces.throw(new Error('enough'))).rejects.toThrow('enough');
  expect(await thrown.pieces.next()).toEqual({ done: true, value: undefined });
  const disposed = reading(async () => bytes);
  {
    await using _ = disposed.pieces;
  }
  expect(await disposed.pieces.next()).toEqual({ done: true, value: undefined });
  expect([...returned.asked, ...thrown.asked, ...disposed.asked]).toEqual([]);
});

it.each([
  ['Corrupt', 'Corrupt'],
  ['Missing', 'Corrupt'],
  ['Failed', 'Failed'],
  ['Closed', 'Closed'],
] as const)('a small piece that is %s is an FsError %s, and the end', async (code: ExtentErrorCode, told) => {
  const { pieces, asked } = reading(async () => {
    throw new ExtentError(code, 'no');
  });
  await expect(pieces.next()).rejects.toMatchObject({ name: 'FsError', code: told });
  expect(await pieces.next()).toEqual({ done: true, value: undefined });
  expect(asked.length).toBe(1);
});

it('a reader that gives up in the middle of a read waits for its end: only then is the pin let go', async () => {
  const { promise, resolve } = Promise.withResolvers<Buffer>();
  const { pieces } = reading(() => promise);
  const order: string[] = [];
  const piece = pieces.next().then(() => order.push('read'));
  const ended = pieces.return(undefined).then(() => order.push('ended'));
  for (let turn = 0; turn < 3; turn++) await new Promise((next) => setImmediate(next));
  expect(order).toEqual([]);
  resolve(Buffer.alloc(20));
  await Promise.all([piece, ended]);
  expect(order.sort()).toEqual(['ended', 'read']);
});

/** Reads from a store whose byte at `at` of any extent is `at % 251`, with blocks of 64 bytes around what is asked. */
function readingInto(pieces: Parameters<typeof readAll>[1], into: Buffer) {
  const read = async ({ start, length, into: memory }: { start: number; length: number; into?: Buffer }) => {
    const [from, to] = [Math.floor(start / 64) * 64, Math.ceil((start + length) / 64) * 64];
    const room = memory && memory.length >= to - from ? memory : Buffer.alloc(to - from);
    for (let at = from; at < to; at += 1) room[at - from] = at % 251;
    return room.subarray(start - from, start - from + length);
  };
  return readAll({ read } as unknown as Parameters<typeof readAll>[0], pieces, into);
}

it('all pieces of a read lie in the memory given as far as it goes, and do not overlap', async () => {
  const extent = (start: number, lengthBytes: number) => ({ ...piece, start, lengthBytes });
  const bytes = Buffer.from('inline');
  const pieces = [
    extent(3, 100),
    { kind: 'bytes', bytes, lengthBytes: 6 } as const,
    extent(130, 70),
    { kind: 'hole', lengthBytes: 10 } as const,
    extent(700, 200),
  ];
  const memory = Buffer.alloc(400);
  const got = await readingInto(pieces, memory);
  const run = (start: number, length: number) =>
    Buffer.from(Array.from({ length }, (_, i) => (start + i) % 251));
  expect(Buffer.concat(got)).toEqual(
    Buffer.concat([run(3, 100), bytes, run(130, 70), Buffer.alloc(10), run(700, 200)]),
  );
  // The last has no room any more.
  expect(got.map((one) => one.buffer === memory.buffer)).toEqual([true, false, true, false, false]);
});

it('memory that a small piece was read into is for the next reader when its own is done, and not before', async () => {
  const scratch = new Scratch();
  const memories: (Buffer | undefined)[] = [];
  const answers: (() => Promise<Buffer>)[] = [];
  const read = async ({ into }: { into?: Buffer }) => {
    memories.push(into);
    await answers.shift()?.();
    return into?.subarray(0, 20) ?? Buffer.alloc(20);
  };
  const extents = { read } as unknown as Parameters<typeof readPieces>[0]['extents'];
  const reader = () => readPieces({ extents, scratch }, [piece], { start: 7, lengthBytes: 20 });

  const first = reader();
  await first.next();
  const beside = reader();
  await beside.next();
  await first.return(undefined);
  const failing = reader();
  answers.push(() => Promise.reject(new ExtentError('Failed', 'no')));
  await expect(failing.next()).rejects.toMatchObject({ code: 'Failed' });
  const next = reader();
  await next.next();
  // It gave back at once, and does not again.
  await failing.return(undefined);
  const last = reader();
  await last.next();
  // Of each the place of its first use.
  expect(memories.map((memory) => memories.indexOf(memory))).toEqual([0, 1, 0, 0, 4]);
});
