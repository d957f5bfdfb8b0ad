/** `facet account list|show|delete`: who can own volumes. An account is made with its first key. */

import type { Command } from 'commander';
import { withAdministration } from '../administration/connect.ts';
import type { AccountDetails } from '../administration/contract.ts';
import { processOutput, table } from '../output.ts';
import { addStoreOptions, type StoreOptions, storeOf } from './storeOptions.ts';

export function addAccountCommands(program: Command): void {
  const account = program
    .command('account')
    .description("list, show and delete accounts; 'facet key create' makes them");

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

  addStoreOptions(account.command('show <ACCOUNT>'))
    .description('show an account: names, access keys, how many volumes it owns')
    .action(async (name: string, options: StoreOptions) => {
      const shown = await withAdministration(storeOf(options), (administration) =>
        administration.showAccount(name),
      );
      processOutput(options.json === true).result({ result: shown, text: describe(shown) });
    });

  addStoreOptions(account.command('delete <ACCOUNT>'))
    .description('delete an account that owns no volumes, and its access keys')
    .addHelpText(
      'after',
      "\nAn account that owns volumes is not deleted: 'facet volume list --owner ACCOUNT' lists them.",
    )
    .action(async (name: string, options: StoreOptions) => {
      const deleted = await withAdministration(storeOf(options), (administration) =>
        administration.deleteAccount(name),
      );
      processOutput(options.json === true).result({
        result: deleted,
        text: `account ${deleted.name} deleted, and its access keys: ${deleted.keys}`,
      });
    });
}

function describe(shown: AccountDetails): string {
  const { name, displayName, email, canonicalId, created, accessKeys, volumes } = shown;
  return [
    `account       ${name}`,
    `display name  ${displayName}`,
    ...(email === undefined ? [] : [`e-mail        ${email}`]),
    `canonical id  ${canonicalId}`,
    `created       ${created}`,
    `volumes       ${volumes}`,
    ...accessKeys.map((key) => `access key    ${key.accessKeyId}, created ${key.created}`),
  ].join('\n');
}
