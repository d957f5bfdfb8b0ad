/** Who may reach a volume as files, and the owner and modes of what S3 makes in it. */

import { isIP } from 'node:net';
import type { Op, ReadTx } from '@facet/engine';
import type { Command } from '../commands/command.ts';
import { FsError } from '../errors.ts';
import { ROOT_INODE, type VolumeId } from '../ids.ts';
import { volumeExportKey, volumeKey } from '../meta/keys.ts';
import { decodeExport, encodeExport, encodeVolume } from '../meta/records/volume.ts';
import { loadInode, storeInode } from '../tree/inodes.ts';
import { type Change, changeVolume, viewVolume } from '../tree/scope.ts';
import type { Export, ExportChanges, ExportPolicy, Volume } from './types.ts';

/** Whoever is on this machine, and nobody else, until somebody says otherwise. */
const LOOPBACK = ['127.0.0.0/8', '::1/128'] as const;
const ID_MAX = 2 ** 32 - 1;
/** No set-id bits on files: whoever may PUT would make programs that run as the owner. Group and sticky of directories are of use. */
const MODE_BITS = { fileMode: 0o1777, directoryMode: 0o3777 } as const;
const CLIENTS_MAX = 1000;

type Defaults = Volume['defaults'];

/** @throws FsError NoSuchVolume */
export function* getExport(tx: ReadTx, id: VolumeId): Op<ExportPolicy> {
  const { volume } = yield* viewVolume(tx, id);
  const stored = yield* tx.get(volumeExportKey(id));
  return effective(volume, stored ? decodeExport(stored) : {});
}

/** What was set, and so is stored. */
type SetPolicy = Partial<ExportPolicy>;

function effective({ defaults }: Volume, set: SetPolicy): ExportPolicy {
  const anonymousIsOwner = set.anonymousUid === undefined && set.anonymousGid === undefined;
  return {
    clients: LOOPBACK,
    readOnly: false,
    squash: 'root',
    anonymousUid: defaults.uid,
    anonymousGid: defaults.gid,
    ...(anonymousIsOwner && { anonymousIsOwner }),
    securePorts: false,
    ...set,
  };
}

/** Policy and defaults in one transaction: all of the changes, or, where one of them is refused, none. */
export const setExport: Command<{ readonly volume: VolumeId; readonly changes: ExportChanges }, Export> = {
  name: 'setExport',
  runsWhenFull: true,
  *run(tx, { volume: id, changes }, context) {
    const { defaults, ...policy } = changes;
    checkPolicy(policy);
    if (defaults) checkDefaults(defaults);
    const change = yield* changeVolume(tx, id, context);
    const key = volumeExportKey(id);
    const stored = yield* tx.get(key);
    const next = changed(stored ? decodeExport(stored) : {}, policy);
    tx.put(key, encodeExport(next));
    const volume = defaults ? yield* putDefaults(change, defaults) : change.volume;
    return { volume, policy: effective(volume, next) };
  },
};

function changed(
  set: SetPolicy,
  { anonymousUid, anonymousGid, ...changes }: Omit<ExportChanges, 'defaults'>,
): SetPolicy {
  const next: { -readonly [K in keyof SetPolicy]: SetPolicy[K] } = { ...set, ...changes };
  const ids = { anonymousUid, anonymousGid };
  for (const what of ['anonymousUid', 'anonymousGid'] as const) {
    const id = ids[what];
    if (id === null) delete next[what];
    else if (id !== undefined) next[what] = id;
  }
  return next;
}

function* putDefaults(change: Change, changes: Partial<Defaults>): Op<Volume> {
  const old = change.volume.defaults;
  const next = { ...change.volume, defaults: { ...old, ...changes } };
  change.tx.put(volumeKey(next.id), encodeVolume(next));
  const root = yield* loadInode(change, ROOT_INODE);
  if (root.uid === old.uid && root.gid === old.gid && root.mode === old.directoryMode) {
    const { uid, gid, directoryMode: mode } = next.defaults;
    storeInode(change, ROOT_INODE, { ...root, uid, gid, mode, ctime: change.now, change: root.change + 1 });
  }
  return next;
}

/** @throws FsError Invalid */
function checkPolicy({ anonymousUid, anonymousGid, clients }: ExportChanges): void {
  checkIds({ anonymousUid, anonymousGid });
  if (clients) checkNetworks(clients);
}

/** @throws FsError Invalid */
function checkDefaults({ uid, gid, directoryMode, fileMode }: Partial<Defaults>): void {
  checkIds({ uid, gid });
  checkModes({ directoryMode, fileMode });
}

/** @throws FsError Invalid */
function checkIds(ids: Readonly<Record<string, number | null | undefined>>): void {
  for (const [what, id] of Object.entries(ids)) {
    if (id === undefined || id === null || (Number.isInteger(id) && id >= 0 && id <= ID_MAX)) continue;
    throw new FsError('Invalid', `${what}: ${id} is no id: 0 to ${ID_MAX}`);
  }
}

/** @throws FsError Invalid */
function checkModes(modes: Readonly<Record<keyof typeof MODE_BITS, number | undefined>>): void {
  for (const what of ['fileMode', 'directoryMode'] as const) {
    const mode = modes[what];
    const bits = MODE_BITS[what];
    if (mode === undefined || (Number.isInteger(mode) && (mode & bits) === mode)) continue;
    const said = Number.isInteger(mode) ? mode.toString(8).padStart(4, '0') : mode;
    const rule = what === 'fileMode' ? 'no set-uid and no set-gid' : 'no set-uid';
    throw new FsError('Invalid', `${what}: ${said} is no mode for it: 0 to 7777 in octal, ${rule}`);
  }
}

/** @throws FsError Invalid */
function checkNetworks(networks: readonly string[]): void {
  if (networks.length > CLIENTS_MAX) {
    throw new FsError('Invalid', `${networks.length} client networks are more than ${CLIENTS_MAX}`);
  }
  for (const network of networks) {
    if (!isNetwork(network)) {
      throw new FsError(
        'Invalid',
        `${JSON.stringify(network)} is no network: write it as 10.1.0.0/16 or fd00::/8`,
      );
    }
  }
}

function isNetwork(text: string): boolean {
  const [address = '', bits = '', ...more] = text.split('/');
  const family = isIP(address);
  if (family === 0 || more.length > 0 || !/^(0|[1-9]\d{0,2})$/.test(bits) || address.includes('%'))
    return false;
  return Number(bits) <= (family === 4 ? 32 : 128);
}
