/** `facet backup`: a copy of the store as it is at one moment, also while it is served; only what is new is copied. */

import { resolve } from 'node:path';
import type { BackupId, Pruned } from '@facet/core';
import { type Command, InvalidArgumentError } from 'commander';
import { withAdministration } from '../administration/connect.ts';
import type { BackupReport } from '../administration/contract.ts';
import { EXIT, type ExitCode } from '../exitCodes.ts';
import { CommandFailure, usageFailure } from '../failure.ts';
import { processOutput } from '../output.ts';
import { describeDamagedPlace, describeDamagedRecord } from './affectedObjects.ts';
import {
  checkAll,
  describeRemoved,
  listBackups,
  pruneOnly,
  removeThese,
  type ThereOptions,
  withRemoval,
} from './backupsThere.ts';
import { counted } from './counted.ts';
import { ProgressLine } from './progressLine.ts';
import { addRateOption, type RateOptions, rateOf } from './rate.ts';
import { shortList } from './shortList.ts';
import { formatBytes } from './size.ts';
import { addStoreOptions, type StoreOptions, storeOf } from './storeOptions.ts';

interface BackupCommandOptions extends StoreOptions, RateOptions {
  readonly to: string;
  readonly keep?: number;
  readonly list?: boolean;
  readonly check?: boolean;
  readonly prune?: boolean;
  readonly remove?: readonly string[];
}

export function addBackupCommand(program: Command, finish: (code: ExitCode) => void): void {
  addRateOption(addStoreOptions(program.command('backup')))
    .description('copy the store as it is at one moment, also while it is served')
    .requiredOption('--to <DIR>', 'the directory of backups of this store; made when absent')
    .option('--keep <N>', 'then, or with --prune only, remove all backups there but the newest N', parseKeep)
    .option('--list', 'tell which backups there are, and make none')
    .option('--check', 'read all backups there and compare them with their checksums, and make none')
    .option(
      '--prune',
      'remove all but the newest N of --keep, and what a backup left that was cut short, and make none',
    )
    .option('--remove <ID...>', 'remove these backups, and what only they had, and make none')
    .addHelpText(
      'after',
      [
        '\nOf data it copies what no backup there has. While a server runs on the store, that is what writes to DIR.',
        'A backup holds all data, accounts and keys as they are: only its owner may read it. Ctrl-C ends it.',
        'Exit code 6 says that damage was found in the store, or in the backups that are there.',
      ].join('\n'),
    )
    .action(async (options: BackupCommandOptions) => {
      finish(await way(options));
    });
}

/** Which of the things that the command does is wanted. @throws CommandFailure (2) */
function way(options: BackupCommandOptions): Promise<ExitCode> {
  const { keep, list, check, prune, remove } = options;
  const asked = Object.entries({ list, check, prune, remove }).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`],
  );
  if (asked.length > 1) throw usageFailure(`${asked.join(' and ')} do not go together`);
  if (prune && keep === undefined)
    throw usageFailure('--prune needs --keep N: how many backups are to stay; --remove ID removes one');
  if (keep !== undefined && asked.length === 1 && !prune)
    throw usageFailure(`--keep does nothing with ${asked[0]}: --prune --keep N removes old backups`);
  const there: ThereOptions = { directory: resolve(options.to), json: options.json === true };
  if (list) return listBackups(there);
  if (check) return checkAll(there);
  if (remove) return removeThese(there, remove);
  return prune && keep !== undefined ? pruneOnly(there, keep) : runBackup(options);
}

function parseKeep(text: string): number {
  const keep = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (keep > 0) return keep;
  throw new InvalidArgumentError('It must be a number of backups, at least 1.');
}

async function runBackup(options: BackupCommandOptions): Promise<ExitCode> {
  const output = processOutput(options.json === true);
  const line = new ProgressLine(process.stderr, { isWanted: !output.json });
  const ending = new AbortController();
  const { signal } = ending;
  process.once('SIGINT', () => ending.abort());
  const to = resolve(options.to);
  try {
    const report = await withAdministration(storeOf(options), (administration) =>
      administration.backup({
        to,
        bytesPerSecond: rateOf(options),
        signal,
        onProgress: (progress) => line.show(progress),
      }),
    );
    line.clear();
    const pruned = options.keep === undefined ? undefined : await pruneTo(to, options.keep, report.id);
    output.result({
      result: pruned ? { ...report, removed: pruned } : report,
      text: describe(report, pruned),
    });
    return damagesOf(report) === 0 ? EXIT.ok : EXIT.damage;
  } catch (error) {
    line.clear();
    if (!signal.aborted) throw error;
    const message = 'the backup was ended before it was complete: those that were there are as they were';
    throw new CommandFailure({ exitCode: EXIT.failed, code: 'Interrupted', message });
  }
}

const damagesOf = ({ damaged, damagedRecordCount }: BackupReport): number =>
  damaged.length + damagedRecordCount;

/** @param made the backup that was made before */
async function pruneTo(directory: string, keep: number, made: BackupId): Promise<Pruned> {
  const { prune } = await import('@facet/core');
  try {
    return await withRemoval(directory, (repository) => prune(repository, keep));
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error;
    const { exitCode, code } = error;
    const message = `backup ${made} was made, but those before it could not be removed: ${error.message}`;
    throw new CommandFailure({ exitCode, code, message });
  }
}

function describe(report: BackupReport, pruned: Pruned | undefined): string {
  const { id, metadataBytes, containers, bytes, copiedContainers, copiedBytes, damaged } = report;
  const damages = damagesOf(report);
  return [
    ...shortList(report.damagedRecords.map(describeDamagedRecord), report.damagedRecordCount),
    ...shortList(damaged.map(describeDamagedPlace)),
    `backup ${id}: ${formatBytes(metadataBytes)} of metadata, ${formatBytes(bytes)} of data in ${counted(containers, 'file')}`,
    `copied ${formatBytes(copiedBytes)} of data, of ${counted(copiedContainers, 'file')}`,
    ...(report.leftBytes > 0
      ? [`removed ${formatBytes(report.leftBytes)} that a backup which was cut short had left`]
      : []),
    ...(pruned ? [describeRemoved(pruned)] : []),
    damages === 0
      ? 'no damage'
      : `DAMAGED in the store: ${counted(damages, 'place')}; all else is in the backup`,
  ].join('\n');
}
