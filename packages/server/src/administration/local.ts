/** Administration of a store that this process holds open. */

import { type AccessKey, type Core, FsError, type Timestamp, type Volume } from '@facet/core';
import { isBucketName } from '@facet/gateway-s3';
import { usageFailure } from '../failure.ts';
import {
  type Administration,
  type KeyReport,
  type NewKeyReport,
  VOLUME_PAGE_LIMIT,
  type VolumeDetails,
  type VolumeReport,
} from './contract.ts';

export function administerCore(core: Core): Administration {
  const findVolume = async (name: string): Promise<Volume> => {
    const volume = await core.volumes.find(name);
    if (volume === undefined) throw new FsError('NoSuchVolume', `there is no volume named '${name}'`);
    return volume;
  };

  return {
    createVolume: async (volume) => {
      checkVolumeName(volume.name);
      return reportVolume(await core.volumes.create(volume));
    },

    listVolumes: async ({ owner, after }) => {
      const page = await core.volumes.list({
        ...(owner === undefined ? {} : { owner }),
        ...(after === undefined ? {} : { after }),
        limit: VOLUME_PAGE_LIMIT,
      });
      return { volumes: page.volumes.map(reportVolume), truncated: page.truncated };
    },

    showVolume: async (name) => {
      const volume = await findVolume(name);
      return reportDetails(volume, await core.volumes.usage(volume.id));
    },

    deleteVolume: async (name) => {
      const volume = await findVolume(name);
      await core.volumes.delete(volume.id);
      return reportVolume(volume);
    },

    createKey: async ({ account, accessKeyId, secretAccessKey, displayName, email }) => {
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
      if (account !== undefined && (await core.accounts.find(account)) === undefined) {
        throw new FsError('NoSuchAccount', `there is no account named '${account}'`);
      }
      return (await core.accounts.listKeys(account)).map(reportKey);
    },

    deleteKey: async (accessKeyId) => reportKey(await core.accounts.deleteKey(accessKeyId)),
  };
}

/** A volume that S3 could not name would be out of every client's reach. @throws CommandFailure (2) */
function checkVolumeName(name: string): void {
  if (isBucketName(name)) return;
  throw usageFailure(
    `'${name}' is no name for a volume: 3 to 63 lower-case letters, digits, hyphens and dots, as in a bucket's name`,
  );
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

function reportDetails(
  volume: Volume,
  usage: { readonly bytes: number; readonly inodes: number },
): VolumeDetails {
  const { uid, gid, directoryMode, fileMode } = volume.defaults;
  return {
    ...reportVolume(volume),
    usage: { bytes: usage.bytes, inodes: usage.inodes },
    defaults: { uid, gid, directoryMode: octal(directoryMode), fileMode: octal(fileMode) },
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
