/** `facet volume create|list|show|delete`. */

import type { Command } from 'commander';
import { withAdministration } from '../administration/connect.ts';
import type { Administration, VolumeReport } from '../administration/contract.ts';
import { processOutput, table } from '../output.ts';
import { ROOT_ACCOUNT } from '../serve/rootCredentials.ts';
import { addStoreOptions, dataDirectoryOf, type StoreOptions } from './storeOptions.ts';

export function addVolumeCommands(program: Command): void {
  const volume = program.command('volume').description('make, list, show and delete volumes (S3 buckets)');

  addStoreOptions(volume.command('create <NAME>'))
    .description('make an empty volume')
    .option('--owner <ACCOUNT>', 'the account that owns it', ROOT_ACCOUNT)
    .action(async (name: string, options: StoreOptions & { readonly owner: string }) => {
      const created = await withAdministration(dataDirectoryOf(options), (administration) =>
        administration.createVolume({ name, owner: options.owner }),
      );
      processOutput(options.json === true).result({
        result: created,
        text: `volume ${created.name} created, owned by ${created.owner}`,
      });
    });

  addStoreOptions(volume.command('list'))
    .description('list volumes, in order of name')
    .option('--owner <ACCOUNT>', 'only those of this account')
    .action(async (options: StoreOptions & { readonly owner?: string }) => {
      const volumes = await withAdministration(dataDirectoryOf(options), (administration) =>
        listAllVolumes(administration, options.owner),
      );
      processOutput(options.json === true).result({
        result: { volumes },
        text: table(
          ['NAME', 'OWNER', 'CREATED'],
          volumes.map(({ name, owner, created }) => [name, owner, created]),
        ),
      });
    });

  addStoreOptions(volume.command('show <NAME>'))
    .description('show a volume: owner, usage, defaults')
    .action(async (name: string, options: StoreOptions) => {
      const details = await withAdministration(dataDirectoryOf(options), (administration) =>
        administration.showVolume(name),
      );
      const { usage, defaults } = details;
      processOutput(options.json === true).result({
        result: details,
        text: [
          `name      ${details.name}`,
          `id        ${details.id}`,
          `owner     ${details.owner}`,
          `created   ${details.created}`,
          `bytes     ${usage.bytes}`,
          `inodes    ${usage.inodes}`,
          `defaults  uid ${defaults.uid}, gid ${defaults.gid}, directories ${defaults.directoryMode}, files ${defaults.fileMode}`,
        ].join('\n'),
      });
    });

  addStoreOptions(volume.command('delete <NAME>'))
    .description('delete an empty volume')
    .action(async (name: string, options: StoreOptions) => {
      const deleted = await withAdministration(dataDirectoryOf(options), (administration) =>
        administration.deleteVolume(name),
      );
      processOutput(options.json === true).result({
        result: deleted,
        text: `volume ${deleted.name} deleted`,
      });
    });
}

async function listAllVolumes(
  administration: Administration,
  owner: string | undefined,
): Promise<VolumeReport[]> {
  const volumes: VolumeReport[] = [];
  for (;;) {
    const page = await administration.listVolumes({ owner, after: volumes.at(-1)?.name });
    volumes.push(...page.volumes);
    if (!page.truncated || page.volumes.length === 0) return volumes;
  }
}
