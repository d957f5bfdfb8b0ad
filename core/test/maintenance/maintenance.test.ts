import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { FsError, openMaintenanceCore, RemoteMaintenance } from '../../src/index.ts';
import type { PacedWork } from '../../src/maintenance/maintenance.ts';
import { MaintenanceTasks } from '../../src/maintenance/remote.ts';
import { callerOf, get, openFamily, put } from '../workers/family.ts';

const AT_ONCE: PacedWork = { bytesPerSecond: Number.POSITIVE_INFINITY };
const COMPACTED = {
  segments: 1,
  movedExtents: 2,
  movedBytes: 3,
  mergedPieces: 4,
  outdated: 5,
  damaged: 6,
  complete: true,
};
const never = async (): Promise<never> => {
  throw new Error('nobody asks for that');
};

/** A store whose maintenance another process does. */
async function openMaintained() {
  const remote = new RemoteMaintenance();
  const family = await openFamily({ maintenance: remote });
  const parts = family.parts();
  family.core.workers.expect(parts.instance);
  const maintenance = await openMaintenanceCore({
    ...parts,
    roomLeftBytes: 0,
    teller: () => callerOf(remote.answers),
  });
  const caller = callerOf(maintenance.answers);
  const answers = family.core.workers.joined(parts.instance, caller);
  if (!answers) throw new Error('it is expected');
  parts.access.connected(callerOf(answers));
  remote.connected(caller);
  onTestFinished(() => maintenance.close());
  return { ...family, maintenance };
}

const LENGTH = 100_000;

/** Objects of a worker that is done, of which less than a sixteenth is left: the rest is punched, and the file stays. */
async function thinned({ core, volume, join }: Awaited<ReturnType<typeof openMaintained>>) {
  const worker = await join();
  const kept = new Map<string, Buffer>();
  for (let i = 0; i < 40; i += 1) {
    const bytes = randomBytes(LENGTH);
    await put(worker.core, volume, `k${i}`, bytes);
    if (i % 20 === 0) kept.set(`k${i}`, bytes);
  }
  for (let i = 0; i < 40; i += 1)
    if (i % 20 !== 0) await core.objects.delete({ volume, key: Buffer.from(`k${i}`) });
  await worker.core.close();
  worker.die();
  return kept;
}

test('another process empties segments, and every process reads what was moved', async () => {
  const family = await openMaintained();
  const { core, volume, storeExtents, maintenance } = family;
  const kept = await thinned(family);
  const [before] = await storeExtents.list();
  const compacted = await core.compact(AT_ONCE);
  expect(compacted).toMatchObject({ segments: 1, movedExtents: kept.size, damaged: 0, complete: true });
  expect(core.compactor).toBeUndefined();
  expect(maintenance.compactor.counts.movedExtents).toBe(kept.size);
  const after = (await storeExtents.list()).map(({ container }) => container);
  expect(after).not.toContain(before?.container);
  const reader = await family.join();
  for (const [key, bytes] of kept)
    for (const one of [core, reader.core]) expect((await get(one, volume, key)).equals(bytes)).toBe(true);
});

test('another process scrubs, and reads all there is', async () => {
  const family = await openMaintained();
  const kept = await thinned(family);
  const report = await family.core.scrub(AT_ONCE);
  expect(report).toMatchObject({
    bytes: kept.size * LENGTH,
    extents: kept.size,
    damaged: [],
    complete: true,
  });
});

test('who asks while nobody is there is told to ask again', async () => {
  const remote = new RemoteMaintenance();
  await expect(remote.compact(AT_ONCE)).rejects.toMatchObject({ code: 'Busy' });
  const caller = callerOf(
    new MaintenanceTasks({ scrub: never, compact: async () => COMPACTED }, () => undefined).answers,
  );
  remote.connected(caller);
  expect(await remote.compact(AT_ONCE)).toEqual(COMPACTED);
  remote.left(caller);
  await expect(remote.compact(AT_ONCE)).rejects.toMatchObject({ code: 'Busy' });
});

/** Compacts until it is told to end. */
function untilEnded() {
  const begun = Promise.withResolvers<void>();
  const compact = async ({ signal }: PacedWork) => {
    begun.resolve();
    await new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve()));
    return { ...COMPACTED, complete: false };
  };
  return { begun: begun.promise, compact };
}

test.each(['before', 'meanwhile'])('work ends early when who asked has enough %s', async (when) => {
  const remote = new RemoteMaintenance();
  const { begun, compact } = untilEnded();
  remote.connected(callerOf(new MaintenanceTasks({ scrub: never, compact }, () => undefined).answers));
  const controller = new AbortController();
  if (when === 'before') controller.abort();
  const compacted = remote.compact({ ...AT_ONCE, signal: controller.signal });
  await begun;
  controller.abort();
  expect(await compacted).toMatchObject({ complete: false });
});

test('work ends early when the store that asked is gone', async () => {
  const { begun, compact } = untilEnded();
  const tasks = new MaintenanceTasks({ scrub: never, compact }, () => undefined);
  const asked = Promise.resolve(tasks.answers.compact({ task: 1, bytesPerSecond: 1 }));
  await begun;
  tasks.endAll();
  expect(await asked).toMatchObject({ complete: false });
});

test('work of a store that came back ends early, though what the one before asked for under that number was over only then', async () => {
  const ends: (() => void)[] = [];
  const tasks = new MaintenanceTasks(
    {
      compact: async ({ signal }) => {
        await new Promise<void>((resolve) => ends.push(resolve));
        return { ...COMPACTED, complete: signal?.aborted !== true };
      },
      scrub: never,
    },
    () => undefined,
  );
  const task = { task: 1, bytesPerSecond: Number.POSITIVE_INFINITY };
  const before = tasks.answers.compact(task);
  tasks.endAll();
  const after = tasks.answers.compact(task);
  ends[0]?.();
  expect(await before).toMatchObject({ complete: false });
  tasks.answers.endEarly({ task: 1 });
  ends[1]?.();
  expect(await after).toMatchObject({ complete: false });
});

test('what went wrong there is told here, and the next one is done', async () => {
  const remote = new RemoteMaintenance();
  let full = true;
  const compact = async () => {
    await delay(1);
    if (full) throw new FsError('NoSpace', 'the disk is full');
    return COMPACTED;
  };
  remote.connected(callerOf(new MaintenanceTasks({ scrub: never, compact }, () => undefined).answers));
  await expect(remote.compact(AT_ONCE)).rejects.toMatchObject({
    code: 'NoSpace',
    message: 'the disk is full',
  });
  full = false;
  expect(await remote.compact(AT_ONCE)).toEqual(COMPACTED);
});

test('progress is told of the work that was asked for, now and then and at its end', async () => {
  const remote = new RemoteMaintenance();
  const compact = async ({ onProgress }: PacedWork) => {
    for (let bytes = 1; bytes <= 1000; bytes += 1) onProgress?.({ bytes, bytesExpected: 1000 });
    await delay(10);
    return COMPACTED;
  };
  const tasks = new MaintenanceTasks({ scrub: never, compact }, () => callerOf(remote.answers));
  remote.connected(callerOf(tasks.answers));
  const shown: number[] = [];
  const other: number[] = [];
  await Promise.all([
    remote.compact({ ...AT_ONCE, onProgress: ({ bytes }) => shown.push(bytes) }),
    remote.compact({ ...AT_ONCE, onProgress: ({ bytes }) => other.push(bytes) }),
  ]);
  for (const told of [shown, other]) {
    expect(told.length).toBeLessThan(10);
    expect([told[0], told.at(-1)]).toEqual([1, 1000]);
  }
});
