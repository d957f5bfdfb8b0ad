/** Names from the wire as the core's references, and the core's entries as names for the wire. */

import { type DirectoryEntry, type EntryRef, type FileRef, type FileView, FsError } from '@facet/core';
import { isShownAs, type Meant, meantBy, showName } from './escape.ts';

/** The core gives `.` cookie 1 and `..` cookie 2: what S3 made of these names comes later. */
const DOTS_COOKIE_MAX = 2;

/** The name a READDIR shows of an entry. */
export function shownEntry({ name, type, twin, cookie }: DirectoryEntry): Buffer {
  return cookie <= DOTS_COOKIE_MAX ? name : showName({ name, twin, directory: type === 'directory' });
}

/**
 * The entry a client names, which need not exist. Undefined where none can.
 * @throws FsError NameTooLong | NoSuchVolume
 */
export function entryNamed(
  files: Pick<FileView, 'findLongName'>,
  at: { readonly parent: FileRef; readonly name: Buffer },
): EntryRef | undefined | Promise<EntryRef | undefined> {
  const meant = meantBy(at.name);
  const { parent } = at;
  switch (meant.kind) {
    case 'nothing':
      return undefined;
    case 'name': {
      const { kind: _kind, ...entry } = meant;
      return { parent, ...entry };
    }
    case 'digest':
      return entryOfDigest(files, parent, meant);
  }
}

async function entryOfDigest(
  files: Pick<FileView, 'findLongName'>,
  parent: FileRef,
  meant: Extract<Meant, { kind: 'digest' }>,
): Promise<EntryRef | undefined> {
  const name = await files.findLongName({ directory: parent, digest: meant.digest });
  if (!name || !isShownAs(name, meant)) return undefined;
  return meant.directory === false ? { parent, name, directory: false } : { parent, name, literal: true };
}

/**
 * The name of what a client makes. A name with a mark can only be one that the mark was put before because it
 * looks like a mark itself.
 * @throws FsError NameTooLong | Invalid
 */
export function newName(shown: Buffer): Buffer {
  const meant = meantBy(shown);
  if (meant.kind === 'name' && meant.directory === undefined) return meant.name;
  throw new FsError('Invalid', `${JSON.stringify(`${shown}`)} stands for a name that only S3 can make`);
}

/**
 * Where a client renames to: an entry that is there by any name it is shown under, or a new name.
 * @throws FsError NameTooLong | Invalid | NoSuchVolume
 */
export async function entryToBe(
  files: Pick<FileView, 'findLongName'>,
  at: { readonly parent: FileRef; readonly name: Buffer },
): Promise<EntryRef> {
  return (await entryNamed(files, at)) ?? { parent: at.parent, name: newName(at.name) };
}
