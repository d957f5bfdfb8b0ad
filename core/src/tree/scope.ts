/** What an operation on one volume carries through its steps. */

import { Buffer } from 'node:buffer';
import type { Op, ReadTx, WriteTx } from '@facet/engine';
import type { CommandContext } from '../commands/command.ts';
import { FsError } from '../errors.ts';
import type { LayerId, Timestamp, VolumeId } from '../ids.ts';
import { LastUsed } from '../lastUsed.ts';
import { usageKey, volumeKey } from '../meta/keys.ts';
import { decodeUsage, decodeVolume, encodeUsage } from '../meta/records/volume.ts';
import type { Volume, VolumeUsage } from '../volumes/types.ts';

export interface View {
  readonly tx: ReadTx;
  readonly volume: Volume;
  readonly layer: LayerId;
}

export interface Change extends View {
  readonly tx: WriteTx;
  readonly now: Timestamp;
  /** 32 bits of this operation's chance. */
  random32(): number;
}

/**
 * Volumes as they were last stored and what that says: every operation needs its volume, which hardly ever changes.
 * The record itself is read each time, so this only saves decoding the same bytes again.
 */
const DECODED_MAX = 1000;
const lastDecoded = new LastUsed<VolumeId, { readonly stored: Uint8Array; readonly volume: Volume }>(
  DECODED_MAX,
);

/** @throws FsError NoSuchVolume */
function volumeOf(stored: Uint8Array | undefined, id: VolumeId): Volume {
  if (!stored) throw new FsError('NoSuchVolume', `volume ${id} does not exist`);
  const known = lastDecoded.get(id);
  if (known && Buffer.compare(known.stored, stored) === 0) return known.volume;
  const volume = decodeVolume(stored);
  // A copy of its own: a piece of Node's pool would keep all of it.
  lastDecoded.set(id, { stored: Uint8Array.from(stored), volume });
  return volume;
}

/** @throws FsError NoSuchVolume */
export function* viewVolume(tx: ReadTx, id: VolumeId): Op<View> {
  const volume = volumeOf(yield* tx.get(volumeKey(id)), id);
  return { tx, volume, layer: volume.layer };
}

/** @throws FsError NoSuchVolume */
export function* changeVolume(tx: WriteTx, id: VolumeId, context: CommandContext): Op<Change> {
  const volume = volumeOf(yield* tx.get(volumeKey(id)), id);
  return { tx, volume, layer: volume.layer, now: context.now, random32: randomOf(context) };
}

/** Numbers from the operation's id: the same again when the operation is run again. */
function randomOf(context: CommandContext): () => number {
  let step = 0;
  return () => {
    const word = context.operationId.readUInt32BE((step % 4) * 4);
    const mixed = Math.imul(word ^ Math.imul(step >>> 2, 0x9e3779b1), 0x85ebca6b);
    step += 1;
    return (step <= 4 ? word : mixed) >>> 0;
  };
}

export function* loadUsage(view: View): Op<VolumeUsage> {
  const stored = yield* view.tx.get(usageKey(view.layer));
  return stored ? decodeUsage(stored) : { bytes: 0, inodes: 0 };
}

/**
 * Counts what the operation adds to or takes from the volume. What grows a volume that is over its quota is refused, and
 * nothing else is.
 * @throws FsError QuotaExceeded | NoSpace (more than can be counted)
 */
export function* adjustUsage(
  change: Change,
  delta: { readonly bytes: number; readonly inodes: number },
): Op<VolumeUsage> {
  const before = yield* loadUsage(change);
  if (delta.bytes === 0 && delta.inodes === 0) return before;
  const after = { bytes: before.bytes + delta.bytes, inodes: before.inodes + delta.inodes };
  if (!Number.isSafeInteger(after.bytes)) {
    throw new FsError('NoSpace', `volume ${change.volume.name} cannot hold ${after.bytes} bytes`);
  }
  for (const what of ['bytes', 'inodes'] as const) {
    const limit = change.volume.quota?.[what];
    if (limit === undefined || delta[what] <= 0 || after[what] <= limit) continue;
    const { name } = change.volume;
    throw new FsError(
      'QuotaExceeded',
      `volume ${name} may have ${limit} ${what}, these would be ${after[what]}`,
    );
  }
  change.tx.put(usageKey(change.layer), encodeUsage(after));
  return after;
}
