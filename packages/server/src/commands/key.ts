/** `facet key create|list|delete`: access keys. */

import type { Command } from 'commander';
import { withAdministration } from '../administration/connect.ts';
import {
  ACCESS_KEY_RULE,
  ACCOUNT_RULE,
  accessKeyId,
  accountName,
  type NewKey,
  SECRET_RULE,
  secretAccessKey,
} from '../administration/contract.ts';
import { usageFailure } from '../failure.ts';
import { processOutput, table } from '../output.ts';
import { addStoreOptions, type StoreOptions, storeOf } from './storeOptions.ts';

interface CreateOptions extends StoreOptions {
  readonly account: string;
  readonly accessKey?: string;
  readonly secretKey?: string;
  readonly displayName?: string;
  readonly email?: string;
}

export function addKeyCommands(program: Command): void {
  const key = program.command('key').description('make, list and delete access keys and their accounts');

  addStoreOptions(key.command('create'))
    .description('make an access key; its account too, when there is none of that name')
    .requiredOption('--account <ACCOUNT>', `whose key it is: ${ACCOUNT_RULE}`)
    .option('--access-key <ID>', `its id: ${ACCESS_KEY_RULE} (default: made up)`)
    .option(
      '--secret-key <SECRET>',
      `the secret: ${SECRET_RULE} (default: made up, which keeps it out of process lists)`,
    )
    .option('--display-name <NAME>', "a new account's name as S3 shows it")
    .option('--email <ADDRESS>', "a new account's address")
    .action(async (options: CreateOptions) => {
      const created = await withAdministration(storeOf(options), (administration) =>
        administration.createKey(newKeyOf(options)),
      );
      processOutput(options.json === true).result({
        result: created,
        text: [
          `account     ${created.account}`,
          `access key  ${created.accessKeyId}`,
          `secret key  ${created.secretAccessKey}`,
        ].join('\n'),
      });
    });

  addStoreOptions(key.command('list'))
    .description('list access keys, without their secrets')
    .option('--account <ACCOUNT>', 'only those of this account')
    .action(async (options: StoreOptions & { readonly account?: string }) => {
      const keys = await withAdministration(storeOf(options), (administration) =>
        administration.listKeys(options.account),
      );
      processOutput(options.json === true).result({
        result: { keys },
        text: table(
          ['ACCESS KEY', 'ACCOUNT', 'CREATED'],
          keys.map(({ accessKeyId, account, created }) => [accessKeyId, account, created]),
        ),
      });
    });

  addStoreOptions(key.command('delete <ACCESS_KEY>'))
    .description('delete an access key: requests signed by it are refused from then on')
    .addHelpText(
      'after',
      '\nThe root access key is deleted only when root-credentials.json is removed first.',
    )
    .action(async (accessKeyId: string, options: StoreOptions) => {
      const deleted = await withAdministration(storeOf(options), (administration) =>
        administration.deleteKey(accessKeyId),
      );
      processOutput(options.json === true).result({
        result: deleted,
        text: `access key ${deleted.accessKeyId} of account ${deleted.account} deleted`,
      });
    });
}

function newKeyOf(options: CreateOptions): NewKey {
  const { account, accessKey, secretKey, displayName, email } = options;
  if (!accountName.safeParse(account).success) {
    throw usageFailure(`--account must be ${ACCOUNT_RULE}, not '${account}'`);
  }
  if (accessKey !== undefined && !accessKeyId.safeParse(accessKey).success) {
    throw usageFailure(`--access-key must be ${ACCESS_KEY_RULE}, not '${accessKey}'`);
  }
  if (secretKey !== undefined && !secretAccessKey.safeParse(secretKey).success) {
    throw usageFailure(`--secret-key must be ${SECRET_RULE}`);
  }
  if (displayName === '') throw usageFailure('--display-name must not be empty');
  if (email === '') throw usageFailure('--email must not be empty');
  return {
    account,
    ...(accessKey === undefined ? {} : { accessKeyId: accessKey }),
    ...(secretKey === undefined ? {} : { secretAccessKey: secretKey }),
    ...(displayName === undefined ? {} : { displayName }),
    ...(email === undefined ? {} : { email }),
  };
}
