/**
 * The object `dir/`, where it has bytes: the file without a name in `dir`, since a directory has none. Its path is the
 * same key, and names are shown to files' clients as any that S3 alone can make.
 */

import type { InodeId } from '../ids.ts';
import { type EntryName, objectRecordKey, tagsKey } from '../meta/keys.ts';
import type { Change } from './scope.ts';

export const BYTES_OF_DIRECTORY: EntryName = { name: Buffer.alloc(0), directory: false };

export const isBytesOfDirectory = (name: Buffer): boolean => name.length === 0;

/** The bytes have come: what the object was without them it is no more. */
export function giveUpObject({ tx, layer }: Change, directory: InodeId): void {
  tx.delete(objectRecordKey(layer, directory));
  tx.delete(tagsKey(layer, directory));
}
