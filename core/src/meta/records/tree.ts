/** Directory entries and the state of directories. */

import { type Cookie, cookie, type InodeId, inodeId, type Timestamp, timestamp } from '../../ids.ts';
import { Reader, Writer } from '../codec.ts';
import type { EntryName } from '../keys.ts';
import { type InodeType, inodeTypeCode, inodeTypeOfCode } from './inode.ts';

export interface Dentry {
  readonly inode: InodeId;
  readonly type: InodeType;
  readonly cookie: Cookie;
  /** A directory and something else share this name: both entries carry the mark. */
  readonly twin: boolean;
  /** The name stands for no name at all, so that no key leads there. Never a directory's. */
  readonly hidden?: true;
}

const DENTRY_SCHEMA = 1;
const TWIN = 1;
const HIDDEN = 2;

export function encodeDentry(dentry: Dentry): Buffer {
  return new Writer(19)
    .u8(DENTRY_SCHEMA)
    .u8(inodeTypeCode(dentry.type))
    .u8((dentry.twin ? TWIN : 0) | (dentry.hidden ? HIDDEN : 0))
    .u64(dentry.inode)
    .u64(dentry.cookie)
    .done();
}

export function decodeDentry(bytes: Uint8Array): Dentry {
  const reader = new Reader(bytes).schema(DENTRY_SCHEMA, 'dentry');
  const type = inodeTypeOfCode(reader.u8());
  const marks = reader.u8();
  const twin = (marks & TWIN) !== 0;
  const dentry = { type, twin, inode: inodeId(reader.u64()), cookie: cookie(reader.u64()) };
  return (marks & HIDDEN) !== 0 ? { ...dentry, hidden: true } : dentry;
}

/** The value of a cookie key. */
export function encodeEntryName(entry: EntryName): Buffer {
  return Buffer.concat([Buffer.of(1, entry.directory ? 1 : 0), entry.name]);
}

export function decodeEntryName(bytes: Uint8Array): EntryName {
  const reader = new Reader(bytes).schema(1, 'cookie');
  const directory = reader.u8() === 1;
  return { directory, name: reader.rest() };
}

/** The value of a long name's key. */
export function encodeLongName(name: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(1), name]);
}

export function decodeLongName(bytes: Uint8Array): Buffer {
  return Buffer.from(new Reader(bytes).schema(1, 'long name').rest());
}

/**
 * What changes of a directory when an entry comes or goes.
 * `explicit`: made by mkdir or as the object `dir/`, or changed through the file view; an implicit one is
 * there only for the keys below it and goes with the last of them.
 */
export interface DirectoryState {
  readonly mtime: Timestamp;
  /** When entries or attributes changed; the inode's own ctime follows chmod and the like. */
  readonly ctime: Timestamp;
  readonly change: number;
  readonly subdirectories: number;
  readonly entries: number;
  readonly nextCookie: Cookie;
  readonly explicit: boolean;
}

const STATE_SCHEMA = 1;

export function encodeDirectoryState(state: DirectoryState): Buffer {
  return new Writer(50)
    .u8(STATE_SCHEMA)
    .u8(state.explicit ? 1 : 0)
    .bigU64(state.mtime)
    .bigU64(state.ctime)
    .u64(state.change)
    .u64(state.subdirectories)
    .u64(state.entries)
    .u64(state.nextCookie)
    .done();
}

export function decodeDirectoryState(bytes: Uint8Array): DirectoryState {
  const reader = new Reader(bytes).schema(STATE_SCHEMA, 'directory state');
  return {
    explicit: reader.u8() === 1,
    mtime: timestamp(reader.bigU64()),
    ctime: timestamp(reader.bigU64()),
    change: reader.u64(),
    subdirectories: reader.u64(),
    entries: reader.u64(),
    nextCookie: cookie(reader.u64()),
  };
}
