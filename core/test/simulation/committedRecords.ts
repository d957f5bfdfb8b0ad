/** What the store has committed, for a model that must not ask it. */

import { createHash } from 'node:crypto';
import type { MemoryState } from '@facet/engine';
import { type FileRef, type InodeId, type Volume, type VolumeId, volumeId } from '../../src/index.ts';
import {
  dentryKey,
  type EntryName,
  inodeKey,
  uploadsOf,
  volumeKey,
  volumeNameKey,
} from '../../src/meta/keys.ts';
import { decodeInode } from '../../src/meta/records/inode.ts';
import { decodeDentry } from '../../src/meta/records/tree.ts';
import { decodeUpload, type UploadRecord } from '../../src/meta/records/upload.ts';
import { decodeNumber, decodeVolume } from '../../src/meta/records/volume.ts';
import { Broken } from './invariants.ts';

/** Of every record. */
export function digestOf(state: MemoryState): string {
  const hash = createHash('sha256');
  const all = { start: Buffer.of(0), end: Buffer.of(0xff), limit: Number.POSITIVE_INFINITY };
  for (const { key, value } of state.range(all)) {
    hash.update(`${key.length} ${value.length} `);
    hash.update(key).update(value);
  }
  return hash.digest('hex');
}

/** What an entry leads to. */
export function inodeAt(
  state: MemoryState,
  { volume, parent, name }: { readonly volume: Volume; readonly parent: InodeId; readonly name: EntryName },
): InodeId | undefined {
  const stored = state.get(dentryKey(volume.layer, parent, name));
  return stored && decodeDentry(stored).inode;
}

export function volumeNamed(state: MemoryState, name: string): Volume {
  const stored = state.get(volumeNameKey(name));
  if (!stored) throw new Broken('commandsAreSerial', `the store did not make volume ${name}`);
  return volumeOf(state, volumeId(decodeNumber(stored)));
}

function volumeOf(state: MemoryState, id: VolumeId): Volume {
  const stored = state.get(volumeKey(id));
  if (!stored) throw new Broken('commandsAreSerial', `the store has no volume ${id}`);
  return decodeVolume(stored);
}

/** Those of a key, under way. */
export function uploadsAt(
  state: MemoryState,
  { volume, key }: { readonly volume: VolumeId; readonly key: Buffer },
): readonly UploadRecord[] {
  const all = uploadsOf(volumeOf(state, volume).layer, key);
  const found = state.range({ ...all, limit: Number.POSITIVE_INFINITY });
  return found.map(({ value }) => decodeUpload(value));
}

/** Whether a file has other bytes than it had. Of one that was made or removed, they are. */
export function dataDiffers(
  before: MemoryState | undefined,
  after: MemoryState,
  { volume, inode }: FileRef,
): boolean {
  const key = inodeKey(volumeOf(after, volume).layer, inode);
  const [was, is] = [before?.get(key), after.get(key)];
  return !was || !is || decodeInode(was).dataVersion !== decodeInode(is).dataVersion;
}
