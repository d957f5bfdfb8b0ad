/** A backup that is cut short at any moment harms none of those before, and the next one is whole. */

import type { DiskFault } from '@facet/extents';
import { expect, it } from 'vitest';
import { Repository } from '../../src/index.ts';
import { bytesFrom, randomFrom } from '../random.ts';
import { filesOf, placeForBackups, verify, Yard } from './yard.ts';

/** Trials after which the next backup found what one before had left. */
let leftBehind = 0;

interface Trial {
  /** At which operation on the directory of backups. */
  readonly at: number;
  readonly what: 'power' | DiskFault;
}

/** @returns whether it came so far */
async function cutOneShort({ at, what }: Trial): Promise<boolean> {
  const yard = await Yard.open('memory');
  const random = randomFrom(at);
  let left = Number.POSITIVE_INFINITY;
  const place = placeForBackups({
    random,
    before: async () => {
      left -= 1;
      if (left !== 0) return undefined;
      if (what !== 'power') return what;
      place.crash();
      return undefined;
    },
  });
  const disk = place.mount();
  await yard.put('packed', bytesFrom(random, 30_000));
  await yard.put('large', bytesFrom(random, 300_000));
  const first = await yard.backup(disk);
  await yard.put('packed too', bytesFrom(random, 30_000));
  await yard.put('large too', bytesFrom(random, 300_000));
  const before = await filesOf(disk);
  left = at;
  const second = await yard.backup(disk).then(
    ({ id }) => id,
    () => undefined,
  );
  const cameSoFar = left <= 0;
  left = Number.POSITIVE_INFINITY;
  const again = what === 'power' && cameSoFar ? place.mount() : disk;
  const found = await (await Repository.open(again)).backups();
  expect(found).toContain(first.id);
  if (second !== undefined) expect(found).toContain(second);
  for (const id of found) expect(await verify(again, { id })).toBeUndefined();
  await yard.put('packed', bytesFrom(random, 40_000));
  // A disk that was full is not while nothing is backed up.
  if (second === undefined && what !== 'power' && found.length === 1)
    expect(await filesOf(again)).toEqual(before);
  const third = await yard.backup(again);
  if (third.leftBytes > 0) leftBehind += 1;
  expect((await yard.backup(again)).leftBytes).toBe(0);
  expect(await verify(again, { id: first.id })).toBeUndefined();
  expect(await verify(again, { id: third.id })).toBeUndefined();
  return cameSoFar;
}

it.each(['power', 'EIO', 'ENOSPC'] as const)('by %s', async (what) => {
  let at = 1;
  leftBehind = 0;
  const step = what === 'power' ? 1 : 3;
  while (await cutOneShort({ at, what })) at += step;
  // Its operations were it, one after the other.
  expect(at).toBeGreaterThan(30);
  // Only who was ended by force could not remove what was there of it.
  if (what === 'power') expect(leftBehind).toBeGreaterThan(10);
  else expect(leftBehind).toBe(0);
});

it('by power, and the next one, too, while it gives back what that left', async () => {
  const yard = await Yard.open('memory');
  const random = randomFrom(7);
  let left = Number.POSITIVE_INFINITY;
  const place = placeForBackups({
    random,
    before: async () => {
      left -= 1;
      if (left === 0) place.crash();
      return undefined;
    },
  });
  let disk = place.mount();
  let swept = 0;
  for (let round = 0; round < 30; round += 1) {
    await yard.put('packed', bytesFrom(random, 30_000));
    await yard.put(`large${round % 4}`, bytesFrom(random, 300_000));
    swept += (await yard.backup(disk)).leftBytes;
    for (const operations of [60, 20]) {
      await yard.put('packed too', bytesFrom(random, 30_000));
      left = 1 + Math.floor(random() * operations);
      await yard.backup(disk).catch(() => undefined);
      if (left <= 0) disk = place.mount();
      left = Number.POSITIVE_INFINITY;
      for (const id of (await (await Repository.open(disk)).backups()).slice(-3))
        expect(await verify(disk, { id })).toBeUndefined();
    }
  }
  expect(swept).toBeGreaterThan(100_000);
});

it('by whoever asked for it, in the middle of either of its halves', async () => {
  const yard = await Yard.open('memory');
  const random = randomFrom(3);
  const disk = placeForBackups().mount();
  for (let at = 0; at < 5; at += 1) await yard.put(`k${at}`, bytesFrom(random, 300_000));
  for (const bytes of [1, 700_000]) {
    const ending = new AbortController();
    const cut = yard.backup(disk, {
      signal: ending.signal,
      onProgress: (progress) => progress.bytes >= bytes && ending.abort(),
    });
    await expect(cut).rejects.toMatchObject({ code: 'Closed' });
    expect(await (await Repository.open(disk)).backups()).toEqual([]);
  }
  await yard.backup(disk);
  expect(await verify(disk)).toBeUndefined();
});
