/**
 * What a store knows of its backups: for each directory of them those it began there. A directory whose newest backup is
 * none of these is that of another store, or of a later state of this one: containers may have the same names there, and
 * other bytes. A store that is brought back knows none: it and the one it is a copy of go different ways.
 */

import type { Engine, Op, ReadTx } from '@facet/engine';
import type { Command } from '../commands/command.ts';
import { backupKey, SPACE, spaceBounds } from '../meta/keys.ts';
import { decodeBackupMark, encodeBackupMark } from '../meta/records/backup.ts';

/** So many of a directory are known: the newest of them may be removed, and the store goes on behind one before. */
const KNOWN_MAX = 64;
const FORGOTTEN_AT_ONCE = 1_000;

interface MarkArguments {
  /** 16 bytes. */
  readonly repository: Buffer;
  /** What the directory's newest backup is, 16 bytes, if it has one. */
  readonly newest: Buffer | undefined;
  readonly backup: Buffer;
}

/** Its moment is what the backup is of. */
export const markBackup: Command<MarkArguments, { readonly marked: true }> = {
  name: 'markBackup',
  runsWhenFull: true,
  *run(tx, { repository, newest, backup }) {
    const known = newest ? yield* knownBackups(tx, repository) : [];
    tx.put(backupKey(repository), encodeBackupMark([...known, backup].slice(-KNOWN_MAX)));
    return { marked: true };
  },
};

/** Backups of a directory that are of states which this store went through, 16 bytes each. */
export function* knownBackups(tx: ReadTx, repository: Buffer): Op<readonly Buffer[]> {
  const stored = yield* tx.get(backupKey(repository));
  return stored === undefined ? [] : decodeBackupMark(stored);
}

/** Makes it a store of its own, which is refused to the directories of the one it was made of. @throws EngineError */
export async function forgetBackups(engine: Engine): Promise<void> {
  const { start, end } = spaceBounds(SPACE.backup);
  for (let isMore = true; isMore; )
    isMore = await engine.write(function* (tx) {
      const found = yield* tx.range({ start, end, limit: FORGOTTEN_AT_ONCE });
      for (const { key } of found) tx.delete(key);
      return found.length === FORGOTTEN_AT_ONCE;
    });
}
