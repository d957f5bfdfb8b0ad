/** Keys of what a store has once: counters, accounts, volumes, leases, hosts that hold locks, backups, answered calls. */

import { Buffer } from 'node:buffer';
import type { ContainerId } from '@facet/extents';
import type { VolumeId } from '../../ids.ts';
import { getU64, putU64 } from '../bigEndian.ts';
import { withText, withU64 } from './prefixes.ts';
import { SPACE } from './spaces.ts';

export const formatKey = (): Buffer => Buffer.of(SPACE.format);
export const counterKey = (name: string): Buffer => withText(SPACE.counter, name);
export const accountKey = (name: string): Buffer => withText(SPACE.account, name);
export const accessKeyKey = (accessKeyId: string): Buffer => withText(SPACE.accessKey, accessKeyId);
export const volumeNameKey = (name: string): Buffer => withText(SPACE.volumeName, name);
export const volumeKey = (volume: VolumeId): Buffer => withU64(SPACE.volume, volume);
export const volumeTagsKey = (volume: VolumeId): Buffer => withU64(SPACE.volumeTags, volume);
export const volumeExportKey = (volume: VolumeId): Buffer => withU64(SPACE.volumeExport, volume);
/** The volume of a volume, tags or export key. */
export const volumeOfKey = (key: Uint8Array): number => getU64(key, 1);
/** The text after the space byte of an account, access key or volume name key. */
export const textOfKey = (key: Uint8Array): string => Buffer.from(key.subarray(1)).toString('utf8');

/** `instance`: 16 bytes naming one run of one worker. */
export function leaseKey(instance: Uint8Array, first: ContainerId): Buffer {
  const key = Buffer.allocUnsafe(1 + 16 + 8);
  key[0] = SPACE.lease;
  key.set(instance, 1);
  putU64(key, first, 17);
  return key;
}
export const instanceOfLeaseKey = (key: Uint8Array): Buffer => Buffer.from(key.subarray(1, 17));
export const firstOfLeaseKey = (key: Uint8Array): number => getU64(key, 17);

/** No address has a 00 in it. */
export const lockHostKey = ({ address, name }: { readonly address: string; readonly name: string }): Buffer =>
  withText(SPACE.lockHost, `${address}\0${name}`);
export function hostOfLockHostKey(key: Uint8Array): { readonly address: string; readonly name: string } {
  const text = textOfKey(key);
  const end = text.indexOf('\0');
  return { address: text.slice(0, end), name: text.slice(end + 1) };
}

/** `repository`: 16 bytes that name a directory of backups. */
export const backupKey = (repository: Uint8Array): Buffer =>
  Buffer.concat([Buffer.of(SPACE.backup), repository]);

// ---- calls ----

/** So many calls of a client are remembered: more than it has on their way at a time. */
const CALLS_PER_CLIENT = 1024;

export function callKey(call: { readonly client: string; readonly xid: number }): Buffer {
  const length = Buffer.byteLength(call.client);
  if (length === 0 || length > 255) throw new RangeError(`not a client: ${call.client}`);
  const key = Buffer.allocUnsafe(4 + length);
  key[0] = SPACE.call;
  key[1] = length;
  key.write(call.client, 2, 'utf8');
  key.writeUInt16BE(call.xid % CALLS_PER_CLIENT, 2 + length);
  return key;
}
export const clientOfCallKey = (key: Uint8Array): string => Buffer.from(key.subarray(2, -2)).toString();
/** What names a record in an error. */
export const describeCallKey = (key: Uint8Array): string =>
  `call ${Buffer.from(key).readUInt16BE(key.length - 2)} of ${clientOfCallKey(key)}`;
