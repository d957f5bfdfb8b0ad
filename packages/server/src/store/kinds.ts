/**
 * Whether what lies in a data directory is what it is to be, and may be used: said of each by its name, where an error of
 * the system, met somewhere on the way, says too little.
 */

import { accessSync, constants, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import { EXIT } from '../exitCodes.ts';
import { CommandFailure } from '../failure.ts';
import { unusableDirectory } from './directory.ts';
import type { StoreLayout } from './layout.ts';

interface Place {
  readonly path: string;
  readonly kind: 'file' | 'directory';
  /** As access(2) has it. */
  readonly mode: number;
}

const { F_OK, R_OK, W_OK, X_OK } = constants;
const METADATA_FILES = ['data.mdb', 'lock.mdb', '0.journal', '1.journal', 'ballast'];

/** Those above first. What is made anew, whoever it was of, need not be readable. */
function placesOf(layout: StoreLayout): readonly Place[] {
  const { metadata } = layout;
  const directories = [metadata, layout.extents];
  const changed = [layout.lock, ...METADATA_FILES.map((name) => join(metadata, name))];
  return [
    ...directories.map((path): Place => ({ path, kind: 'directory', mode: R_OK | W_OK | X_OK })),
    ...changed.map((path): Place => ({ path, kind: 'file', mode: R_OK | W_OK })),
    { path: layout.rootCredentials, kind: 'file', mode: R_OK },
    { path: layout.nfsHandleKey, kind: 'file', mode: R_OK },
    { path: layout.adminEndpoint, kind: 'file', mode: F_OK },
  ];
}

/** What is not there is no matter. @throws CommandFailure UnusableDirectory (1) */
export function mustBeUsable(layout: StoreLayout): void {
  for (const { path, kind, mode } of placesOf(layout)) {
    try {
      const status = statSync(path, { throwIfNoEntry: false });
      if (status === undefined) continue;
      mustBe(kind, { path, status, layout });
      accessSync(path, mode);
    } catch (error) {
      throw unusableDirectory(layout.directory, error);
    }
  }
}

function mustBe(
  kind: Place['kind'],
  { path, status, layout }: { readonly path: string; readonly status: Stats; readonly layout: StoreLayout },
): void {
  if (kind === 'file' ? status.isFile() : status.isDirectory()) return;
  const other = status.isDirectory() ? 'is a directory' : status.isFile() ? 'is a file' : 'is something else';
  throw new CommandFailure({
    exitCode: EXIT.failed,
    code: 'UnusableDirectory',
    message: `cannot use ${layout.directory} as a data directory: ${path} ${other} that should be a ${kind}: move it away`,
  });
}
