/**
 * Names that a door may be unable to show, by their digest: it shows a part and the digest instead, and is asked
 * for them by that. Which these are does not depend on what else is in the directory, so that the index changes
 * only where the name itself comes or goes.
 */

import { createHash } from 'node:crypto';
import type { Op } from '@facet/engine';
import type { InodeId } from '../ids.ts';
import { longNameKey, NAME_DIGEST_BYTES } from '../meta/keys.ts';
import { decodeLongName, encodeLongName } from '../meta/records/tree.ts';
import type { Change, View } from './scope.ts';

/** File names end at 255 bytes; a door that marks a name needs some of them. */
const SHOWN_BYTES_MAX = 240;

/** Whether a name is found by its digest: it has more than 240 bytes, or a NUL. */
export const isLongName = (name: Buffer): boolean => name.length > SHOWN_BYTES_MAX || name.includes(0);

/** 16 bytes: the first half of the SHA-256. */
export const nameDigest = (name: Uint8Array): Buffer =>
  createHash('sha256').update(name).digest().subarray(0, NAME_DIGEST_BYTES);

export function indexName({ tx, layer }: Change, parent: InodeId, name: Buffer): void {
  if (isLongName(name)) tx.put(longNameKey(layer, parent, nameDigest(name)), encodeLongName(name));
}

/** The last entry of that name went. */
export function unindexName({ tx, layer }: Change, parent: InodeId, name: Buffer): void {
  if (isLongName(name)) tx.delete(longNameKey(layer, parent, nameDigest(name)));
}

export function* findLongName(view: View, parent: InodeId, digest: Uint8Array): Op<Buffer | undefined> {
  const stored = yield* view.tx.get(longNameKey(view.layer, parent, digest));
  return stored && decodeLongName(stored);
}
