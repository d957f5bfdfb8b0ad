/** Whether a backup may follow those of a directory: they must be of states that the store went through. */

import type { CommandRunner } from '../commands/command.ts';
import { FsError } from '../errors.ts';
import { BEGIN_ANEW } from './checkedFile.ts';
import type { Manifest } from './manifest.ts';
import { knownBackups } from './mark.ts';
import type { BackupId, Repository } from './repository.ts';

const NAMED_MAX = 10;

/** @throws FsError Corrupt, and what to do */
export async function manifestToFollow(repository: Repository, newest: BackupId): Promise<Manifest> {
  try {
    return await repository.manifest(newest);
  } catch (error) {
    if (!isDamage(error)) throw error;
    throw new FsError('Corrupt', `${error.message}. ${BEGIN_ANEW}`, { cause: error });
  }
}

/** @throws FsError PreconditionFailed | Corrupt */
export async function mustBeOfThisStore(
  commands: Pick<CommandRunner, 'read'>,
  repository: Repository,
  newest: BackupId,
): Promise<void> {
  const marks = await commands
    .read('backup', (tx) => knownBackups(tx, repository.id))
    .catch((error: unknown) => {
      throw isDamage(error) ? new FsError('Corrupt', `${error.message}. ${BEGIN_ANEW}`) : error;
    });
  const known = marks.map((mark) => mark.toString('ascii'));
  if (known.includes(newest)) return;
  throw new FsError('PreconditionFailed', whyRefused({ all: await repository.backups(), known, newest }));
}

function whyRefused({
  all,
  known,
  newest,
}: {
  readonly all: readonly BackupId[];
  readonly known: readonly string[];
  readonly newest: BackupId;
}): string {
  if (known.length === 0)
    return `the directory has backups, the newest ${newest}, and none is of this store: it is another one, or was restored from a backup, which makes it a store of its own. Back up to a new directory`;
  const others = all.slice(all.findLastIndex((id) => known.includes(id)) + 1);
  const what = `the directory's newest backup, ${newest}, is of a copy of this store, or of a later state than this one has come to: back up to a new directory`;
  if (others.length === all.length) return what;
  const named = others.length > NAMED_MAX ? newest : others.join(' ');
  return `${what}. If a copy made it, which has no business there, remove what it made: facet backup --remove ${named} (with the same --to), then back up as before`;
}

const isDamage = (error: unknown): error is FsError => error instanceof FsError && error.code === 'Corrupt';
