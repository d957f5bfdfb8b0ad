/**
 * The names in a call: what is wrong with them in the protocol's own terms, and the core's entries they mean.
 * Bytes that are not UTF-8 pass.
 * @source RFC 1813 §3.2 (file name component handling)
 */
import type { EntryRef, FileRef } from '@facet/core';
import { entryNamed, entryToBe, newName } from '../names/entries.ts';
import { NAME_BYTES_MAX } from '../names/escape.ts';
import type { Where } from './arguments.ts';
import type { NfsCall } from './procedure.ts';
import { Nfs3Error } from './status.ts';

const DOT = 0x2e;
const SLASH = 0x2f;

const quoted = (name: Buffer): string => JSON.stringify(name.toString());

/** @throws Nfs3Error NFS3ERR_ACCES | NFS3ERR_NAMETOOLONG */
function checkName(name: Buffer): void {
  if (name.length > NAME_BYTES_MAX) {
    throw new Nfs3Error('NFS3ERR_NAMETOOLONG', `a name has ${name.length} bytes`);
  }
  if (name.length === 0 || name.includes(SLASH) || name.includes(0)) {
    throw new Nfs3Error('NFS3ERR_ACCES', `${quoted(name)} can be no name`);
  }
}

function isDots(name: Buffer): boolean {
  return name[0] === DOT && (name.length === 1 || (name.length === 2 && name[1] === DOT));
}

/** `.` and `..` are the directory's own. @throws Nfs3Error NFS3ERR_NOENT | NFS3ERR_ACCES | NFS3ERR_NAMETOOLONG */
export function namedEntry({ files }: NfsCall, { parent, name }: Where): EntryRef | Promise<EntryRef> {
  checkName(name);
  const entry = entryNamed(files, { parent, name });
  return entry instanceof Promise ? entry.then((found) => mustBe(found, name)) : mustBe(entry, name);
}

/** @throws Nfs3Error NFS3ERR_NOENT */
function mustBe(entry: EntryRef | undefined, name: Buffer): EntryRef {
  if (!entry) throw new Nfs3Error('NFS3ERR_NOENT', `nothing is ever named ${quoted(name)}`);
  return entry;
}

/**
 * What is to be made: `.` and `..` are there already.
 * @throws Nfs3Error NFS3ERR_EXIST | NFS3ERR_ACCES | NFS3ERR_NAMETOOLONG; FsError Invalid
 */
export function freeEntry({ parent, name }: Where): { readonly parent: FileRef; readonly name: Buffer } {
  checkName(name);
  if (isDots(name)) throw new Nfs3Error('NFS3ERR_EXIST', `${quoted(name)} is in every directory`);
  return { parent, name: newName(name) };
}

/**
 * What is to go, or to come in its place.
 * @throws Nfs3Error NFS3ERR_INVAL (`.` or `..`) | NFS3ERR_NOENT | NFS3ERR_ACCES | NFS3ERR_NAMETOOLONG
 */
export function movableEntry(call: NfsCall, where: Where): EntryRef | Promise<EntryRef> {
  refuseDots(where);
  return namedEntry(call, where);
}

/** @throws Nfs3Error NFS3ERR_INVAL (`.` or `..`) | NFS3ERR_ACCES | NFS3ERR_NAMETOOLONG; FsError Invalid */
export async function targetEntry({ files }: NfsCall, where: Where): Promise<EntryRef> {
  refuseDots(where);
  checkName(where.name);
  return entryToBe(files, where);
}

function refuseDots({ name }: Where): void {
  if (isDots(name)) throw new Nfs3Error('NFS3ERR_INVAL', `${quoted(name)} stays where it is`);
}
