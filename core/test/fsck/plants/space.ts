/** Damage of the queues, of containers, and of bytes. */

import { containerId, containerName } from '@facet/extents';
import { FREE_SEQUENCE } from '../../../src/contents/bodies.ts';
import { containerKey, deadRunKey, freeKey, reclaimKey, SPACE } from '../../../src/meta/keys.ts';
import {
  decodeContainer,
  decodeDeadRun,
  decodeReclaim,
  encodeContainer,
  encodeDeadRun,
  encodeFree,
  encodeReclaim,
} from '../../../src/meta/records/space.ts';
import { wholeRun } from '../../../src/space/frames.ts';
import type { Vandal } from '../vandal.ts';
import type { Plants } from './plant.ts';

async function only(store: Vandal, space: number) {
  const [entry, more] = await store.all(space);
  if (!entry || more) throw new Error(`there is not exactly one record in space ${space}`);
  return entry;
}

export const SPACE_PLANTS = {
  reclaimStampWrong: [
    {
      what: 'another’s',
      plant: async (store) => {
        const { key, value } = await only(store, SPACE.reclaim);
        await store.put(key, encodeReclaim({ ...decodeReclaim(value), stamp: 1 }));
      },
    },
  ],
  containerMissing: [
    {
      what: 'a file',
      plant: async (store) => store.world.life.extents.unlink((await store.locationOf('big')).container),
    },
  ],
  beyondContainer: [
    {
      what: 'a location',
      plant: async (store) => {
        const location = { ...(await store.locationOf('packed')), offset: 1 << 30 };
        await store.addContent({ lengthBytes: location.length, shape: { kind: 'single', location } });
      },
    },
  ],
  bytesOwnedTwice: [
    {
      what: 'by another content',
      plant: async (store) => {
        const location = await store.locationOf('packed');
        await store.addContent({ lengthBytes: location.length, shape: { kind: 'single', location } });
      },
    },
    {
      what: 'in part',
      plant: async (store) => {
        const whole = await store.locationOf('packed');
        const location = { ...whole, offset: whole.offset + 1_000, length: 100 };
        await store.addContent({ lengthBytes: 100, shape: { kind: 'single', location } });
      },
    },
  ],
  liveBytesDead: [
    {
      what: 'to be reclaimed',
      plant: async (store) => {
        const stamp = await store.take(FREE_SEQUENCE);
        const runs = [wholeRun(await store.locationOf('other'))];
        await store.put(reclaimKey(stamp), encodeReclaim({ stamp, runs }));
      },
    },
    {
      what: 'discarded',
      plant: async (store) => {
        const record = encodeFree({ kind: 'extent', location: await store.locationOf('other') });
        await store.put(freeKey(await store.take(FREE_SEQUENCE)), record);
      },
    },
    {
      what: 'a dead run',
      plant: async (store) => {
        const { container, offset } = await store.locationOf('other');
        await store.put(deadRunKey(container, offset + 10), encodeDeadRun({ length: 5, punched: false }));
        const { deadBytes } = decodeContainer(await store.get(containerKey(container)));
        await store.put(containerKey(container), encodeContainer({ deadBytes: deadBytes + 5 }));
      },
    },
  ],
  deadRunsWrong: [
    {
      what: 'the sum',
      plant: async (store) => {
        const { container } = await store.locationOf('other');
        const { deadBytes } = decodeContainer(await store.get(containerKey(container)));
        await store.put(containerKey(container), encodeContainer({ deadBytes: deadBytes + 1 }));
      },
    },
    {
      what: 'no sum',
      plant: async (store) => {
        const { container } = await store.locationOf('other');
        await store.remove(containerKey(container));
      },
    },
    {
      what: 'in two',
      plant: async (store) => {
        const [entry] = await store.all(SPACE.deadRun);
        if (!entry) throw new Error('there is a dead run');
        const { length, punched } = decodeDeadRun(entry.value);
        await store.put(entry.key, encodeDeadRun({ length: length - 10, punched }));
        const container = containerId(Number(entry.key.readBigUInt64BE(1)));
        const offset = Number(entry.key.readBigUInt64BE(9)) + length - 10;
        await store.put(deadRunKey(container, offset), encodeDeadRun({ length: 10, punched }));
      },
    },
  ],
  unaccountedBytes: [
    { what: 'a lost record', plant: async (store) => store.remove((await only(store, SPACE.reclaim)).key) },
  ],
  containerWithoutReferent: [
    {
      what: 'without a lease',
      plant: async (store) => {
        const writer = store.world.life.extents.create({ contentId: 1, fileOffset: 0 });
        await writer.write(Buffer.alloc(100_000));
        await writer.finish();
        await store.remove((await only(store, SPACE.lease)).key);
      },
    },
  ],
  strayFile: [
    {
      what: 'another name',
      plant: async (store) => {
        await store.world.disk.mount().create('00/stray.ext', 'buffered');
      },
    },
    {
      what: 'a container’s name in another directory',
      plant: async (store) => {
        const disk = store.world.disk.mount();
        await disk.makeDirectory('7f');
        await disk.create('7f/00000000000001.seg', 'buffered');
      },
    },
    {
      what: 'a file in the place of a directory of containers',
      plant: async (store) => {
        await store.world.disk.mount().create('7f', 'buffered');
      },
    },
    {
      what: 'an empty file with the number of a segment',
      plant: async (store) => {
        const { container } = await store.locationOf('other');
        await store.world.disk.mount().create(containerName(container, 'dedicated'), 'buffered');
      },
    },
    {
      what: 'a beginning of a large file, as a segment of the same number',
      plant: async (store) => {
        const { container } = await store.locationOf('big');
        const disk = store.world.disk.mount();
        const bytes = Buffer.alloc(100_000);
        const source = await disk.open(containerName(container, 'dedicated'), 'none');
        await source.read({ position: 0, buffers: [bytes] });
        const copy = await disk.create(containerName(container, 'segment'), 'buffered');
        await copy.write({ position: 0, buffers: [bytes] });
      },
    },
  ],
  frameMissing: [
    {
      what: 'a damaged header',
      plant: async (store) => {
        const { container, offset } = await store.locationOf('other');
        store.damage({ container, offset: offset + 9 });
      },
    },
  ],
  frameOwnerWrong: [
    {
      what: 'two changed places',
      plant: async (store) => {
        const [even, odd] = [await store.locationOf('even'), await store.locationOf('odd')];
        await store.editContent(await store.contentOf('even'), { shape: { kind: 'single', location: odd } });
        await store.editContent(await store.contentOf('odd'), { shape: { kind: 'single', location: even } });
      },
    },
  ],
  frameDamaged: [
    {
      what: 'a byte',
      plant: async (store) => {
        const { container, offset } = await store.locationOf('other');
        store.damage({ container, offset: offset + 30_000 });
      },
    },
  ],
} satisfies Partial<Plants>;
