/** Damage of records at large, of volumes and tenants. */

import { containerId } from '@facet/extents';
import { CONTENT_IDS, FREE_SEQUENCE } from '../../../src/contents/bodies.ts';
import { inodeId, layerId, ROOT_INODE, timestamp, volumeId } from '../../../src/ids.ts';
import {
  accessKeyKey,
  accountKey,
  callKey,
  counterKey,
  directoryKey,
  inodeKey,
  leaseKey,
  lockHostKey,
  usageKey,
  volumeExportKey,
  volumeKey,
  volumeNameKey,
  volumeTagsKey,
} from '../../../src/meta/keys.ts';
import { encodeCall } from '../../../src/meta/records/call.ts';
import { encodeTags } from '../../../src/meta/records/object.ts';
import {
  encodeAccessKey,
  encodeExport,
  encodeNumber,
  encodeVolume,
} from '../../../src/meta/records/volume.ts';
import { Volumes } from '../../../src/volumes/volumes.ts';
import { LAYER, type Vandal } from '../vandal.ts';
import type { Plants } from './plant.ts';

const NOBODY = inodeId(9_999);

async function emptyVolume(store: Vandal) {
  const volume = await new Volumes(store.world.life).create({ name: 'empty', owner: 'tester' });
  const own = [
    inodeKey(volume.layer, ROOT_INODE),
    directoryKey(volume.layer, ROOT_INODE),
    usageKey(volume.layer),
  ];
  return { volume, own };
}

function accessKey(how: { readonly accessKeyId: string; readonly account: string }): Buffer {
  return encodeAccessKey({ ...how, secretKey: 'secret', created: timestamp(1n) });
}

export const VOLUMES_PLANTS = {
  recordDamaged: [
    { what: 'an export', plant: (store) => store.damageRecord(volumeExportKey(store.world.volume)) },
    {
      what: 'a host that holds locks',
      plant: async (store) => {
        const key = lockHostKey({ address: '127.0.0.1', name: 'host' });
        await store.put(key, Buffer.alloc(0));
        store.damageRecord(key);
      },
    },
  ],
  unreadableRecord: [
    {
      what: 'tags of a volume',
      plant: (store) => store.put(volumeTagsKey(store.world.volume), Buffer.of(9)),
    },
    {
      what: 'the object in an inode',
      plant: (store) => store.editInode('packed', () => ({ object: Buffer.of(9) })),
    },
  ],
  unknownKey: [{ what: 'a key', plant: (store) => store.put(Buffer.of(0x50, 1), Buffer.of(1)) }],
  counterBehind: [
    ...[CONTENT_IDS, FREE_SEQUENCE, 'container', 'volume', 'layer', `inode/${LAYER}`].map((name) => ({
      what: name,
      plant: (store: Vandal) => store.put(counterKey(name), encodeNumber(1)),
    })),
    { what: 'no counter', plant: (store) => store.remove(counterKey(CONTENT_IDS)) },
    {
      what: 'of a container that nobody but an inode remembers',
      plant: (store) =>
        store.editInode('even', ({ body }) => {
          if (body.kind !== 'content' || !body.at) throw new Error('it remembers a place');
          return { body: { ...body, at: { ...body.at, container: containerId(999_999) } } };
        }),
    },
  ],

  volumeNameWrong: [
    { what: 'a name of no volume', plant: (store) => store.put(volumeNameKey('ghost'), encodeNumber(77)) },
    { what: 'no name', plant: (store) => store.remove(volumeNameKey('bucket')) },
    {
      what: 'two names',
      plant: (store) => store.put(volumeNameKey('second'), encodeNumber(store.world.volume)),
    },
  ],
  volumeWithoutOwner: [{ what: 'no account', plant: (store) => store.remove(accountKey('tester')) }],
  volumeWithoutRoot: [
    {
      what: 'no root',
      plant: async (store) => store.remove(...(await emptyVolume(store)).own),
    },
  ],
  layerShared: [
    {
      what: 'two volumes',
      plant: async (store) => {
        const { volume, own } = await emptyVolume(store);
        await store.remove(...own);
        await store.put(volumeKey(volume.id), encodeVolume({ ...volume, layer: LAYER }));
      },
    },
  ],
  layerWithoutVolume: [
    { what: 'usage', plant: (store) => store.put(usageKey(layerId(77)), Buffer.of(1)) },
    { what: 'an inode', plant: (store) => store.put(inodeKey(layerId(77), NOBODY), Buffer.of(1)) },
  ],
  volumeTagsStray: [
    { what: 'no volume', plant: (store) => store.put(volumeTagsKey(volumeId(77)), encodeTags([])) },
  ],
  volumeExportStray: [
    { what: 'no volume', plant: (store) => store.put(volumeExportKey(volumeId(77)), encodeExport({})) },
  ],
  accountNameWrong: [
    {
      what: 'another’s record',
      plant: async (store) => store.put(accountKey('alias'), await store.get(accountKey('tester'))),
    },
  ],
  accessKeyWrong: [
    {
      what: 'no account',
      plant: (store) => store.put(accessKeyKey('KEY'), accessKey({ accessKeyId: 'KEY', account: 'ghost' })),
    },
    {
      what: 'another’s record',
      plant: (store) => store.put(accessKeyKey('KEY'), accessKey({ accessKeyId: 'LOCK', account: 'tester' })),
    },
  ],
  callWrong: [
    {
      what: 'another place of the ring',
      plant: (store) =>
        store.put(
          callKey({ client: '10.0.0.1', xid: 5 }),
          encodeCall({ xid: 6, checksum: 1, answered: timestamp(1n) }),
        ),
    },
  ],
  leasesOverlap: [
    {
      what: 'one id twice',
      plant: async (store) => {
        await store.put(leaseKey(Buffer.alloc(16, 1), containerId(10)), encodeNumber(5));
        await store.put(leaseKey(Buffer.alloc(16, 2), containerId(14)), encodeNumber(5));
      },
    },
  ],
} satisfies Partial<Plants>;
