/** Volumes, what they use, accounts and access keys. */

import { layerId, timestamp, volumeId } from '../../ids.ts';
import { assert } from '../../invariant.ts';
import type {
  AccessKey,
  Account,
  ExportPolicy,
  Quota,
  Squash,
  Volume,
  VolumeUsage,
} from '../../volumes/types.ts';
import { Reader, Writer } from '../codec.ts';

const VOLUME_TAG = { posixMetadata: 1, quotaBytes: 2, quotaInodes: 3 } as const;

export function encodeVolume(volume: Volume): Buffer {
  const { defaults, posixMetadata, quota } = volume;
  const { bytes, inodes } = quota ?? {};
  const writer = new Writer(128)
    .u8(1)
    .u64(volume.id)
    .u32(volume.layer)
    .bigU64(volume.created)
    .u32(defaults.uid)
    .u32(defaults.gid)
    .u16(defaults.directoryMode)
    .u16(defaults.fileMode)
    .text(volume.name)
    .text(volume.owner);
  if (posixMetadata) writer.field(VOLUME_TAG.posixMetadata, () => undefined);
  if (bytes !== undefined) writer.field(VOLUME_TAG.quotaBytes, (field) => field.u64(bytes));
  if (inodes !== undefined) writer.field(VOLUME_TAG.quotaInodes, (field) => field.u64(inodes));
  return writer.done();
}

export function decodeVolume(bytes: Uint8Array): Volume {
  const reader = new Reader(bytes).schema(1, 'volume');
  const fixed = {
    id: volumeId(reader.u64()),
    layer: layerId(reader.u32()),
    created: timestamp(reader.bigU64()),
    defaults: { uid: reader.u32(), gid: reader.u32(), directoryMode: reader.u16(), fileMode: reader.u16() },
    name: reader.text(),
    owner: reader.text(),
  };
  let posixMetadata: true | undefined;
  const quota: { -readonly [K in keyof Quota]: Quota[K] } = {};
  reader.fields({
    [VOLUME_TAG.posixMetadata]: () => {
      posixMetadata = true;
    },
    [VOLUME_TAG.quotaBytes]: (field) => {
      quota.bytes = field.u64();
    },
    [VOLUME_TAG.quotaInodes]: (field) => {
      quota.inodes = field.u64();
    },
  });
  const hasQuota = Object.keys(quota).length > 0;
  return { ...fixed, ...(posixMetadata && { posixMetadata }), ...(hasQuota && { quota }) };
}

const EXPORT_TAG = {
  clients: 1,
  readOnly: 2,
  squash: 3,
  anonymousUid: 4,
  anonymousGid: 5,
  securePorts: 6,
} as const;
const SQUASHES: readonly Squash[] = ['none', 'root', 'all'];

/** Holds what was set. */
export function encodeExport(policy: Partial<ExportPolicy>): Buffer {
  const writer = new Writer(128).u8(1);
  const { clients, readOnly, squash, anonymousUid, anonymousGid, securePorts } = policy;
  if (clients) writer.field(EXPORT_TAG.clients, (field) => field.raw(Buffer.from(clients.join(' '))));
  if (readOnly !== undefined) writer.field(EXPORT_TAG.readOnly, (field) => field.u8(readOnly ? 1 : 0));
  if (squash) writer.field(EXPORT_TAG.squash, (field) => field.u8(SQUASHES.indexOf(squash)));
  if (anonymousUid !== undefined) writer.field(EXPORT_TAG.anonymousUid, (field) => field.u32(anonymousUid));
  if (anonymousGid !== undefined) writer.field(EXPORT_TAG.anonymousGid, (field) => field.u32(anonymousGid));
  if (securePorts !== undefined) {
    writer.field(EXPORT_TAG.securePorts, (field) => field.u8(securePorts ? 1 : 0));
  }
  return writer.done();
}

export function decodeExport(bytes: Uint8Array): Partial<ExportPolicy> {
  const policy: { -readonly [K in keyof ExportPolicy]?: ExportPolicy[K] } = {};
  new Reader(bytes).schema(1, 'export policy').fields({
    [EXPORT_TAG.clients]: (field) => {
      const clients = field.rest().toString();
      policy.clients = clients === '' ? [] : clients.split(' ');
    },
    [EXPORT_TAG.readOnly]: (field) => {
      policy.readOnly = field.u8() === 1;
    },
    [EXPORT_TAG.squash]: (field) => {
      const squash = SQUASHES[field.u8()];
      assert(squash !== undefined, 'a squash is known');
      policy.squash = squash;
    },
    [EXPORT_TAG.anonymousUid]: (field) => {
      policy.anonymousUid = field.u32();
    },
    [EXPORT_TAG.anonymousGid]: (field) => {
      policy.anonymousGid = field.u32();
    },
    [EXPORT_TAG.securePorts]: (field) => {
      policy.securePorts = field.u8() === 1;
    },
  });
  return policy;
}

export function encodeUsage(usage: VolumeUsage): Buffer {
  return new Writer(17).u8(1).u64(usage.bytes).u64(usage.inodes).done();
}

export function decodeUsage(bytes: Uint8Array): VolumeUsage {
  const reader = new Reader(bytes).schema(1, 'usage');
  return { bytes: reader.u64(), inodes: reader.u64() };
}

export function encodeAccount(account: Account): Buffer {
  const writer = new Writer(256)
    .u8(1)
    .bigU64(account.created)
    .text(account.name)
    .text(account.canonicalId)
    .text(account.displayName);
  const { email } = account;
  if (email) writer.field(1, (field) => field.raw(Buffer.from(email)));
  return writer.done();
}

export function decodeAccount(bytes: Uint8Array): Account {
  const reader = new Reader(bytes).schema(1, 'account');
  const account = {
    created: timestamp(reader.bigU64()),
    name: reader.text(),
    canonicalId: reader.text(),
    displayName: reader.text(),
  };
  let email: string | undefined;
  reader.fields({
    1: (field) => {
      email = field.rest().toString();
    },
  });
  return email ? { ...account, email } : account;
}

export function encodeAccessKey(key: AccessKey): Buffer {
  return new Writer(192)
    .u8(1)
    .bigU64(key.created)
    .text(key.accessKeyId)
    .text(key.secretKey)
    .text(key.account)
    .done();
}

export function decodeAccessKey(bytes: Uint8Array): AccessKey {
  const reader = new Reader(bytes).schema(1, 'access key');
  return {
    created: timestamp(reader.bigU64()),
    accessKeyId: reader.text(),
    secretKey: reader.text(),
    account: reader.text(),
  };
}

export function encodeNumber(value: number): Buffer {
  return new Writer(9).u8(1).u64(value).done();
}

export function decodeNumber(bytes: Uint8Array): number {
  return new Reader(bytes).schema(1, 'number').u64();
}
