/** What the log is told of damaged bytes: the client hears of an I/O error, and cannot say where and why. */
import { type FileRef, type FileView, FsError, SeldomTold } from '@facet/core';
import type { Logger } from '../rpc/program.ts';

export function isDamage(error: unknown): error is FsError {
  return error instanceof FsError && error.code === 'Corrupt';
}

interface Damage {
  readonly procedure: string;
  readonly files: readonly FileRef[];
  readonly error: FsError;
}

/** A client that tries again and again is answered each time, and fills no disk with lines. */
const TOLD_EVERY_MS = 10 * 60_000;
const PLACES_MAX = 1_000;

/** One line for each place and file, once in a while: whose bytes, where they lie, what to do. */
export function createDamageLog({
  files: view,
  log,
}: {
  readonly files: Pick<FileView, 'whereabouts'>;
  readonly log: Logger;
}): (damage: Damage) => Promise<void> {
  const now = () => performance.now();
  const damages = new SeldomTold({ everyMs: TOLD_EVERY_MS, thingsMax: PLACES_MAX, now });
  return async ({ procedure, files: [file], error }) => {
    const damage = error.message;
    const told = damages.happened(JSON.stringify([damage, file?.volume, file?.inode]));
    if (!told) return;
    const place = file && (await view.whereabouts({ file }).catch(() => undefined));
    const leftOut = told.leftOut > 0 && told;
    const what = error.isOfMetadata ? METADATA_DAMAGED : DAMAGED;
    log.error({ procedure, ...place, inode: file?.inode, damage, ...leftOut }, what);
  };
}

const DAMAGED =
  "a file's stored bytes are damaged: write it again from a copy of yours, or remove it; 'facet fsck --full' finds all damage";

// A directory fails for the record of one of its files.
const METADATA_DAMAGED =
  "a record of the metadata is damaged: write again what can not be read, or remove it; where that fails too, stop the server: 'facet fsck' names what it is of, 'facet fsck --repair' makes anew what all else proves, docs/repair.md says what to do about the rest";
