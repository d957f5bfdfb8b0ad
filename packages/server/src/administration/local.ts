/** Administration of a store that this process holds open. */

import { dirname } from 'node:path';
import {
  type AccessKey,
  type Account,
  type AffectedObject,
  type Core,
  type ExportPolicy,
  FsError,
  type Timestamp,
  type Volume,
} from '@facet/core';
import { type ContainerInfo, containerName } from '@facet/extents';
import { EXIT } from '../exitCodes.ts';
import { CommandFailure, usageFailure } from '../failure.ts';
import { ROOT_ACCOUNT } from '../serve/rootCredentials.ts';
import { smallFilesOf, withPlaceForBackups } from '../store/backups.ts';
import { refuseNested } from '../store/nesting.ts';
import { ACCESS_KEY_VARIABLE, readCredentialsFile } from '../store/rootCredentialsFile.ts';
import {
  type AccountReport,
  type Administration,
  type ExportReport,
  type KeyReport,
  type ListedVolume,
  type NewKey,
  type NewKeyReport,
  VOLUME_PAGE_LIMIT,
  type VolumeDetails,
  type VolumeReport,
} from './contract.ts';
import { legiblePath } from './legiblePath.ts';

/**
 * @param parts `rootCredentials`: the file that names the root account's key; `nfsHandleKey`: what file handles are
 * sealed with
 */
export function administerCore({
  core,
  rootCredentials,
  nfsHandleKey,
}: {
  readonly core: Core;
  readonly rootCredentials: string;
  readonly nfsHandleKey: string;
}): Administration {
  const findVolume = async (name: string): Promise<Volume> => {
    const volume = await core.volumes.find(name);
    if (volume === undefined) throw new FsError('NoSuchVolume', `there is no volume named '${name}'`);
    return volume;
  };

  const requireAccount = async (name: string): Promise<Account> => {
    const account = await core.accounts.find(name);
    if (account !== undefined) return account;
    throw new FsError(
      'NoSuchAccount',
      `there is no account named '${name}'; 'facet key create' makes accounts`,
    );
  };

  return {
    createVolume: async (volume) => {
      await checkVolumeName(volume.name);
      await requireAccount(volume.owner);
      return reportVolume(await core.volumes.create(volume));
    },

    listVolumes: async ({ owner, after }) => {
      if (owner !== undefined) await requireAccount(owner);
      const page = await core.volumes.list({
        ...(owner === undefined ? {} : { owner }),
        ...(after === undefined ? {} : { after }),
        limit: VOLUME_PAGE_LIMIT,
      });
      const volumes: ListedVolume[] = [];
      for (const volume of page.volumes) volumes.push(await reportListed(core, volume));
      return { volumes, truncated: page.truncated };
    },

    showVolume: async (name) => {
      return reportDetails(core, await findVolume(name));
    },

    setVolume: async (name, changes) => {
      const { id } = await findVolume(name);
      return reportDetails(core, await core.volumes.setSettings(id, changes));
    },

    deleteVolume: async (name) => {
      const volume = await findVolume(name);
      await core.volumes.delete(volume.id);
      return reportVolume(volume);
    },

    listExports: async ({ after }) => {
      const limit = VOLUME_PAGE_LIMIT;
      const page = await core.volumes.list({ ...(after === undefined ? {} : { after }), limit });
      const exports: ExportReport[] = [];
      for (const volume of page.volumes) {
        exports.push(reportExport(volume, await core.volumes.getExport(volume.id)));
      }
      return { exports, truncated: page.truncated };
    },

    showExport: async (name) => {
      const volume = await findVolume(name);
      return reportExport(volume, await core.volumes.getExport(volume.id));
    },

    setExport: async (name, changes) => {
      const { owner, directoryMode, fileMode, ...policy } = changes;
      const { id } = await findVolume(name);
      const defaults = {
        ...owner,
        ...(directoryMode === undefined ? {} : { directoryMode: Number.parseInt(directoryMode, 8) }),
        ...(fileMode === undefined ? {} : { fileMode: Number.parseInt(fileMode, 8) }),
      };
      const set = await core.volumes.setExport(id, {
        ...policy,
        ...(Object.keys(defaults).length > 0 && { defaults }),
      });
      return reportExport(set.volume, set.policy);
    },

    listAccounts: async () => {
      const keys = Map.groupBy(await core.accounts.listKeys(), ({ account }) => account);
      return (await core.accounts.list()).map((account) => ({
        ...reportAccount(account),
        keys: keys.get(account.name)?.length ?? 0,
      }));
    },

    showAccount: async (name) => {
      const account = await requireAccount(name);
      const keys = await core.accounts.listKeys(name);
      const volumes = await countVolumes(core, name);
      return { ...reportAccount(account), keys: keys.length, accessKeys: keys.map(reportKey), volumes };
    },

    deleteAccount: async (name) => {
      checkNotRootAccount(name);
      const { account, keys } = await core.accounts.delete(name);
      return { ...reportAccount(account), keys: keys.length };
    },

    createKey: async (newKey) => {
      const { account, accessKeyId, secretAccessKey, displayName, email } = newKey;
      await checkExistingAccount(core, newKey);
      const key = await core.accounts.createKey({
        account,
        createAccount: {
          ...(displayName === undefined ? {} : { displayName }),
          ...(email === undefined ? {} : { email }),
        },
        ...(accessKeyId === undefined ? {} : { accessKeyId }),
        ...(secretAccessKey === undefined ? {} : { secretKey: secretAccessKey }),
      });
      return reportNewKey(core, key);
    },

    listKeys: async (account) => {
      if (account !== undefined) await requireAccount(account);
      return (await core.accounts.listKeys(account)).map(reportKey);
    },

    scrub: async (options) => {
      const { damaged, damagedRecords, ...report } = await core.scrub(options);
      return { ...report, damagedRecords: [...damagedRecords], damaged: damaged.map(reportDamaged) };
    },

    backup: async ({ to, ...options }) => {
      refuseNested(dirname(rootCredentials), to);
      const smallFiles = smallFilesOf([rootCredentials, nfsHandleKey]);
      const report = await withPlaceForBackups(to, (disk) =>
        core.backup({ to: disk, smallFiles, ...options }),
      );
      const { damaged, damagedRecords, changes: _changes, ...counts } = report;
      return { ...counts, damagedRecords: [...damagedRecords], damaged: damaged.map(reportDamaged) };
    },

    compact: async (options) => ({ ...(await core.compact(options)) }),

    deleteKey: async (accessKeyId) => {
      checkNotRootKey(rootCredentials, accessKeyId);
      return reportKey(await core.accounts.deleteKey(accessKeyId));
    },
  };
}

/** A volume that S3 could not name would be out of every client's reach. @throws CommandFailure (2) */
async function checkVolumeName(name: string): Promise<void> {
  // Loaded only here: of the commands that open a store themselves no other needs anything of a door.
  const { isBucketName } = await import('@facet/gateway-s3');
  if (isBucketName(name)) return;
  throw usageFailure(
    `'${name}' is no name for a volume: 3 to 63 lower-case letters, digits, hyphens and dots, as in a bucket's name`,
  );
}

/** @throws FsError AccountExists, called otherwise than the new key's maker calls it */
async function checkExistingAccount(core: Core, { account, displayName, email }: NewKey): Promise<void> {
  const found = await core.accounts.find(account);
  if (found === undefined) return;
  const differs = [
    ...(displayName === undefined || displayName === found.displayName
      ? []
      : [`its display name is '${found.displayName}'`]),
    ...(email === undefined || email === found.email
      ? []
      : [found.email === undefined ? 'it has no e-mail address' : `its e-mail address is ${found.email}`]),
  ];
  if (differs.length === 0) return;
  throw new FsError(
    'AccountExists',
    `account '${account}' exists already, and ${differs.join(' and ')}: name and address are given to a new account only, so leave them out`,
  );
}

/** Deleted alone, the next start would make it again. @throws CommandFailure (4) */
function checkNotRootKey(path: string, accessKeyId: string): void {
  const root = readCredentialsFile(path);
  if (root?.accessKeyId !== accessKeyId) return;
  const back =
    root.source === 'generated'
      ? 'the next start makes another'
      : `the next start brings it back where ${ACCESS_KEY_VARIABLE} still names it`;
  throw new CommandFailure({
    exitCode: EXIT.conflict,
    code: 'RootAccessKey',
    message: `${accessKeyId} is the root access key: remove ${path} first, then delete it (${back})`,
  });
}

/** Every start makes it, and its key with it. @throws CommandFailure (4) */
function checkNotRootAccount(name: string): void {
  if (name !== ROOT_ACCOUNT) return;
  throw new CommandFailure({
    exitCode: EXIT.conflict,
    code: 'RootAccount',
    message: `account '${ROOT_ACCOUNT}' cannot be deleted: every start makes it; 'facet key delete' takes its keys`,
  });
}

function reportDamaged({
  container,
  kind,
  offset,
  reason,
  objects,
}: {
  readonly container: number;
  readonly kind?: ContainerInfo['kind'];
  readonly offset: number;
  readonly reason: string;
  readonly objects: readonly AffectedObject[];
}) {
  return { container: containerName(container, kind), offset, reason, objects: [...objects] };
}

const NANOSECONDS_PER_MILLISECOND = 1_000_000n;

function isoTime(time: Timestamp): string {
  return new Date(Number(time / NANOSECONDS_PER_MILLISECOND)).toISOString();
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}

function reportVolume(volume: Volume): VolumeReport {
  return { name: volume.name, id: volume.id, owner: volume.owner, created: isoTime(volume.created) };
}

async function reportListed(core: Core, volume: Volume): Promise<ListedVolume> {
  const { bytes, inodes } = await core.volumes.usage(volume.id);
  return {
    ...reportVolume(volume),
    usage: { bytes, inodes },
    quota: { bytes: volume.quota?.bytes ?? null, inodes: volume.quota?.inodes ?? null },
  };
}

async function countVolumes(core: Core, owner: string): Promise<number> {
  let count = 0;
  for (let after: string | undefined; ; ) {
    const page = await core.volumes.list({ owner, ...(after && { after }), limit: VOLUME_PAGE_LIMIT });
    count += page.volumes.length;
    after = page.volumes.at(-1)?.name;
    if (!page.truncated) return count;
  }
}

async function reportDetails(core: Core, volume: Volume): Promise<VolumeDetails> {
  const { uid, gid, directoryMode, fileMode } = volume.defaults;
  const { files, directories, paths, complete } = await core.volumes.unshown(volume.id);
  return {
    ...(await reportListed(core, volume)),
    unshown: { files, directories, paths: paths.map(legiblePath), complete },
    defaults: { uid, gid, directoryMode: octal(directoryMode), fileMode: octal(fileMode) },
    posixMetadata: volume.posixMetadata === true,
  };
}

function reportExport(volume: Volume, policy: ExportPolicy): ExportReport {
  const { uid, gid, directoryMode, fileMode } = volume.defaults;
  return {
    name: volume.name,
    path: `/${volume.name}`,
    ...policy,
    clients: [...policy.clients],
    anonymousIsOwner: policy.anonymousIsOwner === true,
    owner: { uid, gid },
    directoryMode: octal(directoryMode),
    fileMode: octal(fileMode),
  };
}

function reportAccount(account: Account): Omit<AccountReport, 'keys'> {
  const { name, displayName, email, canonicalId, created } = account;
  return {
    name,
    displayName,
    ...(email === undefined ? {} : { email }),
    canonicalId,
    created: isoTime(created),
  };
}

function reportKey(key: AccessKey): KeyReport {
  return { accessKeyId: key.accessKeyId, account: key.account, created: isoTime(key.created) };
}

async function reportNewKey(core: Core, key: AccessKey): Promise<NewKeyReport> {
  const account = await core.accounts.find(key.account);
  if (account === undefined)
    throw new FsError('NoSuchAccount', `account '${key.account}' was deleted meanwhile`);
  return {
    ...reportKey(key),
    secretAccessKey: key.secretKey,
    canonicalId: account.canonicalId,
    displayName: account.displayName,
    ...(account.email === undefined ? {} : { email: account.email }),
  };
}
