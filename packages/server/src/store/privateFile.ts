/** Files that only their owner may read. */

import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { isFullDisk } from './fullDisk.ts';

/** Undefined when there is none. @throws other errors of the system */
export function readPrivateFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Replaces `path` as a whole: readers see the old file or the new one, also after a power cut. Mode 0600.
 * @throws errors of the disk; then all is as it was
 */
export function writePrivateFile(path: string, content: string): void {
  const temporary = `${path}.${process.pid}.new`;
  // A leftover of a killed process with the same pid may have another owner or mode.
  rmSync(temporary, { force: true });
  try {
    writeDurably(temporary, content);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    // The system says it of a write, and not of which file.
    if (isFullDisk(error)) error.message = `there is no room on the disk for ${path} (${error.message})`;
    throw error;
  }
  const directory = openSync(dirname(path), 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

function writeDurably(path: string, content: string): void {
  const file = openSync(path, 'wx', 0o600);
  try {
    // A full disk takes the first bytes without a word: this one writes until all are there, or it fails.
    writeFileSync(file, content);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
