import { createHash } from 'node:crypto';
import { containerId, type ExtentStore, type Location } from '@facet/extents';
import { afterEach, describe, expect, it } from 'vitest';
import { FsError } from '../../src/errors.ts';
import type { StagedBody } from '../../src/objects/types.ts';
import { type CompactOptions, Compactor, type CompactorParts } from '../../src/space/compactor.ts';
import type { Timer } from '../../src/space/timer.ts';
import { wasteOf } from '../../src/space/wastefulSegments.ts';
import { below, bytesFrom } from '../random.ts';
import { CutOff } from './cutOff.ts';
import { ENGINES, World } from './world.ts';

let world: World | undefined;
afterEach(async () => {
  await world?.close();
  world = undefined;
});

const AT_ONCE: CompactOptions['pace'] = { take: async () => undefined };
const CALLER = { uid: 0, gid: 0, groups: [] };

const never: Timer = { after: () => ({ cancel: () => undefined }) };

function compactorOf({ life }: World, parts: Partial<CompactorParts> = {}): Compactor {
  const { commands, extents, pins } = life;
  return new Compactor({
    commands,
    extents,
    pins,
    pace: AT_ONCE,
    hasRoom: async () => true,
    timer: never,
    ...parts,
  });
}

/** Fills some segments of a mebibyte, and deletes two objects of three: no run is long enough for a punch. @returns the third */
async function thinned(made: World, count = 240): Promise<Map<string, Buffer>> {
  const kept = new Map<string, Buffer>();
  for (let i = 0; i < count; i += 1) {
    const bytes = bytesFrom(made.random, 2_000 + below(made.random, 28_000));
    await made.put(`k${i}`, bytes);
    if (i % 3 === 0) kept.set(`k${i}`, bytes);
  }
  for (let i = 0; i < count; i += 1) if (i % 3 !== 0) await made.delete(`k${i}`);
  await made.life.collector.drain();
  return kept;
}

async function mustHold(made: World, kept: ReadonlyMap<string, Buffer>): Promise<void> {
  for (const [key, bytes] of kept) expect((await made.get(key))?.equals(bytes), key).toBe(true);
  expect(await made.findings()).toEqual([]);
}

async function writeFile(made: World, key: string, offset: number, bytes: Buffer): Promise<void> {
  const { files } = made.life;
  const parent = await files.root({ volume: made.volume });
  const name = Buffer.from(key);
  const { file } = await files.lookup({ caller: CALLER, parent, name, directory: false });
  if (!file) throw new Error(`there is no ${key}`);
  await files.write({ caller: CALLER, file, offset, data: [bytes] });
}

describe('what a segment wastes', () => {
  const info = { container: containerId(1), kind: 'segment', sizeBytes: 1 << 20 } as const;
  const waste = (allocatedBytes: number, deadBytes: number) =>
    wasteOf({ ...info, allocatedBytes }, deadBytes);

  it('is what it takes of the disk beyond what is alive', () => {
    expect(waste(1 << 20, 1 << 19)).toMatchObject({ wasteBytes: 1 << 19, liveBytes: 1 << 19 });
    expect(waste(1 << 20, 1 << 17)).toBeUndefined();
    // Given back already.
    expect(waste(5 << 17, 1 << 19)).toBeUndefined();
  });

  it('counts for less than the file itself when hardly anything is alive', () => {
    expect(waste(8192, (1 << 20) - 6000)).toMatchObject({ liveBytes: 6000 });
    expect(waste(0, 1 << 20)).toBeUndefined();
  });

  it('is nobody else’s in a dedicated container', () => {
    expect(wasteOf({ ...info, kind: 'dedicated', allocatedBytes: 1 << 20 }, 1 << 19)).toBeUndefined();
  });
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

describe('the compactor', () => {
  it('takes for no damage what was given back before it was read', async () => {
    world = await World.open();
    const made = world;
    const kept = await thinned(world);
    const [removed = ''] = kept.keys();
    const { extents, collector } = world.life;
    let isFirst = true;
    const read: ExtentStore['read'] = async (slice) => {
      if (isFirst && slice.length === kept.get(removed)?.length) {
        isFirst = false;
        await made.delete(removed);
        for (let i = 0; i < 8; i += 1) await made.delete(`k${3 * (i + 1)}`);
        await collector.drain();
      }
      return extents.read(slice);
    };
    const compactor = compactorOf(world, { extents: { ...extents, read } });
    await compactor.run({ pace: AT_ONCE });
    expect(isFirst).toBe(false);
    expect(compactor.counts.damaged).toBe(0);
    expect(compactor.counts.outdated).toBeGreaterThan(0);
    for (let i = 0; i < 9; i += 1) kept.delete(`k${3 * i}`);
    await collector.drain();
    await mustHold(world, kept);
  });

  it('leaves the background’s work when it is asked to do it at once', async () => {
    world = await World.open();
    const kept = await thinned(world);
    let look: () => void = () => undefined;
    const timer: Timer = {
      after: (_ms, run) => {
        look = run;
        return { cancel: () => undefined };
      },
    };
    const paced = Promise.withResolvers<void>();
    const pace: CompactOptions['pace'] = {
      take: (_bytes, signal) => {
        paced.resolve();
        return new Promise((resolve) => signal?.addEventListener('abort', () => resolve()));
      },
    };
    const compactor = compactorOf(world, { timer, pace });
    compactor.start();
    look();
    await paced.promise;
    expect(await compactor.run({ pace: AT_ONCE })).toMatchObject({ complete: true });
    expect(compactor.counts.movedBytes).toBeGreaterThan(0);
    await compactor.stop();
    await mustHold(world, kept);
  });

  it('takes no room where there is too little', async () => {
    world = await World.open();
    const kept = await thinned(world);
    const compactor = compactorOf(world, { hasRoom: async () => false });
    await expect(compactor.run({ pace: AT_ONCE })).rejects.toMatchObject({ code: 'NoSpace' });
    expect(compactor.counts).toMatchObject({ movedBytes: 0, segments: 0, faults: 0 });
    await mustHold(world, kept);
  });

  it('gives its copies up where the disk fills up on the way', async () => {
    let full = false;
    world = await World.open({ memory: { injectFull: () => full } });
    const kept = await thinned(world);
    const { extents } = world.life;
    const append: ExtentStore['append'] = async (extent) => {
      const location = await extents.append(extent);
      full = true;
      return location;
    };
    const compactor = compactorOf(world, { extents: { ...extents, append } });
    const discarded = compactor.run({ pace: AT_ONCE });
    await expect(discarded).rejects.toMatchObject({ code: 'NoSpace' });
    full = false;
    await world.crash();
    await world.life.collector.drain();
    await mustHold(world, kept);
  });

  it('leaves its copies to recovery where nobody knows whether they are referred to', async () => {
    world = await World.open();
    const kept = await thinned(world);
    const { commands } = world.life;
    const lossy: CompactorParts['commands'] = {
      read: (doing, op) => commands.read(doing, op),
      run: async (command, args) => {
        const result = await commands.run(command, args);
        if (command.name === 'repointExtents') throw new FsError('Interrupted', 'the other process ended');
        return result;
      },
    };
    const unheard = compactorOf(world, { commands: lossy }).run({ pace: AT_ONCE });
    await expect(unheard).rejects.toMatchObject({ code: 'Interrupted' });
    await world.life.collector.drain();
    await mustHold(world, kept);
  });

  it('leaves what is damaged where it is, moves the rest, and does not try for ever', async () => {
    world = await World.open();
    const kept = await thinned(world);
    const compactor = compactorOf(world);
    const [damaged = ''] = kept.keys();
    world.disk.damage({ name: '00/00000000000001.seg', offset: (await firstLive(world)) + 100, mask: 1 });
    await compactor.run({ pace: AT_ONCE });
    expect(compactor.counts.damaged).toBe(1);
    // More of it is dead by then, and the segment that was being written is sealed.
    for (const _again of [1, 2]) {
      await world.life.collector.drain();
      await compactor.run({ pace: AT_ONCE });
    }
    const { segments } = compactor.counts;
    await compactor.run({ pace: AT_ONCE });
    expect(compactor.counts.segments).toBe(segments);
    await expect(world.get(damaged)).rejects.toMatchObject({ code: 'Corrupt' });
    kept.delete(damaged);
    for (const [key, bytes] of kept) expect((await world.get(key))?.equals(bytes), key).toBe(true);
    const findings = await world.findings();
    expect(findings.map(({ kind }) => kind)).toEqual(['frameDamaged']);
  });

  it('leaves nothing but garbage behind when it is cut off at any step', async () => {
    for (let seed = 1; seed <= 12; seed += 1) {
      const cutOff = new CutOff();
      world = await World.open({ seed, ...cutOff.hooks });
      const kept = await thinned(world, 120);
      const compactor = compactorOf(world);
      await cutOff.endsWithin(below(world.random, 60), () => compactor.run({ pace: AT_ONCE }));
      await world.crash();
      expect(world.life.lost).toEqual([]);
      await world.life.collector.drain();
      await mustHold(world, kept);
      await compactorOf(world).run({ pace: AT_ONCE });
      await world.life.collector.drain();
      await mustHold(world, kept);
      await world.close();
      world = undefined;
    }
  });

  it('works in the background, and stops within a batch', async () => {
    world = await World.open();
    const kept = await thinned(world);
    let look: () => void = () => undefined;
    const looking = {
      after: (_ms: number, run: () => void) => {
        look = run;
        return { cancel: () => undefined };
      },
    };
    const paced = Promise.withResolvers<void>();
    const pace: CompactOptions['pace'] = {
      take: (_bytes, signal) => {
        paced.resolve();
        return new Promise((resolve) => signal?.addEventListener('abort', () => resolve()));
      },
    };
    const compactor = compactorOf(world, { timer: looking, pace });
    compactor.start();
    look();
    await paced.promise;
    await compactor.stop();
    expect(compactor.counts).toMatchObject({ movedBytes: 0, segments: 0, faults: 0 });
    expect(await compactor.run({ pace: AT_ONCE })).toMatchObject({ complete: false });
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

/** Where the first frame of the first segment lies that is not dead. */
async function firstLive(made: World): Promise<number> {
  for await (const frame of made.life.extents.scan(containerId(1))) return frame.offset;
  throw new Error('nothing is alive');
}
