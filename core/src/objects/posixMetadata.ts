/**
 * Owner, group, mode and modification time as user metadata, as AWS's file services write them. A writer who
 * gives them sets them; whoever asks is told what they are by then, whatever changed them since.
 *
 * | name | value |
 * |---|---|
 * | `file-owner`, `file-group` | id, decimal |
 * | `file-permissions` | type and mode as in `st_mode`, octal (`0100644`); the type may be absent |
 * | `file-mtime` | nanoseconds since 1970, then `ns` |
 *
 * @source https://docs.aws.amazon.com/fsx/latest/LustreGuide/posix-metadata-support.html
 */

import { type Timestamp, timestamp } from '../ids.ts';
import type { Inode, InodeType } from '../meta/records/inode.ts';

type UserMetadata = Readonly<Record<string, string>>;

export type PosixAttributes = Pick<Inode, 'type' | 'uid' | 'gid' | 'mode' | 'mtime'>;

/** The greatest is no id: to POSIX it says that an id stays. */
const ID_MAX = 2 ** 32 - 2;
const TIMESTAMP_MAX = 2n ** 64n - 1n;
const MODE_BITS = 0o7777;
const SET_ID_BITS = 0o6000;
/** `S_IFMT` and its values. @source POSIX.1-2024 <sys/stat.h>; values as on Linux */
const FORMAT_BITS = 0o170000;
const FORMAT_OF = {
  fifo: 0o010000,
  character: 0o020000,
  directory: 0o040000,
  block: 0o060000,
  file: 0o100000,
  symlink: 0o120000,
  socket: 0o140000,
} as const satisfies Record<InodeType, number>;

function readId(text: string): number | undefined {
  if (!/^\d{1,10}$/.test(text)) return undefined;
  const id = Number(text);
  return id <= ID_MAX ? id : undefined;
}

/** 12 bits: of the type it says, if any, `type` must be. */
function readMode(text: string, type: InodeType): number | undefined {
  if (!/^[0-7]{1,7}$/.test(text)) return undefined;
  const value = Number.parseInt(text, 8);
  const format = value & FORMAT_BITS;
  const isOfType = format === 0 || format === FORMAT_OF[type];
  return isOfType && (value & ~FORMAT_BITS & ~MODE_BITS) === 0 ? value & MODE_BITS : undefined;
}

function readTime(text: string): Timestamp | undefined {
  const [, digits] = /^(\d{1,20})ns$/.exec(text) ?? [];
  if (digits === undefined) return undefined;
  const time = BigInt(digits);
  return time <= TIMESTAMP_MAX ? timestamp(time) : undefined;
}

const writeMode = ({ type, mode }: PosixAttributes): string =>
  (FORMAT_OF[type] | mode).toString(8).padStart(7, '0');

interface Name {
  readonly name: string;
  /** Whether a value says what is. */
  readonly holds: (text: string, of: PosixAttributes) => boolean;
  /** Undefined: the value is none, and metadata like any other. */
  readonly isValid: (text: string, type: InodeType) => boolean;
  readonly write: (of: PosixAttributes) => string;
}

const NAMES: readonly Name[] = [
  {
    name: 'file-owner',
    holds: (text, { uid }) => readId(text) === uid,
    isValid: (text) => readId(text) !== undefined,
    write: ({ uid }) => String(uid),
  },
  {
    name: 'file-group',
    holds: (text, { gid }) => readId(text) === gid,
    isValid: (text) => readId(text) !== undefined,
    write: ({ gid }) => String(gid),
  },
  {
    name: 'file-permissions',
    holds: (text, { type, mode }) => readMode(text, type) === mode,
    isValid: (text, type) => readMode(text, type) !== undefined,
    write: writeMode,
  },
  {
    name: 'file-mtime',
    holds: (text, { mtime }) => readTime(text) === mtime,
    isValid: (text) => readTime(text) !== undefined,
    write: ({ mtime }) => `${mtime}ns`,
  },
];

/**
 * What a writer gives a file or directory, as far as it can be read. Set-id bits are not to be had: they would let
 * what one account stores run as another user on every host that mounts the volume.
 */
export function givenAttributes(
  userMetadata: UserMetadata,
  type: InodeType,
): Partial<Omit<PosixAttributes, 'type'>> {
  const read = <T>(name: string, of: (text: string) => T | undefined): T | undefined => {
    const text = userMetadata[name];
    return text === undefined ? undefined : of(text);
  };
  const uid = read('file-owner', readId);
  const gid = read('file-group', readId);
  const mode = read('file-permissions', (text) => readMode(text, type));
  const mtime = read('file-mtime', readTime);
  return {
    ...(uid !== undefined && { uid }),
    ...(gid !== undefined && { gid }),
    ...(mode !== undefined && { mode: mode & ~SET_ID_BITS }),
    ...(mtime !== undefined && { mtime }),
  };
}

/**
 * User metadata as they are to be told: of these names those that the writer gave, or all, with what is so by now.
 * A value that still holds is told as it was written, one that nobody could read too unless all are asked for.
 */
export function withAttributes(
  userMetadata: UserMetadata,
  of: PosixAttributes,
  how: { readonly all: boolean },
): UserMetadata {
  let told: Record<string, string> | undefined;
  for (const { name, holds, isValid, write } of NAMES) {
    const text = userMetadata[name];
    const tell = text === undefined ? how.all : !holds(text, of) && (how.all || isValid(text, of.type));
    if (!tell) continue;
    told ??= { ...userMetadata };
    told[name] = write(of);
  }
  return told ?? userMetadata;
}
