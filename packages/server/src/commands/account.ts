/** `facet account list`: who can own volumes. An account is made with its first key. */

import type { Command } from 'commander';
import { withAdministration } from '../administration/connect.ts';
import { processOutput, table } from '../output.ts';
import { addStoreOptions, type StoreOptions, storeOf } from './storeOptions.ts';

export function addAccountCommands(program: Command): void {
  const account = program.command('account').description("list accounts; 'facet key create' makes them");

  addStoreOptions(account.command('list'))
    .description('list accounts, in order of name')
    .action(async (options: StoreOptions) => {
      const accounts = await withAdministration(storeOf(options), (administration) =>
        administration.listAccounts(),
      );
      processOutput(options.json === true).result({
        result: { accounts },
        text: table(
          ['ACCOUNT', 'DISPLAY NAME', 'E-MAIL', 'KEYS', 'CREATED'],
          accounts.map(({ name, displayName, email, keys, created }) => [
            name,
            displayName,
            email ?? '',
            String(keys),
            created,
          ]),
        ),
      });
    });
}
