/** What workers are told: which files of containers to let go of, and whether there is room. */

import { randomBytes } from 'node:crypto';
import { containerId } from '@facet/extents';
import { expect, test } from 'vitest';
import type { WorkerCalls } from '../../src/workers/protocol.ts';
import { callerOf, type Family, openFamily, put } from './family.ts';

const CONTAINERS = 5;

/** A worker that does nothing but hear what is removed, and says what its readers hold. */
function listener({ core }: Family, { joins = true } = {}) {
  const instance = randomBytes(16);
  const heard = {
    oldestPin: Number.POSITIVE_INFINITY,
    told: [] as (readonly number[])[],
    full: [] as boolean[],
    join: () =>
      core.workers.joined(
        instance,
        callerOf<WorkerCalls>({
          oldestPin: () => heard.oldestPin,
          room: ({ full }) => {
            heard.full.push(full);
            return null;
          },
          retire: ({ containers }) => {
            heard.told.push(containers);
            return null;
          },
        }),
      ),
  };
  core.workers.expect(instance);
  if (joins) heard.join();
  return heard;
}

test('those that are removed together are told by one call', async () => {
  const family = await openFamily();
  const { core, volume } = family;
  const worker = listener(family);
  worker.oldestPin = 0;
  for (let n = 0; n < CONTAINERS; n += 1) await put(core, volume, `${n}`, randomBytes(400_000));
  for (let n = 0; n < CONTAINERS; n += 1) await core.objects.delete({ volume, key: Buffer.from(`${n}`) });
  expect((await core.collector.drain()).unlinkedContainers).toBe(0);
  worker.oldestPin = Number.POSITIVE_INFINITY;
  expect((await core.collector.drain()).unlinkedContainers).toBe(CONTAINERS);
  await expect.poll(() => worker.told.map(({ length }) => length)).toEqual([CONTAINERS]);
});

test('those of a batch that failed are told before the next one', async () => {
  const family = await openFamily();
  const { workers } = family.core;
  const worker = listener(family);
  await workers.watch(family.storeExtents).unlink(containerId(77));
  expect(worker.told).toEqual([]);
  await workers.oldest();
  expect(worker.told).toEqual([[77]]);
});

test('one that can not be asked is told when it can', async () => {
  const family = await openFamily();
  const { workers } = family.core;
  const worker = listener(family, { joins: false });
  await workers.watch(family.storeExtents).unlink(containerId(77));
  await workers.oldest();
  worker.join();
  await workers.watch(family.storeExtents).unlink(containerId(78));
  await workers.oldest();
  expect(worker.told).toEqual([[77, 78]]);
});

test('one that lived through a full disk hears of the store that comes back that there is room', async () => {
  const family = await openFamily();
  const worker = listener(family);
  await expect.poll(() => worker.full).toEqual([false]);
  family.core.workers.full = true;
  const other = listener(family);
  await expect.poll(() => worker.full).toEqual([false, true]);
  await expect.poll(() => other.full).toEqual([true]);
});
