/** What there is in a data directory before anything is made or opened in it. Changes nothing. */

import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { EXIT } from '../exitCodes.ts';
import { CommandFailure } from '../failure.ts';
import { errorCode, isThere, unusableDirectory } from './directory.ts';
import { mustBeUsable } from './kinds.ts';
import type { StoreLayout } from './layout.ts';

/** What the engine keeps everything in. */
const METADATA_FILE = 'data.mdb';
const NAMED_MAX = 3;

/**
 * - `store`: also one whose first start was cut short; that made the lock first.
 * - `none`: the directory is not there, is empty, or holds no more than a file system's own `lost+found`.
 * - `others`: other things, and no store.
 */
type Presence = 'store' | 'none' | 'others';

/**
 * A directory in which a server may open a store, or make one: that is new.
 * @throws CommandFailure UnusableDirectory (1; 2 where others' things are in it) | Corrupt (6)
 */
export async function checkPlaceForServer(layout: StoreLayout): Promise<{ readonly isNew: boolean }> {
  const names = namesIn(layout);
  if ((await presenceOf(layout, names)) !== 'others')
    return { isNew: !isThere(join(layout.metadata, METADATA_FILE), layout.directory) };
  const others = names.filter((name) => !isOwn(layout, name));
  const named = others.slice(0, NAMED_MAX).join(', ');
  const more = others.length > NAMED_MAX ? ` and ${others.length - NAMED_MAX} more` : '';
  throw new CommandFailure({
    exitCode: EXIT.usage,
    code: 'UnusableDirectory',
    message: `cannot use ${layout.directory} as a data directory: it holds no store, but ${named}${more}; name one that is empty or does not exist`,
  });
}

/** @throws CommandFailure NoSuchStore (3) | UnusableDirectory (1) | Corrupt (6) */
export async function checkStoreForCommand(layout: StoreLayout): Promise<void> {
  const presence = await presenceOf(layout, namesIn(layout));
  if (presence === 'store') return;
  const { directory } = layout;
  // A server refuses a directory that others have things in.
  const howToMakeOne = presence === 'none' ? `: 'facet serve --data ${directory}' makes one, or` : ':';
  throw new CommandFailure({
    exitCode: EXIT.notFound,
    code: 'NoSuchStore',
    message: `there is no store in ${directory}${howToMakeOne} name another --data`,
  });
}

async function presenceOf(layout: StoreLayout, names: readonly string[]): Promise<Presence> {
  const areAllOwn = names.every((name) => isOwn(layout, name));
  if (areAllOwn || names.includes(basename(layout.metadata))) mustBeUsable(layout);
  if (isThere(join(layout.metadata, METADATA_FILE), layout.directory)) return 'store';
  if (names.includes(basename(layout.restoring))) throw cutShortRestore(layout);
  if (names.includes(basename(layout.extents))) await refuseLostMetadata(layout);
  if (!areAllOwn) return 'others';
  return names.includes(basename(layout.lock)) ? 'store' : 'none';
}

export function cutShortRestore({ directory }: StoreLayout): CommandFailure {
  return new CommandFailure({
    exitCode: EXIT.failed,
    code: 'UnusableDirectory',
    message: `cannot use ${directory} as a data directory: a restore into it was cut short, or is under way. Remove it, and restore again`,
  });
}

/** The core says the same where there is metadata, but none of a store. @throws CommandFailure Corrupt (6) */
async function refuseLostMetadata(layout: StoreLayout): Promise<void> {
  // Loaded only now: hardly anybody needs it here.
  const { containerName, LocalExtentStore, NodeDisk } = await import('@facet/extents');
  const extents = new LocalExtentStore({
    disk: new NodeDisk(layout.extents),
    lease: () => Promise.reject(new Error('a look writes nothing')),
  });
  const greatest = await extents.greatest().finally(() => extents.close());
  if (greatest === undefined) return;
  throw new CommandFailure({
    exitCode: EXIT.damage,
    code: 'Corrupt',
    message: `there is no metadata, but containers up to ${containerName(greatest)} with data: bring it back first`,
  });
}

function namesIn({ directory }: StoreLayout): readonly string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')) return [];
    throw unusableDirectory(directory, error);
  }
}

/** Also what a private file is called before it has its own name. */
function isOwn({ directory, ...paths }: StoreLayout, name: string): boolean {
  const whole = name.replace(/\.\d+\.new$/, '');
  return name === 'lost+found' || Object.values(paths).includes(join(directory, whole));
}
