/** `facet fsck`: proves that metadata and extents agree. Only while nobody serves the store. */

import type { Command } from 'commander';
import { EXIT, type ExitCode } from '../exitCodes.ts';
import { CommandFailure } from '../failure.ts';
import { holdStoreForCommand, storeInUse } from '../store/holding.ts';
import { storeLayout } from '../store/layout.ts';
import { addStoreOptions, dataDirectoryOf, type StoreOptions } from './storeOptions.ts';

export function addFsckCommand(program: Command, finish: (code: ExitCode) => void): void {
  addStoreOptions(program.command('fsck'))
    .description('prove that metadata and extents agree; the store must not be served meanwhile')
    .action(async (options: StoreOptions) => {
      finish(await fsck(options));
    });
}

async function fsck(options: StoreOptions): Promise<ExitCode> {
  const layout = storeLayout(dataDirectoryOf(options));
  const lock = holdStoreForCommand(layout);
  if (lock === undefined) throw storeInUse(layout, 'fsck needs it at rest, so stop that first');
  try {
    throw new CommandFailure({ exitCode: EXIT.failed, code: 'NotBuilt', message: 'fsck is not built yet' });
  } finally {
    lock.close();
  }
}
