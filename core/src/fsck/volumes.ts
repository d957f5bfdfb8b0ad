/** Volumes, their names and owners, accounts and keys, layers, leases and counters. */

import { type ContainerId, containerName } from '@facet/extents';
import { type LayerId, layerId, ROOT_INODE, volumeId } from '../ids.ts';
import {
  accountKey,
  callKey,
  clientOfCallKey,
  counterKey,
  describeCallKey,
  firstOfLeaseKey,
  inodeKey,
  layerBounds,
  layerOfKey,
  SPACE,
  spaceBounds,
  textOfKey,
  volumeKey,
  volumeNameKey,
  volumeOfKey,
} from '../meta/keys.ts';
import { decodeBackupMark } from '../meta/records/backup.ts';
import { decodeCall } from '../meta/records/call.ts';
import { decodeInode } from '../meta/records/inode.ts';
import { decodeTags } from '../meta/records/object.ts';
import {
  decodeAccessKey,
  decodeAccount,
  decodeExport,
  decodeNumber,
  decodeVolume,
} from '../meta/records/volume.ts';
import { CONTAINER_IDS } from '../recovery/leases.ts';
import type { Volume } from '../volumes/types.ts';
import { movesCounter } from './mends/contents.ts';
import { makesRoot } from './mends/inodes.ts';
import { removal } from './mends/mend.ts';
import { namesVolume } from './mends/space.ts';
import { decoded, type Inspection, readable } from './store.ts';

const STORE = 'the store';

type Unlayered = Pick<Inspection, 'store' | 'maxima' | 'report'>;

/** Every volume's layer. Volumes are few: they are held in memory. */
export async function checkVolumes(inspection: Unlayered): Promise<Map<LayerId, Volume>> {
  const { store, report, maxima } = inspection;
  const layers = new Map<LayerId, Volume>();
  for await (const entry of store.entries(spaceBounds(SPACE.volume))) {
    const what = `volume ${volumeOfKey(entry.key)}`;
    const volume = readable(inspection, entry, { what, where: STORE, decode: decodeVolume });
    if (!volume) continue;
    maxima.note('volume', volume.id);
    maxima.note('layer', volume.layer);
    const [name, owner, root] = await store.getMany([
      volumeNameKey(volume.name),
      accountKey(volume.owner),
      inodeKey(volume.layer, ROOT_INODE),
    ]);
    const place = { what: `volume ${volume.name}`, where: STORE };
    const named = decoded(name, decodeNumber);
    if (volume.id !== volumeOfKey(entry.key) || named !== volume.id) {
      const detail = `its id is ${volume.id}, its name leads to ${named ?? 'nothing'}`;
      report('volumeNameWrong', place, detail, named === undefined ? namesVolume(volume) : undefined);
    }
    if (!owner) report('volumeWithoutOwner', place, `account ${volume.owner} does not exist`);
    if (!root || decoded(root, decodeInode)?.type !== 'directory') {
      report('volumeWithoutRoot', place, 'its root is no directory', root ? undefined : makesRoot(volume));
    }
    const other = layers.get(volume.layer);
    if (other) report('layerShared', place, `layer ${volume.layer} is also that of volume ${other.name}`);
    layers.set(volume.layer, volume);
  }
  await checkNames(inspection);
  await checkTenants(inspection);
  await checkLayers({ ...inspection, layers });
  return layers;
}

async function checkNames(inspection: Unlayered): Promise<void> {
  const { store, report } = inspection;
  for await (const entry of store.entries(spaceBounds(SPACE.volumeName))) {
    const place = { what: `volume name ${textOfKey(entry.key)}`, where: STORE };
    const id = readable(inspection, entry, { ...place, decode: (bytes) => volumeId(decodeNumber(bytes)) });
    if (id === undefined) continue;
    const volume = await store.get(volumeKey(id));
    const mend = removal(entry.key, place.what);
    if (!volume) report('volumeNameWrong', place, `volume ${id} does not exist`, mend);
    else if ((decoded(volume, decodeVolume)?.name ?? textOfKey(entry.key)) !== textOfKey(entry.key)) {
      report('volumeNameWrong', place, `volume ${id} has another name`, mend);
    }
  }
  for await (const entry of store.entries(spaceBounds(SPACE.volumeTags))) {
    const place = { what: `tags of volume ${volumeOfKey(entry.key)}`, where: STORE };
    readable(inspection, entry, { ...place, decode: decodeTags });
    const volume = await store.get(volumeKey(volumeId(volumeOfKey(entry.key))));
    const mend = removal(entry.key, place.what);
    if (!volume) report('volumeTagsStray', place, 'the volume does not exist', mend);
  }
  for await (const entry of store.entries(spaceBounds(SPACE.volumeExport))) {
    const place = { what: `export of volume ${volumeOfKey(entry.key)}`, where: STORE };
    readable(inspection, entry, { ...place, decode: decodeExport });
    const volume = await store.get(volumeKey(volumeId(volumeOfKey(entry.key))));
    const mend = removal(entry.key, place.what);
    if (!volume) report('volumeExportStray', place, 'the volume does not exist', mend);
  }
}

async function checkTenants(inspection: Unlayered): Promise<void> {
  const { store, report } = inspection;
  for await (const entry of store.entries(spaceBounds(SPACE.account))) {
    const place = { what: `account ${textOfKey(entry.key)}`, where: STORE };
    const account = readable(inspection, entry, { ...place, decode: decodeAccount });
    if (account && account.name !== textOfKey(entry.key)) {
      report('accountNameWrong', place, `its record is that of ${account.name}`);
    }
  }
  for await (const entry of store.entries(spaceBounds(SPACE.accessKey))) {
    const place = { what: `access key ${textOfKey(entry.key)}`, where: STORE };
    const key = readable(inspection, entry, { ...place, decode: decodeAccessKey });
    if (!key) continue;
    if (key.accessKeyId !== textOfKey(entry.key)) {
      report('accessKeyWrong', place, `its record is that of ${key.accessKeyId}`);
    }
    if (!(await store.get(accountKey(key.account)))) {
      report('accessKeyWrong', place, `account ${key.account} does not exist`);
    }
  }
}

const LAYERED: readonly (readonly [space: number, what: string])[] = [
  [SPACE.dentry, 'entries'],
  [SPACE.cookie, 'cookies'],
  [SPACE.inode, 'inodes'],
  [SPACE.directory, 'directories'],
  [SPACE.inline, 'inline bytes'],
  [SPACE.tags, 'tags'],
  [SPACE.link, 'links'],
  [SPACE.usage, 'usage'],
  [SPACE.upload, 'uploads'],
  [SPACE.orphan, 'orphans'],
  [SPACE.longName, 'long names'],
];

/** Keys of layers that no volume has. Seeks from layer to layer. */
async function checkLayers({ store, report, layers }: Pick<Inspection, 'store' | 'report' | 'layers'>) {
  for (const [space, what] of LAYERED) {
    const { end } = spaceBounds(space);
    let start = spaceBounds(space).start;
    for (;;) {
      const entry = await store.first({ start, end });
      if (!entry) break;
      const layer = layerId(layerOfKey(entry.key));
      if (!layers.has(layer)) {
        report('layerWithoutVolume', { what: `layer ${layer}`, where: STORE }, `it has ${what}`);
      }
      start = layerBounds(space, layer).end;
    }
  }
}

/** Records of calls, which nothing refers to and that refer to what may be gone. */
export async function checkCalls(inspection: Pick<Inspection, 'store' | 'report'>): Promise<void> {
  for await (const entry of inspection.store.entries(spaceBounds(SPACE.call))) {
    const what = describeCallKey(entry.key);
    const call = readable(inspection, entry, { what, where: STORE, decode: decodeCall });
    if (!call) continue;
    const client = clientOfCallKey(entry.key);
    if (callKey({ client, xid: call.xid }).equals(entry.key)) continue;
    inspection.report('callWrong', { what, where: STORE }, `its xid is ${call.xid}`);
  }
}

/** Keys of no known kind. */
export async function checkKeys({ store, report }: Pick<Inspection, 'store' | 'report'>): Promise<void> {
  const known = Object.values(SPACE).toSorted((a, b) => a - b);
  let from = 0;
  for (const space of [...known, 0xff]) {
    if (space > from) {
      const stray = await store.first({ start: Buffer.of(from), end: Buffer.of(space) });
      if (stray) {
        const what = `key ${Buffer.from(stray.key).toString('hex')}`;
        report('unknownKey', { what, where: STORE }, 'no kind of key begins so');
      }
    }
    from = space + 1;
  }
}

export async function checkBackupMarks(inspection: Inspection): Promise<void> {
  for await (const entry of inspection.store.entries(spaceBounds(SPACE.backup))) {
    const what = `mark of backups ${Buffer.from(entry.key.subarray(1)).toString('hex')}`;
    readable(inspection, entry, { what, where: STORE, decode: decodeBackupMark });
  }
}

/** Reads what no other check does, so that what is damaged of it is told of. */
export async function checkFormless({ store }: Pick<Inspection, 'store'>): Promise<void> {
  for (const space of [SPACE.format, SPACE.lockHost]) {
    for await (const _page of store.pages(spaceBounds(space)));
  }
}

/** Ids of containers that a writer may have made without the metadata knowing yet. */
export interface LeasedRange {
  readonly first: number;
  readonly end: number;
}

export async function checkLeases(inspection: Inspection): Promise<readonly LeasedRange[]> {
  const { store, report, maxima } = inspection;
  const leased: LeasedRange[] = [];
  for await (const entry of store.entries(spaceBounds(SPACE.lease))) {
    const first = firstOfLeaseKey(entry.key);
    const place = { what: leaseFrom(first), where: STORE };
    const count = readable(inspection, entry, { ...place, decode: decodeNumber });
    if (count === undefined) continue;
    maxima.note(CONTAINER_IDS, first + count - 1);
    leased.push({ first, end: first + count });
  }
  leased.sort((a, b) => a.first - b.first);
  for (const [index, { first, end }] of leased.entries()) {
    const next = leased[index + 1];
    if (!next || next.first >= end) continue;
    const place = { what: leaseFrom(next.first), where: STORE };
    report(
      'leasesOverlap',
      place,
      `containers ${containerName(first)} to ${containerName(end - 1)} are leased too`,
    );
  }
  return leased;
}

const leaseFrom = (first: number): string => `lease of containers from ${containerName(first)}`;

export const isLeased = (leased: readonly LeasedRange[], container: ContainerId): boolean =>
  leased.some(({ first, end }) => container >= first && container < end);

/** Runs last: every id seen is below what its counter would give next. */
export async function checkCounters(inspection: Inspection): Promise<void> {
  const { store, report, maxima } = inspection;
  for await (const entry of store.entries(spaceBounds(SPACE.counter))) {
    const what = `counter ${textOfKey(entry.key)}`;
    readable(inspection, entry, { what, where: STORE, decode: decodeNumber });
  }
  for (const [name, greatest] of maxima) {
    const stored = await store.get(counterKey(name));
    const next = stored ? decoded(stored, decodeNumber) : 1;
    if (next === undefined || next > greatest) continue;
    const place = { what: `counter ${name}`, where: STORE };
    const mend = movesCounter(name, greatest);
    report('counterBehind', place, `it gives ${next} next, and ${greatest} is in use`, mend);
  }
}

export const inodeCounter = (layer: LayerId): string => `inode/${layer}`;
