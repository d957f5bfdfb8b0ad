/** A place that a device no longer gives costs what lies there, and nothing that lies beside it. */

import { MemoryDisk } from '@facet/extents';
import { expect, it } from 'vitest';
import { checkBackups } from '../../src/index.ts';
import { bytesFrom, randomFrom } from '../random.ts';
import { type BroughtBack, bringBack, placeForBackups, Yard } from './yard.ts';

const SEGMENT = '00/00000000000001.seg';
const KEYS = ['a', 'b', 'c', 'd'];
/** Of an object, and of its frame. */
const [BYTES, FRAME_BYTES] = [40_000, 40_000 + 188];

async function fill(yard: Yard): Promise<ReadonlyMap<string, Buffer>> {
  const random = randomFrom(7);
  const objects = new Map(KEYS.map((key) => [key, bytesFrom(random, BYTES)]));
  for (const [key, bytes] of objects) await yard.put(key, bytes);
  return objects;
}

async function mustHave(
  back: BroughtBack,
  objects: ReadonlyMap<string, Buffer>,
  lost: string,
): Promise<void> {
  for (const [key, bytes] of objects) {
    if (key === lost) await expect(back.read(key)).rejects.toMatchObject({ code: 'Corrupt' });
    else expect((await back.read(key)).equals(bytes), key).toBe(true);
  }
}

it('where backups are: the rest is brought back, and it is told', async () => {
  const yard = await Yard.open('memory');
  const memory = placeForBackups();
  const place = memory.mount();
  const objects = await fill(yard);
  await yard.backup(place);
  memory.wearOut({ name: `containers/${SEGMENT}`, offset: FRAME_BYTES + 20_000 });
  const back = await bringBack(place);
  const reason = expect.stringMatching(/^4096 bytes of it can not be read, the first at \d+$/);
  expect(back.containers.damaged).toMatchObject([{ reason }]);
  expect((await checkBackups({ from: place })).backups).toMatchObject([{ damaged: [{ reason }] }]);
  await mustHave(back, objects, 'b');
});

it('where the store is: the rest is in the backup, and it is told whose it is', async () => {
  const memory = new MemoryDisk({ random: randomFrom(1) });
  const yard = await Yard.open('memory', { extents: memory.mount() });
  const place = placeForBackups().mount();
  const objects = await fill(yard);
  memory.wearOut({ name: SEGMENT, offset: FRAME_BYTES + 20_000 });
  const { damaged } = await yard.backup(place);
  const object = { volume: 'bucket', key: 'b' };
  expect(damaged).toMatchObject([{ container: 1, reason: 'it can not be read', objects: [object] }]);
  const back = await bringBack(place);
  expect(back.containers.damaged).toEqual([]);
  await mustHave(back, objects, 'b');
});

it('for a while: the next backup has what this one could not have', async () => {
  let isFailing = false;
  const memory = new MemoryDisk({
    random: randomFrom(1),
    before: async ({ kind }) => (isFailing && kind === 'read' ? 'EIO' : undefined),
  });
  const yard = await Yard.open('memory', { extents: memory.mount() });
  const place = placeForBackups().mount();
  const objects = await fill(yard);
  isFailing = true;
  const { damaged } = await yard.backup(place);
  expect(damaged.flatMap((run) => run.objects.map(({ key }) => key)).toSorted()).toEqual(
    expect.arrayContaining(KEYS),
  );
  isFailing = false;
  expect(await yard.backup(place)).toMatchObject({ damaged: [], copiedContainers: 1 });
  const back = await bringBack(place);
  expect(await back.objects()).toEqual(objects);
  expect(await back.findings()).toEqual([]);
});
