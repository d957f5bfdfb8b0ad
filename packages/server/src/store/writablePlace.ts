/** A store that is only to be looked at is opened as any other is, and that writes. */

import { accessSync, constants } from 'node:fs';
import { EXIT } from '../exitCodes.ts';
import { CommandFailure } from '../failure.ts';
import { errorCode } from './directory.ts';
import type { StoreLayout } from './layout.ts';

export function isReadOnly({ directory }: StoreLayout): boolean {
  try {
    accessSync(directory, constants.W_OK);
    return false;
  } catch (error) {
    return errorCode(error) === 'EROFS';
  }
}

export function needsWritablePlace({ directory }: StoreLayout): CommandFailure {
  return new CommandFailure({
    exitCode: EXIT.failed,
    code: 'UnusableDirectory',
    message:
      `cannot check the store in ${directory} where it is: its file system is read-only, and opening a store writes, ` +
      'since what its journal holds is brought to its place first. Nothing was found out of the store itself. Make ' +
      "the place writable, or check a copy elsewhere ('cp -a', while nobody serves it)",
  });
}
