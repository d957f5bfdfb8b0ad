/** The options that every command on a store takes. */

import type { Command } from 'commander';
import type { StoreOfCommand } from '../administration/connect.ts';
import { processOutput } from '../output.ts';
import { resolveDataDirectory, SETTINGS } from '../settings/settings.ts';

export interface StoreOptions {
  readonly data?: string;
  readonly config?: string;
  readonly json?: boolean;
}

export function addStoreOptions(command: Command): Command {
  return command
    .option(
      '--data <DIR>',
      `the data directory (default ${SETTINGS.data.default}; ${SETTINGS.data.variable})`,
    )
    .option('--config <FILE>', 'a configuration file (JSON) that may name it (FACET_CONFIG)')
    .option('--json', 'print one JSON document');
}

export function dataDirectoryOf(options: StoreOptions): string {
  return resolveDataDirectory({
    flags: { data: options.data, config: options.config },
    environment: process.env,
  });
}

export function storeOf(options: StoreOptions): StoreOfCommand {
  return { directory: dataDirectoryOf(options), remark: processOutput(options.json === true).remark };
}
