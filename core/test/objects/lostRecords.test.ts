/** What an object has beyond its bytes, and its tags, lie in records of their own: one that was lost is no empty one. */

import { afterEach, beforeEach, expect, it } from 'vitest';
import { objectRecordKey, tagsKey } from '../../src/meta/keys.ts';
import { LAYER, Vandal } from '../fsck/vandal.ts';
import { bytesFrom } from '../random.ts';
import { World } from '../space/world.ts';

const CORRUPT = { code: 'Corrupt' };
const TAGS = [{ key: 'colour', value: 'red' }];

let world: World;
let store: Vandal;
beforeEach(async () => {
  world = await World.open();
  store = new Vandal(world);
  await world.put('object', bytesFrom(world.random, 5_000));
  await world.life.objects.setTags({ ...world.at('object'), tags: TAGS });
});
afterEach(() => world.close());

it('an object without its record is told, and can be put again, and deleted', async () => {
  const { objects } = world.life;
  const record = objectRecordKey(LAYER, await store.inodeOf('object'));
  await store.remove(record);
  await expect(objects.head(world.at('object'))).rejects.toMatchObject(CORRUPT);
  await expect(objects.open(world.at('object'))).rejects.toMatchObject(CORRUPT);
  await expect(objects.getTags(world.at('object'))).rejects.toMatchObject(CORRUPT);
  await expect(objects.setTags({ ...world.at('object'), tags: [] })).rejects.toMatchObject(CORRUPT);
  const copy = { source: world.at('object'), target: world.at('copy') };
  await expect(objects.copy(copy)).rejects.toMatchObject(CORRUPT);
  await world.put('object', bytesFrom(world.random, 10));
  expect(await objects.head(world.at('object'))).toMatchObject({ sizeBytes: 10 });
  await store.remove(record);
  await world.delete('object');
  await expect(objects.head(world.at('object'))).rejects.toMatchObject({ code: 'NoEntry' });
  expect(await world.findings()).toEqual([]);
});

it('an object without the tags that it counts is told where they are asked for', async () => {
  const { objects } = world.life;
  await store.remove(tagsKey(LAYER, await store.inodeOf('object')));
  await expect(objects.getTags(world.at('object'))).rejects.toMatchObject(CORRUPT);
  const copy = { source: world.at('object'), target: world.at('copy') };
  await expect(objects.copy(copy)).rejects.toMatchObject(CORRUPT);
  expect(await objects.head(world.at('object'))).toMatchObject({ tagCount: 1 });
  await objects.setTags({ ...world.at('object'), tags: TAGS });
  expect(await objects.getTags(world.at('object'))).toEqual(TAGS);
});
