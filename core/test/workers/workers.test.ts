import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { interrupted } from '../../src/workers/errorCodec.ts';
import { get, openFamily, put } from './family.ts';

const SIZES = { empty: 0, inline: 100, loose: 4096, packed: 100_000, dedicated: 400_000 };

test.each(Object.entries(SIZES))(
  '%s bytes that one process stores every other one reads',
  async (_, length) => {
    const { core, volume, join: another } = await openFamily();
    const [one, two] = [await another(), await another()];
    const bytes = randomBytes(length);
    await put(one.core, volume, 'of/a/worker', bytes);
    for (const reader of [core, one.core, two.core])
      expect(await get(reader, volume, 'of/a/worker')).toEqual(bytes);
    await put(core, volume, 'of/the/store', bytes);
    for (const reader of [core, one.core, two.core])
      expect(await get(reader, volume, 'of/the/store')).toEqual(bytes);
  },
);

test('small bodies lie in the store’s segment, larger ones in the worker’s own', async () => {
  const { volume, storeExtents, join: another } = await openFamily();
  const { core, extents } = await another();
  await put(core, volume, 'small', randomBytes(SIZES.loose));
  const small = await storeExtents.list();
  expect(small.map(({ container }) => storeExtents.isActive(container))).toEqual([true]);
  await put(core, volume, 'larger', randomBytes(SIZES.packed));
  const others = (await extents.list()).filter(({ container }) => !storeExtents.isActive(container));
  expect(others.map(({ container }) => extents.isActive(container))).toEqual([true]);
});

test('what a refused command was given is not left behind', async () => {
  const { core, volume, storeExtents, join: another } = await openFamily();
  const { core: worker } = await another();
  await put(worker, volume, 'there', randomBytes(SIZES.loose));
  const writer = worker.objects.stage({ lengthBytes: SIZES.loose });
  await writer.write(randomBytes(SIZES.loose));
  const body = await writer.finish();
  await expect(
    worker.objects.put({
      volume,
      key: Buffer.from('there'),
      body,
      etag: { digest: Buffer.alloc(16), parts: 0 },
      properties: {},
      userMetadata: {},
      precondition: { ifNoneMatch: ['*'] },
    }),
  ).rejects.toMatchObject({ code: 'PreconditionFailed' });
  expect((await core.collector.drain()).deadBytes).toBeGreaterThanOrEqual(SIZES.loose);
  expect(await storeExtents.list()).toHaveLength(1);
});

test('bytes that a reader of a worker may refer to are not reclaimed before it is done', async () => {
  const { core, volume, join: another } = await openFamily();
  const worker = await another();
  const bytes = randomBytes(SIZES.dedicated);
  await put(core, volume, 'read', bytes);
  const open = await worker.core.objects.open({ volume, key: Buffer.from('read') });
  await core.objects.delete({ volume, key: Buffer.from('read') });
  expect((await core.collector.drain()).unlinkedContainers).toBe(0);
  const pieces: Buffer[] = [];
  for await (const piece of open.read()) pieces.push(Buffer.from(piece));
  expect(Buffer.concat(pieces)).toEqual(bytes);
  open.close();
  expect((await core.collector.drain()).unlinkedContainers).toBe(1);
});

test('while a worker cannot be asked nothing is reclaimed', async () => {
  const { core, volume } = await openFamily();
  const silent = randomBytes(16);
  core.workers.expect(silent);
  await put(core, volume, 'gone', randomBytes(SIZES.dedicated));
  await core.objects.delete({ volume, key: Buffer.from('gone') });
  expect((await core.collector.drain()).unlinkedContainers).toBe(0);
  core.workers.ended(silent);
  expect((await core.collector.drain()).unlinkedContainers).toBe(1);
});

test('a container that a worker may still write to is not removed, though all in it is dead', async () => {
  const { core, volume, join: another } = await openFamily();
  const worker = await another();
  await put(worker.core, volume, 'gone', randomBytes(SIZES.packed));
  const [segment] = await worker.extents.list();
  await core.objects.delete({ volume, key: Buffer.from('gone') });
  expect((await core.collector.drain()).unlinkedContainers).toBe(0);
  await put(worker.core, volume, 'next', randomBytes(SIZES.packed));
  expect((await worker.extents.list()).map(({ container }) => container)).toEqual([segment?.container]);
  expect(await get(core, volume, 'next')).toHaveLength(SIZES.packed);
});

test('what a worker that died stored for nobody is found without a restart, and no other worker’s', async () => {
  const { core, volume, join: another } = await openFamily();
  const [dead, alive] = [await another(), await another()];
  for (const { core: worker } of [dead, alive]) {
    const writer = worker.objects.stage({ lengthBytes: SIZES.dedicated });
    await writer.write(randomBytes(SIZES.dedicated));
    await writer.finish();
  }
  expect(await dead.extents.list()).toHaveLength(2);
  dead.die();
  await expect
    .poll(async () => {
      await core.collector.drain();
      return (await alive.extents.list()).length;
    })
    .toBe(1);
  await put(alive.core, volume, 'after', randomBytes(SIZES.dedicated));
  expect(await get(core, volume, 'after')).toHaveLength(SIZES.dedicated);
});

test('while the store is away what needs it waits, and goes on when it is back', async () => {
  const { volume, join: another } = await openFamily();
  const { core: worker, access } = await another();
  await put(worker, volume, 'there', randomBytes(SIZES.loose));
  const store = await access.reach();
  access.away();
  let isRead = false;
  const reading = get(worker, volume, 'there').then((bytes) => {
    isRead = true;
    return bytes;
  });
  const writing = put(worker, volume, 'new', randomBytes(SIZES.loose));
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(isRead).toBe(false);
  access.connected(store);
  expect(await reading).toHaveLength(SIZES.loose);
  await writing;
  expect(await get(worker, volume, 'new')).toHaveLength(SIZES.loose);
});

test('who is given no container because the store ends meanwhile may ask again', async () => {
  const { volume, join: another } = await openFamily();
  const { core: worker, access } = await another();
  const store = await access.reach();
  access.connected({
    call: (method, params) => (isLease(params) ? Promise.reject(interrupted()) : store.call(method, params)),
  });
  for (const length of [SIZES.packed, SIZES.dedicated])
    await expect(put(worker, volume, 'new', randomBytes(length))).rejects.toMatchObject({
      code: 'Interrupted',
    });
  access.connected(store);
  for (const length of [SIZES.packed, SIZES.dedicated]) {
    await put(worker, volume, 'new', randomBytes(length));
    expect(await get(worker, volume, 'new')).toHaveLength(length);
  }
});

const isLease = (params: unknown): boolean =>
  typeof params === 'object' &&
  params !== null &&
  'command' in params &&
  params.command === 'leaseContainers';
