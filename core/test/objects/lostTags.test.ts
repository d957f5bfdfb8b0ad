/** The tags of an object lie in a record of their own: one that was lost is no empty one. */

import { afterEach, beforeEach, expect, it } from 'vitest';
import { tagsKey } from '../../src/meta/keys.ts';
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
  await store.remove(tagsKey(LAYER, await store.inodeOf('object')));
});
afterEach(() => world.close());

it('an object without the tags that it counts is told where they are asked for', async () => {
  const { objects } = world.life;
  await expect(objects.getTags(world.at('object'))).rejects.toMatchObject(CORRUPT);
  const copy = { source: world.at('object'), target: world.at('copy') };
  await expect(objects.copy(copy)).rejects.toMatchObject(CORRUPT);
  expect(await objects.head(world.at('object'))).toMatchObject({ tagCount: 1 });
  await objects.setTags({ ...world.at('object'), tags: TAGS });
  expect(await objects.getTags(world.at('object'))).toEqual(TAGS);
});

it('it can be put again, and deleted', async () => {
  const { objects } = world.life;
  await world.put('object', bytesFrom(world.random, 10));
  expect(await objects.getTags(world.at('object'))).toEqual([]);
  expect(await world.findings()).toEqual([]);
  await objects.setTags({ ...world.at('object'), tags: TAGS });
  await store.remove(tagsKey(LAYER, await store.inodeOf('object')));
  await world.delete('object');
  await expect(objects.head(world.at('object'))).rejects.toMatchObject({ code: 'NoEntry' });
  expect(await world.findings()).toEqual([]);
});
