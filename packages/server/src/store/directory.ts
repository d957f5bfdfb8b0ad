/** A data directory as a place on disk: made when it is to be, and, when it is no use, why. */

import { closeSync, fsyncSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { EXIT } from '../exitCodes.ts';
import { CommandFailure } from '../failure.ts';

/**
 * Makes a directory and those above it, from the top; each is there after a power cut. What exists is left alone.
 *
 * Not by a recursive mkdir: Node's tries for ever where the parent exists and mkdir says ENOENT all the same, as in
 * /proc.
 * @throws CommandFailure UnusableDirectory (1)
 */
export function makeDataDirectory(directory: string): void {
  const missing: string[] = [];
  for (let path = directory; !isThere(path, directory); path = dirname(path)) missing.unshift(path);
  for (const path of missing) {
    try {
      mkdirSync(path);
      syncDirectory(dirname(path));
    } catch (error) {
      // Somebody else may be making it at this moment.
      if (errorCode(error) !== 'EEXIST') throw unusableDirectory(directory, error);
    }
  }
}

/** Whether there is something by that name. @throws CommandFailure UnusableDirectory when that cannot be known */
export function isThere(path: string, directory: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    throw unusableDirectory(directory, error);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied: run this as its owner, or have access granted',
  EPERM: 'the system does not permit it there',
  ENOENT: 'nothing can be made there',
  ENOTDIR: 'what is there, or above it, is a file and no directory',
  EISDIR: 'something in it is a directory that should be a file',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota is used up',
  ENAMETOOLONG: 'the name is too long',
  ELOOP: 'its symbolic links go round in a circle',
};

/** What is wrong with a data directory, from an error of the operating system; any other error unchanged. */
export function unusableDirectory(directory: string, error: unknown): unknown {
  const code = errorCode(error);
  if (code === undefined || !(error instanceof Error) || !/^E[A-Z0-9]+$/.test(code)) return error;
  return new CommandFailure({
    exitCode: EXIT.failed,
    code: 'UnusableDirectory',
    message: `cannot use ${directory} as a data directory: ${REASONS[code] ?? 'it fails'} (${error.message})`,
  });
}

export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** What is named in it is there after a power cut. */
export function syncDirectory(path: string): void {
  const directory = openSync(path, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
