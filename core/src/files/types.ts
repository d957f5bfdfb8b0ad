/** The file view of a volume: what POSIX-minded gateways hand in and get back. No protocol words here. */

import type { InodeId, Timestamp, VolumeId } from '../ids.ts';
import type { InodeType } from '../meta/records/inode.ts';
import type { Quota, VolumeUsage } from '../volumes/types.ts';

/** On whose behalf: ids as the client gave them, after whatever squashing the door does. 0 is root. */
export interface Caller {
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups. */
  readonly groups: readonly number[];
}

/** One inode, once: a reference to an inode that is gone is Stale for ever. */
export interface FileRef {
  readonly volume: VolumeId;
  readonly inode: InodeId;
  readonly generation: number;
}

/**
 * A name in a directory. Where S3 made both a file `a` and keys below `a/`, the plain name is the directory;
 * `directory: false` then reaches the file. `directory: true` finds nothing but a directory. With either, and with
 * `literal`, `.` and `..` are names like others, which S3 can make; without, they are the directory's own.
 */
export interface EntryRef {
  readonly parent: FileRef;
  /** Raw bytes. */
  readonly name: Buffer;
  readonly directory?: boolean;
  readonly literal?: true;
}

/**
 * One call of a client, which may send it again when it hears nothing: the repetition gets the first answer, with
 * attributes as they are by then, also when the process has ended in between.
 */
export interface CallRef {
  /** What tells it from others: 1 to 255 bytes. */
  readonly client: string;
  /** 32 bits, by which the client tells its calls apart. */
  readonly xid: number;
  /** Of all that the call says, at most 53 bits: ids are used again after a while. */
  readonly checksum: number;
}

interface Repeatable {
  readonly call?: CallRef;
}

export interface Device {
  readonly major: number;
  readonly minor: number;
}

export interface FileAttributes {
  readonly volume: VolumeId;
  readonly inode: InodeId;
  readonly generation: number;
  readonly type: InodeType;
  /** 12 bits: permissions, sticky, set-id. */
  readonly mode: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  /** Logical bytes that count as taken; holes are not subtracted. */
  readonly usedBytes: number;
  /** Set by creation and by {@link FileView.setattr}; reads leave it, as a mount with `noatime` does. */
  readonly atime: Timestamp;
  readonly mtime: Timestamp;
  readonly ctime: Timestamp;
  /** Grows with every change of data, entries or attributes. */
  readonly change: number;
  readonly device?: Device;
}

/** Attributes right before and right after a change, from the change's own transaction. */
export interface BeforeAfter {
  readonly before: FileAttributes;
  readonly after: FileAttributes;
}

/** `server`: the moment of the operation, which whoever may write may set. */
export type NewTime = { readonly kind: 'server' } | { readonly kind: 'client'; readonly time: Timestamp };

export interface AttributeChanges {
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly sizeBytes?: number;
  readonly atime?: NewTime;
  readonly mtime?: NewTime;
}

/**
 * - `unchecked`: a file that is there is taken, and of the attributes only the size is set.
 * - `guarded`: a name that is there is Exists.
 * - `exclusive`: like guarded, but a repetition with the same verifier finds what the first one made.
 */
export type CreateMode =
  | { readonly kind: 'unchecked' | 'guarded'; readonly attributes: AttributeChanges }
  /** 8 bytes. */
  | { readonly kind: 'exclusive'; readonly verifier: Buffer };

export interface Created {
  readonly file: FileAttributes;
  /** False when an unchecked or repeated exclusive create found the file. */
  readonly made: boolean;
  readonly parent: BeforeAfter;
}

export interface DirectoryEntry {
  readonly name: Buffer;
  /** Resumes after this entry. `.` has 1 and `..` has 2. */
  readonly cookie: number;
  readonly inode: InodeId;
  readonly type: InodeType;
  /** A directory and something else share the name: see {@link EntryRef}. */
  readonly twin: boolean;
  /** When asked for. */
  readonly attributes?: FileAttributes;
}

export interface ReadResult {
  /** In order, at most what was asked for. Not to be written to. */
  readonly data: readonly Buffer[];
  readonly lengthBytes: number;
  /** Nothing follows these bytes. */
  readonly end: boolean;
  readonly file: FileAttributes;
}

/** What a person would call a file. */
export interface Whereabouts {
  /** Its name. */
  readonly volume: string;
  /** By its first name, as UTF-8 also where it is none. Absent: it has no name any more. */
  readonly path?: string;
}

interface On {
  readonly caller: Caller;
  readonly file: FileRef;
}

interface At extends EntryRef {
  readonly caller: Caller;
}

interface MakeAt extends Repeatable {
  readonly caller: Caller;
  readonly parent: FileRef;
  readonly name: Buffer;
  readonly attributes: AttributeChanges;
}

export type SetattrArgs = On &
  Repeatable & { readonly changes: AttributeChanges; readonly ifCtime?: Timestamp };
export type CreateArgs = Omit<MakeAt, 'attributes'> & { readonly how: CreateMode };
export type MkdirArgs = MakeAt;
export type SymlinkArgs = MakeAt & { readonly target: Buffer };
export type MknodArgs = MakeAt &
  ({ readonly type: 'fifo' | 'socket' } | { readonly type: 'character' | 'block'; readonly device: Device });
export type LinkArgs = On & Repeatable & { readonly parent: FileRef; readonly name: Buffer };
export type RemoveArgs = At & Repeatable;
export interface RenameArgs extends Repeatable {
  readonly caller: Caller;
  readonly from: EntryRef;
  readonly to: EntryRef;
  /**
   * The new name stands for no name at all: a client keeps a removed file that is still open. It is no object until
   * it is renamed again. Of a directory it means nothing.
   */
  readonly silly?: true;
}
export interface ReaddirArgs {
  readonly caller: Caller;
  readonly directory: FileRef;
  /** 0 starts; else the cookie of the last entry seen, whether or not it is still there. */
  readonly after: number;
  readonly limit: number;
  readonly attributes: boolean;
}
export type ReadArgs = On & {
  readonly offset: number;
  readonly lengthBytes: number;
  /**
   * What is read may be views of it, which must not be used for anything else until nobody looks at that any more.
   * It is of use where it is longer than what is asked for, by READ_SLACK_BYTES.
   */
  readonly into?: Buffer;
};
export type WriteArgs = On & { readonly offset: number; readonly data: readonly Uint8Array[] };

/**
 * Every method throws FsError NoSuchVolume when the volume is gone, Stale when the inode is, NotDirectory where a
 * directory is needed, AccessDenied where mode bits refuse and NotPermitted where only owner or root may.
 * A new name is 1 to 255 bytes without NUL and `/`, and neither `.` nor `..` (Invalid, NameTooLong); names that
 * S3 made are found and removed whatever they are.
 * @source POSIX.1-2024; RFC 1813 §3.3
 */
export interface FileView {
  /** @throws FsError NoSuchVolume */
  root(args: { readonly volume: FileRef['volume'] }): Promise<FileAttributes>;
  /** `.` is the directory, `..` the one above. Without `file` there is no such entry. */
  lookup(args: At): Promise<{ readonly file?: FileAttributes; readonly parent: FileAttributes }>;
  /** The name in a directory that has this digest: only those of `isLongName` are found. */
  findLongName(args: { readonly directory: FileRef; readonly digest: Buffer }): Promise<Buffer | undefined>;
  getattr(args: { readonly file: FileRef }): Promise<FileAttributes>;
  /** What mode bits and ids allow; the owner is not favoured here. */
  access(args: On): Promise<{
    readonly file: FileAttributes;
    readonly read: boolean;
    readonly write: boolean;
    readonly execute: boolean;
  }>;
  /** @throws FsError NotSynchronised (ctime differs from `ifCtime`) | IsDirectory | Invalid | FileTooBig */
  setattr(args: SetattrArgs): Promise<BeforeAfter>;
  /** @throws FsError Invalid (no symlink) */
  readlink(args: On): Promise<{ readonly target: Buffer; readonly file: FileAttributes }>;

  /** @throws FsError Exists | IsDirectory */
  create(args: CreateArgs): Promise<Created>;
  /** @throws FsError Exists */
  mkdir(args: MkdirArgs): Promise<Created>;
  /** The target is 1 to 4095 bytes, never looked at. @throws FsError Exists | Invalid | NameTooLong */
  symlink(args: SymlinkArgs): Promise<Created>;
  /** Devices are root's to make. @throws FsError Exists | NotPermitted */
  mknod(args: MknodArgs): Promise<Created>;
  /** @throws FsError Exists | NotPermitted (a directory) | TooManyLinks | CrossVolume */
  link(args: LinkArgs): Promise<{ readonly file: BeforeAfter; readonly parent: BeforeAfter }>;
  /**
   * Bytes go with the last name. `gone` is the file then, unless the call was answered before.
   * @throws FsError NoEntry | IsDirectory
   */
  remove(args: RemoveArgs): Promise<{ readonly parent: BeforeAfter; readonly gone?: FileRef }>;
  /** @throws FsError NoEntry | NotDirectory | NotEmpty */
  rmdir(args: RemoveArgs): Promise<{ readonly parent: BeforeAfter }>;
  /**
   * Moves an entry, over a file or an empty directory that is there. Two names of one file: nothing happens.
   * @throws FsError NoEntry | IsDirectory | NotDirectory | NotEmpty | CrossVolume | Invalid (a directory into itself)
   */
  rename(args: RenameArgs): Promise<{ readonly from: BeforeAfter; readonly to: BeforeAfter }>;
  /** In order of cookie: neither skips nor repeats a name that stays while others come and go. */
  readdir(args: ReaddirArgs): Promise<{
    readonly entries: readonly DirectoryEntry[];
    readonly end: boolean;
    readonly directory: FileAttributes;
  }>;

  /** Checked against checksums. May give fewer bytes than asked for. @throws FsError IsDirectory | Invalid | Corrupt */
  read(args: ReadArgs): Promise<ReadResult>;
  /** Resolves when bytes and metadata are on stable storage. @throws FsError IsDirectory | Invalid | FileTooBig | NoSpace */
  write(args: WriteArgs): Promise<BeforeAfter & { readonly lengthBytes: number }>;
  /** Nothing to do, since every write is stable; answers with the attributes. */
  commit(args: On): Promise<BeforeAfter>;
  /** For messages. @throws FsError NoSuchVolume */
  whereabouts(args: { readonly file: FileRef }): Promise<Whereabouts>;
  usage(args: { readonly volume: FileRef['volume'] }): Promise<VolumeUsage & { readonly quota?: Quota }>;
}
