import { createHash } from 'node:crypto';
import type { ExtentStore, Location } from '@facet/extents';
import { afterEach, describe, expect, it } from 'vitest';
import type { StagedBody } from '../../src/objects/types.ts';
import type { CompactOptions } from '../../src/space/compactor.ts';
import { bytesFrom } from '../random.ts';
import { AT_ONCE, compactorOf, mustHold, thinned, writeFile } from './compacting.ts';
import { ENGINES, World } from './world.ts';

let world: World | undefined;
afterEach(async () => {
  await world?.close();
  world = undefined;
});

describe.each(ENGINES)('the compactor on the %s engine', (engine) => {
  it('empties segments that are mostly dead, and the collector removes them', async () => {
    world = await World.open({ engine });
    const kept = await thinned(world, 420);
    const live = [...kept.values()].reduce((sum, { length }) => sum + length, 0);
    const [segments] = [await world.life.extents.list()];
    expect(segments.length).toBeGreaterThan(3);
    const compactor = compactorOf(world);
    const shown: number[] = [];
    const onProgress: CompactOptions['onProgress'] = ({ bytes, bytesExpected }) =>
      shown.push(bytes / bytesExpected);
    expect(await compactor.run({ pace: AT_ONCE, onProgress })).toMatchObject({ complete: true });
    expect(compactor.counts).toMatchObject({ outdated: 0, damaged: 0, faults: 0 });
    expect(compactor.counts.segments).toBeGreaterThan(3);
    expect(shown.at(-1)).toBeGreaterThan(0.9);
    await world.life.collector.drain();
    // All but the one that is being written, with a block's rest at either end of what is punched there.
    expect(await world.allocatedBytes()).toBeLessThan(1.3 * live);
    expect((await world.life.extents.list()).length).toBeLessThanOrEqual(Math.ceil(live / (1 << 20)));
    await mustHold(world, kept);
    // The one that was being written by then is done, too: nothing is left to do.
    await compactor.run({ pace: AT_ONCE });
    await world.life.collector.drain();
    const { segments: gone } = compactor.counts;
    await compactor.run({ pace: AT_ONCE });
    expect(compactor.counts.segments).toBe(gone);
  });

  it('moves what was written over in part, is shared, and is a part of an upload', async () => {
    world = await World.open({ engine });
    const { objects } = world.life;
    const kept = await thinned(world, 90);
    const base = bytesFrom(world.random, 200_000);
    await world.put('written', base);
    await world.put('copied', base);
    const patch = bytesFrom(world.random, 30_000);
    await writeFile(world, 'written', 50_000, patch);
    const patched = Buffer.from(base);
    patched.set(patch, 50_000);
    kept.set('written', patched);
    await objects.copy({ source: world.at('copied'), target: world.at('copy') });
    // The copy has what it had: the content is shared, and the one that changes refers to it.
    await writeFile(world, 'copied', 0, patch);
    const head = Buffer.from(base);
    head.set(patch);
    kept.set('copied', head).set('copy', base);
    const part = bytesFrom(world.random, 100_000);
    const { upload } = await objects.createUpload({
      ...world.at('parts'),
      properties: {},
      userMetadata: {},
      initiator: 'me',
    });
    const body = await stage(world, part);
    const md5 = createHash('md5').update(part).digest();
    await objects.putPart({ ...world.at('parts'), upload, partNumber: 1, md5, body });
    // The segment is full of what is dead, and sealed.
    for (let i = 0; i < 80; i += 1) await world.put('filler', bytesFrom(world.random, 40_000));
    await world.delete('filler');
    await world.life.collector.drain();
    const compactor = compactorOf(world);
    await compactor.run({ pace: AT_ONCE });
    expect(compactor.counts.movedExtents).toBeGreaterThan(kept.size);
    await world.life.collector.drain();
    const parts = [{ partNumber: 1, etag: md5.toString('hex') }];
    const combine = () => ({ etag: { digest: Buffer.alloc(16, 1), parts: 1 } });
    await objects.completeUpload({ ...world.at('parts'), upload, parts, combine });
    kept.set('parts', part);
    await mustHold(world, kept);
    await world.crash();
    expect(world.life.lost).toEqual([]);
    await world.life.collector.drain();
    await mustHold(world, kept);
  });

  it('keeps what a reader has open until it is done', async () => {
    world = await World.open({ engine });
    const kept = await thinned(world);
    const [key = '', bytes] = [...kept][0] ?? [];
    const object = await world.life.objects.open(world.at(key));
    await compactorOf(world).run({ pace: AT_ONCE });
    await world.life.collector.drain();
    const chunks: Buffer[] = [];
    for await (const chunk of object.read()) chunks.push(Buffer.from(chunk));
    expect(bytes?.equals(Buffer.concat(chunks))).toBe(true);
    const { unlinkedContainers } = world.life.collector.counts;
    object.close();
    await world.life.collector.drain();
    expect(world.life.collector.counts.unlinkedContainers).toBeGreaterThan(unlinkedContainers);
    await mustHold(world, kept);
  });

  it('gives its copy up where the bytes changed meanwhile', async () => {
    world = await World.open({ engine });
    const made = world;
    const kept = await thinned(world);
    const [replaced = '', removed = '', cut = ''] = kept.keys();
    const fresh = bytesFrom(world.random, 5_000);
    const patch = bytesFrom(world.random, 100);
    const changes = new Map([
      [kept.get(replaced)?.length, () => made.put(replaced, fresh)],
      [kept.get(removed)?.length, () => made.delete(removed)],
      [kept.get(cut)?.length, () => writeFile(made, cut, 1_000, patch)],
    ]);
    const { extents } = world.life;
    const read: ExtentStore['read'] = async (slice) => {
      const bytes = await extents.read(slice);
      const change = changes.get(slice.length);
      changes.delete(slice.length);
      await change?.();
      return bytes;
    };
    const compactor = compactorOf(world, { extents: { ...extents, read } });
    await compactor.run({ pace: AT_ONCE });
    expect(compactor.counts.outdated).toBe(3);
    kept.set(replaced, fresh).delete(removed);
    kept.get(cut)?.set(patch, 1_000);
    await world.life.collector.drain();
    await mustHold(world, kept);
  });

  it('leaves alone what nobody knows of yet', async () => {
    world = await World.open({ engine });
    const bytes = bytesFrom(world.random, 50_000);
    const body = await stage(world, bytes);
    const kept = await thinned(world);
    const { container } = locationOf(body);
    await compactorOf(world).run({ pace: AT_ONCE });
    await world.life.collector.drain();
    expect(await world.life.extents.status(container)).toBeDefined();
    const etag = { digest: createHash('md5').update(bytes).digest(), parts: 0 };
    await world.life.objects.put({ ...world.at('late'), body, etag, properties: {}, userMetadata: {} });
    kept.set('late', bytes);
    await mustHold(world, kept);
    // Now it is known, and the segment is no writer's any more.
    await world.life.collector.drain();
    await compactorOf(world).run({ pace: AT_ONCE });
    await world.life.collector.drain();
    expect(await world.life.extents.status(container)).toBeUndefined();
    await mustHold(world, kept);
  });
});

async function stage(made: World, bytes: Buffer): Promise<StagedBody> {
  const writer = made.life.objects.stage({ lengthBytes: bytes.length });
  await writer.write(bytes);
  return writer.finish();
}

function locationOf(body: StagedBody): Location {
  if (body.kind !== 'extent') throw new Error('it is no extent');
  return body.location;
}
