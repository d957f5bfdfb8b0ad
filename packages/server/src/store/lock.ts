/**
 * The store's lock: open-file-description locks (`fcntl(F_OFD_SETLK)`) on bytes of `<data>/LOCK`.
 *
 * The kernel drops them with the process, also under kill -9, so there is no such thing as a stale lock; and,
 * unlike `flock(2)`, turning an exclusive lock into a shared one is a single step that nobody can slip into.
 * Nothing here waits: a lock is had at once or not at all.
 *
 * What the file says is a line of who holds it, for messages, and a line `opening`, `open` or `closed`. It is written over
 * what was there, which takes no room: cut off first it would stay empty on a full disk. Lines behind these are what a
 * process that ended between the two steps left of a longer text.
 *
 * | byte | region      | exclusive                               | shared                |
 * |------|-------------|-----------------------------------------|-----------------------|
 * | 0    | `owner`     | the one server or command on this store | never                 |
 * | 1    | `instances` | recovery                                | an instance that runs |
 */

import { closeSync, constants, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import koffi from 'koffi';
import { isFullDisk } from './fullDisk.ts';

export type LockRegion = 'owner' | 'instances';
export type LockMode = 'shared' | 'exclusive';

const REGION_BYTE = { owner: 0, instances: 1 } as const satisfies Record<LockRegion, number>;

// Linux values; other systems number them otherwise or have no such lock.
const F_OFD_SETLK = 37;
const LOCK_TYPE = { shared: 0, exclusive: 1, none: 2 } as const;
const EAGAIN = 11;
const EACCES = 13;

const Flock = koffi.struct({
  l_type: 'short',
  l_whence: 'short',
  l_start: 'int64',
  l_len: 'int64',
  l_pid: 'int',
});
const FlockPointer = koffi.pointer(Flock);
const fcntl = koffi.load(null).func('int fcntl(int fd, int cmd, ...)');

/** As whoever has it open notes: `open` from when its journal is there. */
export type StoreState = 'opening' | 'open' | 'closed';

/** One holder's view of a store's lock file. Two in one process exclude each other as two processes do. */
export interface StoreLock {
  /**
   * To be inherited by child processes: the lock is theirs, too, and is held until the last of them has ended, however
   * that happens.
   */
  readonly fd: number;
  /**
   * Takes a region, or changes how it is held: in one step, and when refused the mode held before stays.
   * @returns false when another holder is in the way
   */
  tryLock(region: LockRegion, mode: LockMode): boolean;
  unlock(region: LockRegion): void;
  /** Leaves a word for those who find the store taken; see {@link readLockHolder}. */
  describeHolder(text: string): void;
  /** What it is from now on. */
  noteStore(state: StoreState): void;
  /** Gives back every region. */
  close(): void;
}

/** Opens, and makes if need be, the lock file at `path`. @throws Error with errno's code (EACCES, ENOENT, …) */
export function openStoreLock(path: string): StoreLock {
  return openLockFile(path, constants.O_RDWR);
}

/**
 * The same for regions that are only to be held shared, on a file that need not be writable. Nothing can be said in it.
 * @throws as {@link openStoreLock}
 */
export function openSharedLock(path: string): Pick<StoreLock, 'tryLock' | 'close'> {
  return openLockFile(path, constants.O_RDONLY);
}

function openLockFile(path: string, access: number): StoreLock {
  if (process.platform !== 'linux')
    throw new Error('Facet locks its store by Linux file locks: run it on Linux');
  return lockOn(openSync(path, access | constants.O_CREAT, 0o600), path);
}

/** The lock that a parent process holds, on a descriptor inherited from it. */
export function inheritedStoreLock(fd: number, path: string): StoreLock {
  return lockOn(fd, path);
}

function lockOn(fd: number, path: string): StoreLock {
  let closed = false;
  /** Where there was no room for it in the file. */
  let described: string | undefined;

  const set = (region: LockRegion, type: keyof typeof LOCK_TYPE): boolean => {
    const byte = { l_type: LOCK_TYPE[type], l_whence: 0, l_start: REGION_BYTE[region], l_len: 1, l_pid: 0 };
    const reply: number = fcntl(fd, F_OFD_SETLK, FlockPointer, byte);
    if (reply === 0) return true;
    const errno = koffi.errno();
    if (errno === EAGAIN || errno === EACCES) return false;
    throw new Error(`cannot lock ${path}: errno ${errno}`);
  };

  const say = (holder: string, state: StoreState): void => {
    const text = Buffer.from(`${holder}\n${state}\n`);
    try {
      writeSync(fd, text, 0, text.length, 0);
      ftruncateSync(fd, text.length);
    } catch (error) {
      // It is but a word: the lock is held without it. An empty file is understood, and filled when there is room.
      if (!isFullDisk(error)) throw error;
    }
  };

  return {
    fd,
    tryLock: (region, mode) => set(region, mode),
    unlock: (region) => {
      set(region, 'none');
    },
    describeHolder: (text) => {
      described = text;
      say(text, readStoreState(path));
    },
    noteStore: (state) => say(described ?? readLockHolder(path) ?? '', state),
    close: () => {
      if (closed) return;
      closed = true;
      closeSync(fd);
    },
  };
}

const HOLDER_CHARACTERS_MAX = 200;

/** What the holder said of itself. Only for messages: it outlives a holder that was killed. */
export function readLockHolder(path: string): string | undefined {
  const [holder = ''] = saidAt(path).split('\n');
  return holder.slice(0, HOLDER_CHARACTERS_MAX) || undefined;
}

function saidAt(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/**
 * What whoever had it open last left it as. To be asked before it is noted anew. Of an empty file, of one who found no room
 * to say anything, nothing is known: as of one that was ended while it opened the store.
 */
export function readStoreState(path: string): StoreState {
  const said = saidAt(path);
  if (said === '') return 'opening';
  const [, state] = said.split('\n');
  return state === 'opening' || state === 'open' ? state : 'closed';
}
