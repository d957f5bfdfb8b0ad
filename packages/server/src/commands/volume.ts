/** `facet volume create|list|show|set|delete`. */

import { type Command, InvalidArgumentError, Option } from 'commander';
import { withAdministration } from '../administration/connect.ts';
import type { Administration, ListedVolume, VolumeDetails } from '../administration/contract.ts';
import { usageFailure } from '../failure.ts';
import { processOutput, table } from '../output.ts';
import { ROOT_ACCOUNT } from '../serve/rootCredentials.ts';
import { formatBytes, parseBytes } from './size.ts';
import { addStoreOptions, type StoreOptions, storeOf } from './storeOptions.ts';

export function addVolumeCommands(program: Command): void {
  const volume = program
    .command('volume')
    .description('make, list, show, change and delete volumes (S3 buckets)');

  addStoreOptions(volume.command('create <NAME>'))
    .description('make an empty volume')
    .option('--owner <ACCOUNT>', 'the account that owns it', ROOT_ACCOUNT)
    .action(async (name: string, options: StoreOptions & { readonly owner: string }) => {
      const created = await withAdministration(storeOf(options), (administration) =>
        administration.createVolume({ name, owner: options.owner }),
      );
      processOutput(options.json === true).result({
        result: created,
        text: `volume ${created.name} created, owned by ${created.owner}`,
      });
    });

  addStoreOptions(volume.command('list'))
    .description(
      'list volumes, in order of name, with what they hold and what they may hold; exact bytes with --json',
    )
    .option('--owner <ACCOUNT>', 'only those of this account')
    .action(async (options: StoreOptions & { readonly owner?: string }) => {
      const volumes = await withAdministration(storeOf(options), (administration) =>
        listAllVolumes(administration, options.owner),
      );
      processOutput(options.json === true).result({
        result: { volumes },
        text: table(
          ['NAME', 'OWNER', 'SIZE', 'SIZE-MAX', 'INODES', 'INODES-MAX', 'CREATED'],
          volumes.map(({ name, owner, usage, quota, created }) => [
            name,
            owner,
            formatBytes(usage.bytes),
            quota.bytes === null ? 'none' : formatBytes(quota.bytes),
            String(usage.inodes),
            quota.inodes === null ? 'none' : String(quota.inodes),
            created,
          ]),
        ),
      });
    });

  addStoreOptions(volume.command('show <NAME>'))
    .description('show a volume: owner, usage, defaults')
    .action(async (name: string, options: StoreOptions) => {
      const details = await withAdministration(storeOf(options), (administration) =>
        administration.showVolume(name),
      );
      processOutput(options.json === true).result({ result: details, text: describe(details) });
    });

  addStoreOptions(volume.command('set <NAME>'))
    .description('change settings of a volume; what is not given stays')
    .addOption(
      new Option(
        '--posix-metadata <WHETHER>',
        'S3 tells owner, group, mode and time of every object as x-amz-meta-file-…',
      ).choices(['on', 'off']),
    )
    .option(
      '--quota <SIZE>',
      'bytes it may hold, or none; K, M, G, T and P are powers of 1024, so that 500G is 500 GiB',
      parseSize,
    )
    .option('--quota-inodes <COUNT>', 'files and directories it may hold, or none', parseCount)
    .action(async (name: string, options: SetOptions) => {
      const { posixMetadata, quota, quotaInodes } = options;
      const changes = {
        ...(posixMetadata && { posixMetadata: posixMetadata === 'on' }),
        ...(quota !== undefined && { quotaBytes: limitOf(quota) }),
        ...(quotaInodes !== undefined && { quotaInodes: limitOf(quotaInodes) }),
      };
      if (Object.keys(changes).length === 0)
        throw usageFailure('nothing to set: --help shows what can be set');
      const details = await withAdministration(storeOf(options), (administration) =>
        administration.setVolume(name, changes),
      );
      processOutput(options.json === true).result({ result: details, text: describe(details) });
    });

  addStoreOptions(volume.command('delete <NAME>'))
    .description('delete an empty volume')
    .action(async (name: string, options: StoreOptions) => {
      const deleted = await withAdministration(storeOf(options), (administration) =>
        administration.deleteVolume(name),
      );
      processOutput(options.json === true).result({
        result: deleted,
        text: `volume ${deleted.name} deleted`,
      });
    });
}

interface SetOptions extends StoreOptions {
  readonly posixMetadata?: 'on' | 'off';
  readonly quota?: Limit;
  readonly quotaInodes?: Limit;
}

type Limit = number | 'none';

const limitOf = (limit: Limit): number | null => (limit === 'none' ? null : limit);

function parseSize(text: string): Limit {
  return text === 'none' ? text : parseBytes(text, ', or none');
}

function parseCount(text: string): Limit {
  if (text === 'none') return text;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number, or none.');
}

function describe(details: VolumeDetails): string {
  const { name, id, owner, created, usage, quota, defaults, posixMetadata } = details;
  const { uid, gid, directoryMode, fileMode } = defaults;
  return [
    `name      ${name}`,
    `id        ${id}`,
    `owner     ${owner}`,
    `created   ${created}`,
    `bytes     ${usage.bytes}${quota.bytes === null ? '' : ` of ${quota.bytes}`}`,
    `inodes    ${usage.inodes}${quota.inodes === null ? '' : ` of ${quota.inodes}`}`,
    `defaults  uid ${uid}, gid ${gid}, directories ${directoryMode}, files ${fileMode}`,
    `metadata  ${posixMetadata ? 'S3 tells owners, modes and times of all objects' : "as the objects' writers gave them"}`,
    ...describeUnshown(details.unshown),
  ].join('\n');
}

/** Nothing where there is none. */
function describeUnshown({ files, directories, paths, complete }: VolumeDetails['unshown']): string[] {
  const found = files + directories;
  if (found === 0 && complete) return [];
  const looked = complete ? '' : ', of the million entries looked at';
  const more = found - paths.length;
  return [
    `unshown   files ${files}, directories ${directories}${looked}: their paths are no keys of S3`,
    ...paths.map((path) => `          ${path}`),
    ...(more > 0 ? [`          and ${more} more`] : []),
  ];
}

async function listAllVolumes(
  administration: Administration,
  owner: string | undefined,
): Promise<ListedVolume[]> {
  const volumes: ListedVolume[] = [];
  for (;;) {
    const page = await administration.listVolumes({ owner, after: volumes.at(-1)?.name });
    volumes.push(...page.volumes);
    if (!page.truncated || page.volumes.length === 0) return volumes;
  }
}
