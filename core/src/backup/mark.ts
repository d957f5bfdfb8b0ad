/**
 * What a store knows of its backups: for each directory of them the one it followed and the one it began last. A
 * directory whose newest backup is neither is that of another store, or of a later state of this one: containers may have
 * the same names there, and other bytes.
 */

import type { Op, ReadTx } from '@facet/engine';
import type { Command } from '../commands/command.ts';
import { backupKey } from '../meta/keys.ts';
import { decodeBackupMark, encodeBackupMark } from '../meta/records/backup.ts';

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
  // biome-ignore lint/correctness/useYield: what was there before was looked at when the backup began.
  *run(tx, { repository, newest, backup }) {
    tx.put(backupKey(repository), encodeBackupMark(newest ? [newest, backup] : [backup]));
    return { marked: true };
  },
};

/** Whether the newest backup of a directory was made of a state that this store went through. */
export function* isOfThisStore(
  tx: ReadTx,
  { repository, newest }: Pick<MarkArguments, 'repository'> & { readonly newest: Buffer },
): Op<boolean> {
  const stored = yield* tx.get(backupKey(repository));
  return stored !== undefined && decodeBackupMark(stored).some((known) => known.equals(newest));
}
