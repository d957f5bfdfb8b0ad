/** `facet backup`: a copy of the store as it is at one moment, also while it is served; only what is new is copied. */

import { resolve } from 'node:path';
import type { BackupId, BackupsReport, Pruned, Repository } from '@facet/core';
import { type Command, InvalidArgumentError } from 'commander';
import { withAdministration } from '../administration/connect.ts';
import type { BackupReport } from '../administration/contract.ts';
import { EXIT, type ExitCode } from '../exitCodes.ts';
import { CommandFailure, usageFailure } from '../failure.ts';
import { processOutput, table } from '../output.ts';
import { describeDamagedPlace, describeDamagedRecord } from './affectedObjects.ts';
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
}

export function addBackupCommand(program: Command, finish: (code: ExitCode) => void): void {
  addRateOption(addStoreOptions(program.command('backup')))
    .description('copy the store as it is at one moment, also while it is served')
    .requiredOption('--to <DIR>', 'the directory of backups of this store; made when absent')
    .option('--keep <N>', 'then remove all backups there but the newest N', parseKeep)
    .option('--list', 'tell which backups there are, and make none')
    .option('--check', 'read all backups there and compare them with their checksums, and make none')
    .addHelpText(
      'after',
      [
        '\nOf data it copies what no backup there has. While a server runs on the store, that is what writes to DIR.',
        'A backup holds all data, accounts and keys as they are: only its owner may read it. Ctrl-C ends it.',
        'Exit code 6 says that damage was found in the store, or in the backups that are there.',
      ].join('\n'),
    )
    .action(async (options: BackupCommandOptions) => {
      if (options.list && options.check) throw usageFailure('--list and --check do not go together');
      if (options.list) finish(await listBackups(options));
      else finish(await (options.check ? checkAll(options) : runBackup(options)));
    });
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
  const { prune, Repository } = await import('@facet/core');
  const { withBackupsToRemove } = await import('../store/backups.ts');
  try {
    return await inCoresWords(() =>
      withBackupsToRemove(directory, async (disk) => prune(await Repository.open(disk), keep)),
    );
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error;
    const { exitCode, code } = error;
    const message = `backup ${made} was made, but those before it could not be removed: ${error.message}`;
    throw new CommandFailure({ exitCode, code, message });
  }
}

async function listBackups(options: BackupCommandOptions): Promise<ExitCode> {
  const { Repository } = await import('@facet/core');
  const { withBackupsToRead } = await import('../store/backups.ts');
  const backups: Listed[] = [];
  await inCoresWords(() =>
    withBackupsToRead(resolve(options.to), async (disk) => {
      const repository = await Repository.open(disk);
      for (const id of await repository.backups()) backups.push(await describeListed(repository, id));
    }),
  );
  processOutput(options.json === true).result({
    result: { backups },
    text: [
      table(
        ['BACKUP', 'METADATA', 'COPIED'],
        backups.map(({ id, metadataBytes, copiedBytes }) => [id, shown(metadataBytes), shown(copiedBytes)]),
      ),
      ...backups.flatMap(({ damage }) => damage ?? []),
      ...backups.flatMap(({ id, damagedRecordCount }) =>
        damagedRecordCount === undefined ? [] : [`backup ${id} ${lacks(damagedRecordCount)}`],
      ),
    ].join('\n'),
  });
  return backups.some(({ damage }) => damage !== undefined) ? EXIT.damage : EXIT.ok;
}

interface Listed {
  readonly id: BackupId;
  readonly metadataBytes?: number;
  readonly copiedBytes?: number;
  /** Why it can not be restored, as far as its manifest tells. */
  readonly damage?: string;
  /** Of metadata, that were damaged in the store when it was made. */
  readonly damagedRecordCount?: number;
}

const lacks = (records: number): string =>
  `lacks ${counted(records, 'metadata record')}, damaged in the store when it was made`;

async function describeListed(repository: Repository, id: BackupId): Promise<Listed> {
  const { FsError } = await import('@facet/core');
  try {
    const { metadataBytes, copiedBytes, damagedRecordCount } = await repository.manifest(id);
    return { id, metadataBytes, copiedBytes, ...(damagedRecordCount > 0 && { damagedRecordCount }) };
  } catch (error) {
    if (!(error instanceof FsError && error.code === 'Corrupt')) throw error;
    return { id, damage: error.message };
  }
}

function shown(bytes: number | undefined): string {
  return bytes === undefined ? 'damaged' : formatBytes(bytes);
}

async function checkAll(options: BackupCommandOptions): Promise<ExitCode> {
  const { checkBackups } = await import('@facet/core');
  const { withBackupsToRead } = await import('../store/backups.ts');
  const output = processOutput(options.json === true);
  const line = new ProgressLine(process.stderr, { isWanted: !output.json });
  const report = await inCoresWords(() =>
    withBackupsToRead(resolve(options.to), (from) =>
      checkBackups({ from, onProgress: (progress) => line.show(progress) }),
    ),
  ).finally(() => line.clear());
  const isWhole = report.backups.every(({ damage, damaged }) => damage === undefined && damaged.length === 0);
  output.result({ result: { ...report, damaged: !isWhole }, text: describeCheck(report, isWhole) });
  return isWhole ? EXIT.ok : EXIT.damage;
}

function describeCheck({ backups, bytes, remark }: BackupsReport, isWhole: boolean): string {
  const places = backups.flatMap(({ id, damaged }) =>
    damaged.map(
      ({ path, offset, length, reason }) =>
        `damaged: ${path}, ${length} bytes at ${offset}: ${reason} (backup ${id})`,
    ),
  );
  return [
    ...(remark === undefined ? [] : [`${remark}; the next backup writes it anew`]),
    ...shortList(places),
    ...backups.map(
      ({ id, damage, damaged, damagedRecordCount }) =>
        `backup ${id}: ${damage ?? (damaged.length === 0 ? 'whole' : `${counted(damaged.length, 'place')} of its data damaged`)}${damagedRecordCount === undefined ? '' : `; it ${lacks(damagedRecordCount)}`}`,
    ),
    `read ${formatBytes(bytes)} of ${counted(backups.length, 'backup')}`,
    isWhole
      ? 'no damage'
      : 'DAMAGED: back up to a new directory; all else of these can be restored as before',
  ].join('\n');
}

async function inCoresWords<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { fromTarget } = await import('@facet/core');
    const { fromCore } = await import('../coreFailure.ts');
    throw fromCore(fromTarget(error));
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
    ...(pruned
      ? [
          `removed ${counted(pruned.backups.length, 'backup')}, and ${formatBytes(pruned.bytes)} of data that only they had`,
        ]
      : []),
    damages === 0
      ? 'no damage'
      : `DAMAGED in the store: ${counted(damages, 'place')}; all else is in the backup`,
  ].join('\n');
}
