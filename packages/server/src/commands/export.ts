/** `facet export list|show|set`: who may mount a volume by NFS, as whom, and whose is what S3 makes. */

import { isIP } from 'node:net';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { withAdministration } from '../administration/connect.ts';
import type { Administration, ExportChanges, ExportReport } from '../administration/contract.ts';
import { usageFailure } from '../failure.ts';
import { processOutput, table } from '../output.ts';
import { addStoreOptions, type StoreOptions, storeOf } from './storeOptions.ts';

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

interface SetOptions extends StoreOptions {
  readonly clients?: readonly string[];
  readonly readOnly?: true;
  readonly readWrite?: true;
  readonly squash?: ExportReport['squash'];
  readonly anonymous?: Owner | typeof THE_OWNER;
  readonly securePorts?: true;
  readonly anyPort?: true;
  readonly owner?: Owner;
  readonly directoryMode?: string;
  readonly fileMode?: string;
}

export function addExportCommands(program: Command): void {
  const exports = program.command('export').description('who may mount volumes by NFS, and as whom');

  addStoreOptions(exports.command('list'))
    .description('list what can be mounted, in order of name')
    .action(async (options: StoreOptions) => {
      const found = await withAdministration(storeOf(options), listAllExports);
      processOutput(options.json === true).result({
        result: { exports: found },
        text: table(
          ['PATH', 'CLIENTS', 'ACCESS', 'SQUASH', 'OWNER'],
          found.map((one) => [one.path, clientsOf(one), accessOf(one), one.squash, idsOf(one.owner)]),
        ),
      });
    });

  addStoreOptions(exports.command('show <VOLUME>'))
    .description('show the export of a volume')
    .action(async (volume: string, options: StoreOptions) => {
      const shown = await withAdministration(storeOf(options), (administration) =>
        administration.showExport(volume),
      );
      processOutput(options.json === true).result({ result: shown, text: describe(shown) });
    });

  addSetOptions(addStoreOptions(exports.command('set <VOLUME>')))
    .description('change the export of a volume; what is not given stays')
    .action(async (volume: string, options: SetOptions) => {
      const changes = changesOf(options);
      const set = await withAdministration(storeOf(options), (administration) =>
        administration.setExport(volume, changes),
      );
      processOutput(options.json === true).result({ result: set, text: describe(set) });
    });
}

function addSetOptions(command: Command): Command {
  return command
    .option(
      '--clients <NETWORKS>',
      'who may mount, as in 10.0.0.0/8,192.168.1.7,::1, or nobody',
      parseNetworks,
    )
    .addOption(new Option('--read-only', 'nothing is changed by NFS').conflicts('readWrite'))
    .option('--read-write', 'things are')
    .addOption(
      new Option('--squash <WHO>', 'who becomes the anonymous user').choices(['none', 'root', 'all']),
    )
    .option(
      '--anonymous <WHO>',
      `the ids of the anonymous user, UID:GID; or ${THE_OWNER}, whoever that is`,
      (text) => (text === THE_OWNER ? text : parseIds(text)),
    )
    .addOption(new Option('--secure-ports', 'only from ports below 1024').conflicts('anyPort'))
    .option('--any-port', 'from any port')
    .option('--owner <UID:GID>', 'whose is what S3 makes', parseIds)
    .option('--directory-mode <MODE>', 'mode of directories that S3 makes, in octal', parseDirectoryMode)
    .option('--file-mode <MODE>', 'mode of files that S3 makes, in octal', parseFileMode);
}

/** @throws CommandFailure (2): nothing to change */
function changesOf(options: SetOptions): ExportChanges {
  const { clients, squash, anonymous, owner, directoryMode, fileMode } = options;
  const changes = {
    ...(clients && { clients: [...clients] }),
    ...(options.readOnly && { readOnly: true }),
    ...(options.readWrite && { readOnly: false }),
    ...(squash && { squash }),
    ...(anonymous && anonymousOf(anonymous)),
    ...(options.securePorts && { securePorts: true }),
    ...(options.anyPort && { securePorts: false }),
    ...(owner && { owner }),
    ...(directoryMode && { directoryMode }),
    ...(fileMode && { fileMode }),
  };
  if (Object.keys(changes).length === 0) {
    throw usageFailure('nothing to set: --help shows what can be set');
  }
  return changes;
}

const THE_OWNER = 'owner';

function anonymousOf(who: Owner | typeof THE_OWNER): Pick<ExportChanges, 'anonymousUid' | 'anonymousGid'> {
  if (who === THE_OWNER) return { anonymousUid: null, anonymousGid: null };
  return { anonymousUid: who.uid, anonymousGid: who.gid };
}

const NOBODY = 'nobody';

/** A lone address is a network of one. Whether it is one at all, the store tells. */
function parseNetworks(text: string): readonly string[] {
  if (text === NOBODY) return [];
  const networks = text.split(',').filter((network) => network !== '');
  if (networks.length === 0) {
    throw new InvalidArgumentError(`It must name a network; ${NOBODY} lets nobody mount.`);
  }
  return networks.map((network) =>
    isIP(network) === 4 ? `${network}/32` : isIP(network) === 6 ? `${network}/128` : network,
  );
}

const ID_MAX = 0xffff_ffff;

function parseIds(text: string): Owner {
  const match = /^(\d{1,10}):(\d{1,10})$/.exec(text);
  const [uid, gid] = [Number(match?.[1]), Number(match?.[2])];
  if (uid <= ID_MAX && gid <= ID_MAX) return { uid, gid };
  throw new InvalidArgumentError(`It must be UID:GID in numbers, as in 1000:1000.`);
}

function parseFileMode(text: string): string {
  if ((Number.parseInt(parseMode(text), 8) & 0o6000) === 0) return text;
  throw new InvalidArgumentError('Files get no set-uid bit (4000) and no set-gid bit (2000).');
}

function parseDirectoryMode(text: string): string {
  if ((Number.parseInt(parseMode(text), 8) & 0o4000) === 0) return text;
  throw new InvalidArgumentError('Directories get no set-uid bit (4000).');
}

function parseMode(text: string): string {
  if (/^0?[0-7]{1,4}$/.test(text)) return text;
  throw new InvalidArgumentError('It must be a mode in octal, as in 0755.');
}

const clientsOf = ({ clients }: ExportReport): string => (clients.length > 0 ? clients.join(',') : NOBODY);
const accessOf = ({ readOnly }: ExportReport): string => (readOnly ? 'read only' : 'read and write');
const idsOf = ({ uid, gid }: Owner): string => `${uid}:${gid}`;

function describe(shown: ExportReport): string {
  const anonymous = `${shown.anonymousUid}:${shown.anonymousGid}${shown.anonymousIsOwner ? ', the owner' : ''}`;
  const squashed = {
    none: `users are who they say they are, and who says nothing is ${anonymous}`,
    root: `root becomes ${anonymous}`,
    all: `everybody becomes ${anonymous}`,
  }[shown.squash];
  return [
    `path         ${shown.path}`,
    `clients      ${clientsOf(shown)}`,
    `access       ${accessOf(shown)}`,
    `squash       ${shown.squash}: ${squashed}`,
    `ports        ${shown.securePorts ? 'below 1024' : 'any'}`,
    `owner        ${idsOf(shown.owner)}`,
    `directories  ${shown.directoryMode}`,
    `files        ${shown.fileMode}`,
  ].join('\n');
}

async function listAllExports(administration: Administration): Promise<ExportReport[]> {
  const exports: ExportReport[] = [];
  for (;;) {
    const page = await administration.listExports({ after: exports.at(-1)?.name });
    exports.push(...page.exports);
    if (!page.truncated || page.exports.length === 0) return exports;
  }
}
