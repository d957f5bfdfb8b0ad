import type { Op, WriteTx } from '@facet/engine';
import { FRAME_DATA_BYTES, type Location, physicalLength } from '@facet/extents';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dropReference, enqueueFree, newContentId, storeContent } from '../../src/contents/bodies.ts';
import { discardBody } from '../../src/contents/discard.ts';
import { type ContentId, contentId, timestamp } from '../../src/ids.ts';
import {
  containerKey,
  contentKey,
  contentMapKey,
  deadRunsOf,
  partKey,
  SPACE,
  spaceBounds,
} from '../../src/meta/keys.ts';
import { decodeContent, encodeMapEntry, type MapEntry } from '../../src/meta/records/content.ts';
import { decodeContainer, decodeFree, decodeReclaim } from '../../src/meta/records/space.ts';
import { encodePart } from '../../src/meta/records/upload.ts';
import { bytesFrom } from '../random.ts';
import { ENGINES, World } from './world.ts';

describe.each(ENGINES)('freed things on the %s engine', (engine) => {
  let world: World;
  beforeEach(async () => {
    world = await World.open({ engine });
  });
  afterEach(() => world.close());

  const write = <T>(op: (tx: WriteTx) => Op<T>): Promise<T> => world.life.engine.write(op);
  const count = async (space: number): Promise<number> =>
    (await world.life.engine.read((tx) => tx.range({ ...spaceBounds(space), limit: 10_000 }))).length;

  async function store(content: ContentId, fileOffset: number, lengthBytes: number): Promise<Location> {
    const owner = { contentId: content, fileOffset };
    const writer = world.life.extents.create(owner);
    const bytes = bytesFrom(world.random, lengthBytes);
    for (let at = 0; at < lengthBytes; at += 1 << 18) await writer.write(bytes.subarray(at, at + (1 << 18)));
    return writer.finish();
  }

  /** A content with a map, on its way out when nothing refers to it. */
  async function makeContent(
    id: ContentId,
    how: { readonly refs: number; readonly map: readonly { offset: number; entry: MapEntry }[] },
  ): Promise<void> {
    await write(function* (tx) {
      for (const { offset, entry } of how.map) tx.put(contentMapKey(id, offset), encodeMapEntry(entry));
      const lengthBytes = how.map.reduce(
        (end, { offset, entry }) => Math.max(end, offset + entry.lengthBytes),
        0,
      );
      storeContent({ tx }, id, { refs: how.refs, lengthBytes, shape: { kind: 'map' }, hasParts: false });
      if (how.refs === 0) yield* enqueueFree({ tx }, { kind: 'content', content: id });
      return undefined;
    });
  }

  const newId = () => write((tx) => newContentId({ tx }));

  async function deadBytes(location: Location): Promise<number> {
    const stored = await world.life.engine.read((tx) => tx.get(containerKey(location.container)));
    return stored ? decodeContainer(stored).deadBytes : 0;
  }

  it('are a map of many entries, taken in steps', async () => {
    const id = await newId();
    const target = await newId();
    await makeContent(target, {
      refs: 400,
      map: [{ offset: 0, entry: { kind: 'inline', lengthBytes: 1, bytes: Buffer.of(7) } }],
    });
    const location = await store(id, 0, 2_000_000);
    const map = Array.from({ length: 1600 }, (_, index): { offset: number; entry: MapEntry } => {
      const offset = index * 1000;
      if (index % 4 === 0)
        return { offset, entry: { kind: 'ref', lengthBytes: 1, start: 0, content: target } };
      return { offset, entry: { kind: 'data', lengthBytes: 1000, start: offset, location } };
    });
    await makeContent(id, { refs: 0, map });
    const { collector, extents } = world.life;
    let steps = 0;
    while ((await count(SPACE.content)) > 0) {
      await collector.runOnce();
      steps += 1;
      const stored = await world.life.engine.read((tx) => tx.get(contentKey(target)));
      const left = (await count(SPACE.contentMap)) - (stored ? 1 : 0);
      // References are let go as their entries are.
      if (stored && left > 0) expect(decodeContent(stored).refs).toBe(Math.ceil(left / 4));
    }
    expect(steps).toBeGreaterThanOrEqual(4);
    await collector.drain();
    expect(await count(SPACE.contentMap)).toBe(0);
    expect(await extents.list()).toEqual([]);
    expect(collector.counts.deadBytes).toBe(physicalLength(location));
  });

  it('are an extent, where the content was nothing else: it goes with its last reference', async () => {
    const id = await newId();
    const location = await store(id, 0, 4096);
    const shape = { kind: 'single', location } as const;
    await write(function* (tx) {
      storeContent({ tx }, id, { refs: 2, lengthBytes: 4096, shape, hasParts: false });
      return yield* dropReference({ tx }, id);
    });
    expect([await count(SPACE.content), await count(SPACE.free)]).toEqual([1, 0]);
    await write((tx) => dropReference({ tx }, id));
    expect(await count(SPACE.content)).toBe(0);
    const queue = await world.life.engine.read((tx) => tx.range({ ...spaceBounds(SPACE.free), limit: 2 }));
    expect(queue.map(({ value }) => decodeFree(value))).toEqual([{ kind: 'extent', location }]);
    await world.life.collector.drain();
    expect(world.life.collector.counts.deadBytes).toBe(physicalLength(location));
    expect(await world.life.extents.list()).toEqual([]);
  });

  it('are a content of one extent, as earlier versions freed it', async () => {
    const id = await newId();
    const location = await store(id, 0, 4096);
    const shape = { kind: 'single', location } as const;
    await write(function* (tx) {
      storeContent({ tx }, id, { refs: 0, lengthBytes: 4096, shape, hasParts: false });
      return yield* enqueueFree({ tx }, { kind: 'content', content: id });
    });
    await world.life.collector.drain();
    expect([await count(SPACE.content), await count(SPACE.free)]).toEqual([0, 0]);
    expect(world.life.collector.counts.deadBytes).toBe(physicalLength(location));
    expect(await world.life.extents.list()).toEqual([]);
  });

  it('are pieces: a frame is dead when the last of its bytes is', async () => {
    const id = await newId();
    const location = await store(id, 0, 3 * FRAME_DATA_BYTES);
    const half = FRAME_DATA_BYTES / 2;
    const data = (offset: number, lengthBytes: number): { offset: number; entry: MapEntry } => ({
      offset,
      entry: { kind: 'data', lengthBytes, start: offset, location },
    });
    await makeContent(id, { refs: 1, map: [data(0, half), data(half, half), data(2 * half, 4 * half)] });
    const drop = (
      start: number,
      lengthBytes: number,
      change: { readonly without: number; readonly rest?: readonly { offset: number; entry: MapEntry }[] },
    ) =>
      write(function* (tx) {
        tx.delete(contentMapKey(id, change.without));
        for (const { offset, entry } of change.rest ?? []) {
          tx.put(contentMapKey(id, offset), encodeMapEntry(entry));
        }
        const piece = { location, start, lengthBytes, fileOffset: start };
        return yield* enqueueFree({ tx }, { kind: 'pieces', content: id, pieces: [piece] });
      });
    const { collector } = world.life;
    await drop(0, half, { without: 0 });
    await collector.drain();
    expect(await deadBytes(location)).toBe(0);
    await drop(half, half, { without: half });
    await collector.drain();
    expect(await deadBytes(location)).toBe(FRAME_DATA_BYTES + 188);
    // All of the last two frames but a byte in each.
    const rest = [data(2 * half, 1), data(6 * half - 1, 1)];
    await drop(2 * half + 1, 4 * half - 2, { without: 2 * half, rest });
    await collector.drain();
    expect(await deadBytes(location)).toBe(FRAME_DATA_BYTES + 188);
    await drop(6 * half - 1, 1, { without: 6 * half - 1 });
    await collector.drain();
    expect(await deadBytes(location)).toBe(2 * (FRAME_DATA_BYTES + 188));
    // What a content still maps is not given back, whoever says so.
    await drop(2 * half, 2 * half, { without: 0 });
    await collector.drain();
    expect(await deadBytes(location)).toBe(2 * (FRAME_DATA_BYTES + 188));
    expect(world.life.faults).toHaveLength(1);
    await drop(2 * half, 1, { without: 2 * half });
    await collector.drain();
    expect(await world.life.extents.list()).toEqual([]);
  });

  it('may be found dead twice, even after their container is gone', async () => {
    const id = await newId();
    const location = await store(id, 0, 400_000);
    await makeContent(id, { refs: 1, map: [] });
    const { collector, extents, pins } = world.life;
    // Both pieces of the frame are gone from the map before the first is looked at: each finds it dead.
    const piece = (start: number) =>
      write((tx) => {
        const pieces = [{ location, start, lengthBytes: 200_000, fileOffset: start }];
        return enqueueFree({ tx }, { kind: 'pieces', content: id, pieces });
      });
    await piece(0);
    await collector.runOnce();
    const pin = pins.enter();
    await piece(200_000);
    await collector.runOnce();
    const waiting = await world.life.engine.read((tx) =>
      tx.range({ ...spaceBounds(SPACE.reclaim), limit: 10 }),
    );
    expect(waiting.flatMap(({ value }) => decodeReclaim(value).runs)).toHaveLength(1);
    expect(await extents.list()).toEqual([]);
    pin.release();
    await collector.drain();
    expect(await count(SPACE.reclaim)).toBe(0);
    expect(await count(SPACE.container)).toBe(0);
    const dead = await world.life.engine.read((tx) =>
      tx.range({ ...deadRunsOf(location.container), limit: 10 }),
    );
    expect(dead).toEqual([]);
    expect(collector.counts.faults).toBe(0);
  });

  it('are the parts of an aborted upload, by the hundred', async () => {
    const { objects, collector } = world.life;
    const attributes = { properties: {}, userMetadata: {}, initiator: 'tester' };
    const { upload } = await objects.createUpload({ ...world.at('key'), ...attributes });
    const part = { md5: Buffer.alloc(16), lastModified: timestamp(1n) };
    await write(function* (tx) {
      for (let partNumber = 1; partNumber <= 1100; partNumber += 1) {
        const content = yield* newContentId({ tx });
        const bytes = Buffer.from(`part ${partNumber}`);
        const sizeBytes = partNumber % 10 === 0 ? 0 : bytes.length;
        const named = { ...part, sizeBytes, ...(sizeBytes > 0 && { content }) };
        tx.put(partKey(upload, partNumber), encodePart(named));
        if (sizeBytes === 0) continue;
        tx.put(contentMapKey(content, 0), encodeMapEntry({ kind: 'inline', lengthBytes: sizeBytes, bytes }));
        const shape = { kind: 'map' } as const;
        storeContent({ tx }, content, { refs: 1, lengthBytes: sizeBytes, shape, hasParts: false });
      }
      return undefined;
    });
    await objects.abortUpload({ ...world.at('key'), upload });
    await collector.runOnce();
    expect(await count(SPACE.part)).toBe(600);
    await collector.drain();
    for (const space of [SPACE.part, SPACE.content, SPACE.contentMap, SPACE.free]) {
      expect(await count(space)).toBe(0);
    }
  });

  it('are bytes that were staged and not published', async () => {
    const { objects, collector, commands, extents } = world.life;
    const writer = objects.stage({ lengthBytes: 400_000 });
    await writer.write(bytesFrom(world.random, 400_000));
    await discardBody(commands, await writer.finish());
    await collector.drain();
    expect(await extents.list()).toEqual([]);
  });

  it('hold up nothing else when one of them breaks a promise', async () => {
    const { collector, faults } = world.life;
    await world.put('big', bytesFrom(world.random, 400_000));
    await write((tx) => enqueueFree({ tx }, { kind: 'content', content: contentId(999_999) }));
    await world.delete('big');
    await collector.drain();
    expect(await world.life.extents.list()).toEqual([]);
    expect(await collector.backlog()).toEqual({ free: 1, reclaim: 0 });
    expect(faults).toHaveLength(1);
    await collector.drain();
    expect(faults).toHaveLength(1);
  });
});
