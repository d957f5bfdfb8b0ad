/** Whether one place on disk lies within another, whatever symbolic links and mounts lead to them. */

import { realpathSync, type Stats, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type CommandFailure, usageFailure } from '../failure.ts';
import { errorCode } from './directory.ts';

const BACKUP_FOLDERS = ['backups', 'containers'];

/**
 * Neither may lie within the other: what is written to one would be found in the other, and be taken for its own.
 * @throws CommandFailure Usage (2)
 */
export function refuseNested(data: string, backups: string): void {
  // Below it, too, a link may lead anywhere.
  for (const place of [backups, ...BACKUP_FOLDERS.map((folder) => join(backups, folder))])
    if (isWithin(place, data)) throw nested('the directory of backups', place, 'the data directory', data);
  if (isWithin(data, backups)) throw nested('the data directory', data, 'the directory of backups', backups);
}

function nested(inner: string, innerPath: string, outer: string, outerPath: string): CommandFailure {
  return usageFailure(`${inner} ${innerPath} lies in ${outer} ${outerPath}: name one that is outside of it`);
}

/** Also of what is not there yet; also where both are the same. */
function isWithin(path: string, directory: string): boolean {
  const outer = statusOf(directory);
  if (outer === undefined) return false;
  for (let at = realPlace(path); ; at = dirname(at)) {
    const status = statusOf(at);
    if (status?.dev === outer.dev && status.ino === outer.ino) return true;
    if (at === dirname(at)) return false;
  }
}

/** Where it is, or would be made. */
function realPlace(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path === dirname(path) ? path : join(realPlace(dirname(path)), basename(path));
  }
}

/** None of what is not there, and of what cannot be looked at: nothing can be made below that either. */
function statusOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return undefined;
  }
}
