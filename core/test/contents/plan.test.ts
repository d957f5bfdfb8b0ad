/** Which map entries a span of a content touches, and what it takes to find them. */
import { type Bytes, MemoryEngine, type Op, type ReadTx } from '@facet/engine';
import { containerId } from '@facet/extents';
import { expect, it } from 'vitest';
import { mapEntries, planBody, type Span } from '../../src/contents/plan.ts';
import { contentId, inodeId } from '../../src/ids.ts';
import { contentKey, contentMapKey } from '../../src/meta/keys.ts';
import { encodeContent, encodeMapEntry, type MapEntry } from '../../src/meta/records/content.ts';
import type { View } from '../../src/tree/scope.ts';

const MIB = 1 << 20;
const CONTENT = contentId(7);

function entryOf(lengthBytes: number): MapEntry {
  const location = { store: 0, container: containerId(1), offset: 0, length: lengthBytes };
  return { kind: 'data', lengthBytes, start: 0, location };
}

/** Entries by `[offset, lengthBytes]`, with one of another content on either side. */
async function storeWith(placed: readonly (readonly [number, number])[]): Promise<MemoryEngine> {
  const engine = new MemoryEngine();
  // biome-ignore lint/correctness/useYield: an operation that only writes
  await engine.write(function* (tx) {
    for (const [offset, lengthBytes] of placed)
      tx.put(contentMapKey(CONTENT, offset), encodeMapEntry(entryOf(lengthBytes)));
    tx.put(contentMapKey(contentId(6), 3 * MIB), encodeMapEntry(entryOf(MIB)));
    tx.put(contentMapKey(contentId(8), 0), encodeMapEntry(entryOf(MIB)));
    return true;
  });
  return engine;
}

class CountedReads implements ReadTx {
  readonly #tx: ReadTx;
  ranges = 0;

  constructor(tx: ReadTx) {
    this.#tx = tx;
  }

  get(key: Bytes): Op<Bytes | undefined> {
    return this.#tx.get(key);
  }

  getMany(keys: readonly Bytes[]): ReturnType<ReadTx['getMany']> {
    return this.#tx.getMany(keys);
  }

  range(range: Parameters<ReadTx['range']>[0]): ReturnType<ReadTx['range']> {
    this.ranges += 1;
    return this.#tx.range(range);
  }
}

interface FoundEntries {
  readonly offsets: readonly number[];
  readonly ranges: number;
}

function find(engine: MemoryEngine, span: Span): Promise<FoundEntries> {
  return engine.read(function* (tx) {
    const counted = new CountedReads(tx);
    const found = yield* mapEntries({ tx: counted }, CONTENT, span);
    return { offsets: found.map(({ offset }) => offset), ranges: counted.ranges };
  });
}

it('an entry of a write of the usual size is found without a walk', async () => {
  const engine = await storeWith([
    [0, MIB],
    [MIB, MIB],
    [2 * MIB, 3 * MIB],
  ]);
  expect(await find(engine, { start: MIB, lengthBytes: MIB })).toEqual({ offsets: [MIB], ranges: 0 });
  expect(await find(engine, { start: 2 * MIB - 1, lengthBytes: 1 })).toEqual({ offsets: [MIB], ranges: 0 });
  expect(await find(engine, { start: 5, lengthBytes: 4096 })).toEqual({ offsets: [0], ranges: 0 });
});

it('what goes on past that entry, or lies in another, is found too', async () => {
  const engine = await storeWith([
    [0, 5000],
    [6000, MIB - 6000],
    [MIB, 3 * MIB],
    [4 * MIB + 10, 10],
  ]);
  const offsets = async (start: number, lengthBytes: number): Promise<readonly number[]> =>
    (await find(engine, { start, lengthBytes })).offsets;
  expect(await offsets(4999, 1)).toEqual([0]);
  expect(await offsets(4999, 2)).toEqual([0]);
  expect(await offsets(4999, 1002)).toEqual([0, 6000]);
  expect(await offsets(5000, 1000)).toEqual([]);
  expect(await offsets(5500, 4096)).toEqual([6000]);
  expect(await offsets(MIB - 1, 2)).toEqual([6000, MIB]);
  expect(await offsets(3 * MIB + 1, 4096)).toEqual([MIB]);
  expect(await offsets(4 * MIB, 15)).toEqual([4 * MIB + 10]);
  expect(await offsets(4 * MIB + 20, 15)).toEqual([]);
  expect(await offsets(0, 5 * MIB)).toEqual([0, 6000, MIB, 4 * MIB + 10]);
});

it('what lies in more pieces than a call has arguments is read through a reference, too', async () => {
  const pieces = 150_000;
  const engine = await storeWith(Array.from({ length: pieces }, (_, at) => [at, 1]));
  const referring = contentId(9);
  const map = { refs: 1, lengthBytes: pieces, shape: { kind: 'map' }, hasParts: false } as const;
  // biome-ignore lint/correctness/useYield: an operation that only writes
  await engine.write(function* (tx) {
    for (const id of [CONTENT, referring]) tx.put(contentKey(id), encodeContent(map));
    const entry = { kind: 'ref', content: CONTENT, start: 0, lengthBytes: pieces } as const;
    tx.put(contentMapKey(referring, 0), encodeMapEntry(entry));
    return true;
  });
  const owner = { inode: inodeId(2), body: { kind: 'content', content: referring } } as const;
  const planned = await engine.read((tx) =>
    // Of its volume nothing is asked for a content.
    planBody({ tx } as View, owner, { start: 0, lengthBytes: pieces }),
  );
  expect(planned.length).toBe(pieces);
});
