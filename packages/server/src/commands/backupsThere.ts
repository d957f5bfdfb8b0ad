/** What `facet backup` does with the backups that are there: lists, checks and removes them. */

import type { BackupId, BackupsReport, CheckedBackup, Pruned, Repository } from '@facet/core';
import { EXIT, type ExitCode } from '../exitCodes.ts';
import { CommandFailure } from '../failure.ts';
import { processOutput, table } from '../output.ts';
import { counted } from './counted.ts';
import { ProgressLine } from './progressLine.ts';
import { shortList } from './shortList.ts';
import { formatBytes } from './size.ts';

export interface ThereOptions {
  /** Of the backups. */
  readonly directory: string;
  readonly json: boolean;
}

type DamageWhenMade = Pick<CheckedBackup, 'damagedRecordCount' | 'damagedPlaceCount'>;

interface Listed extends DamageWhenMade {
  readonly id: BackupId;
  readonly metadataBytes?: number;
  /** Of data, in all: what other backups have, too, included. */
  readonly dataBytes?: number;
  readonly copiedBytes?: number;
  /** Why it can not be restored, as far as its manifest tells. */
  readonly damage?: string;
}

export async function listBackups({ directory, json }: ThereOptions): Promise<ExitCode> {
  const { Repository } = await import('@facet/core');
  const { withBackupsToRead } = await import('../store/backups.ts');
  const backups: Listed[] = [];
  await inCoresWords(() =>
    withBackupsToRead(directory, async (disk) => {
      const repository = await Repository.open(disk);
      for (const id of await repository.backups()) backups.push(await describeListed(repository, id));
    }),
  );
  processOutput(json).result({
    result: { backups },
    text: [
      table(
        ['BACKUP', 'METADATA', 'DATA', 'COPIED'],
        backups.map(({ id, metadataBytes, dataBytes, copiedBytes }) => [
          id,
          ...[metadataBytes, dataBytes, copiedBytes].map(shown),
        ]),
      ),
      ...backups.flatMap(({ damage }) => damage ?? []),
      ...backups.flatMap((one) => whenMade(one).map((what) => `backup ${one.id} ${what}`)),
    ].join('\n'),
  });
  const isWhole = backups.every((one) => one.damage === undefined && whenMade(one).length === 0);
  return isWhole ? EXIT.ok : EXIT.damage;
}

async function describeListed(repository: Repository, id: BackupId): Promise<Listed> {
  const { damageWhenMade, FsError } = await import('@facet/core');
  try {
    const manifest = await repository.manifest(id);
    const { metadataBytes, copiedBytes, containers } = manifest;
    const dataBytes = containers.reduce((sum, { frameBytes }) => sum + frameBytes, 0);
    return { id, metadataBytes, dataBytes, copiedBytes, ...damageWhenMade(manifest) };
  } catch (error) {
    if (!(error instanceof FsError && error.code === 'Corrupt')) throw error;
    return { id, damage: error.message };
  }
}

function shown(bytes: number | undefined): string {
  return bytes === undefined ? 'damaged' : formatBytes(bytes);
}

/** What a backup could not have. */
function whenMade({ damagedRecordCount = 0, damagedPlaceCount = 0 }: DamageWhenMade): readonly string[] {
  const damaged = 'damaged in the store when it was made';
  return [
    ...(damagedRecordCount > 0
      ? [`lacks ${counted(damagedRecordCount, 'metadata record')}, ${damaged}`]
      : []),
    ...(damagedPlaceCount > 0 ? [`has ${counted(damagedPlaceCount, 'place')} of data ${damaged}`] : []),
  ];
}

export async function checkAll({ directory, json }: ThereOptions): Promise<ExitCode> {
  const { checkBackups } = await import('@facet/core');
  const { withBackupsToRead } = await import('../store/backups.ts');
  const output = processOutput(json);
  const line = new ProgressLine(process.stderr, { isWanted: !output.json });
  const report = await inCoresWords(() =>
    withBackupsToRead(directory, (from) =>
      checkBackups({ from, onProgress: (progress) => line.show(progress) }),
    ),
  ).finally(() => line.clear());
  if (report.backups.length === 0)
    throw new CommandFailure({
      exitCode: EXIT.notFound,
      code: 'NoEntry',
      message: `no backup was ever completed in ${directory}, or none is left: there is nothing to restore`,
    });
  const isRotten = report.backups.some(({ damage, damaged }) => damage !== undefined || damaged.length > 0);
  const isWhole = !isRotten && report.backups.every((one) => whenMade(one).length === 0);
  const end = isRotten
    ? 'DAMAGED: back up to a new directory; all else of these can be restored as before'
    : 'DAMAGED in the store when they were made: all else of these can be restored';
  output.result({
    result: { ...report, damaged: !isWhole },
    text: [...describeCheck(report), isWhole ? 'no damage' : end].join('\n'),
  });
  return isWhole ? EXIT.ok : EXIT.damage;
}

function describeCheck({ backups, bytes, remark }: BackupsReport): readonly string[] {
  const places = backups.flatMap(({ id, damaged }) =>
    damaged.map(
      ({ path, offset, length, reason }) =>
        `damaged: ${path}, ${length} bytes at ${offset}: ${reason} (backup ${id})`,
    ),
  );
  return [
    ...(remark === undefined ? [] : [`${remark}; the next backup writes it anew`]),
    ...shortList(places),
    ...backups.map((one) => `backup ${one.id}: ${[stateOf(one), ...whenMade(one)].join('; it ')}`),
    `read ${formatBytes(bytes)} of ${counted(backups.length, 'backup')}`,
  ];
}

function stateOf(one: CheckedBackup): string {
  if (one.damage !== undefined) return one.damage;
  if (one.damaged.length > 0) return `${counted(one.damaged.length, 'place')} of its data damaged`;
  return whenMade(one).length === 0 ? 'whole' : 'as it was made';
}

export async function pruneOnly({ directory, json }: ThereOptions, keep: number): Promise<ExitCode> {
  const { prune } = await import('@facet/core');
  return tellRemoved(await withRemoval(directory, (repository) => prune(repository, keep)), json);
}

export async function removeThese(
  { directory, json }: ThereOptions,
  ids: readonly BackupId[],
): Promise<ExitCode> {
  const { removeBackups } = await import('@facet/core');
  return tellRemoved(await withRemoval(directory, (repository) => removeBackups(repository, ids)), json);
}

function tellRemoved(removed: Pruned, json: boolean): ExitCode {
  processOutput(json).result({ result: { removed }, text: describeRemoved(removed) });
  return EXIT.ok;
}

export function describeRemoved({ backups, bytes }: Pruned): string {
  return `removed ${counted(backups.length, 'backup')}, and ${formatBytes(bytes)} of data that none of the others has`;
}

/** @throws CommandFailure */
export async function withRemoval<T>(
  directory: string,
  work: (repository: Repository) => Promise<T>,
): Promise<T> {
  const { Repository } = await import('@facet/core');
  const { withBackupsToRemove } = await import('../store/backups.ts');
  return inCoresWords(() =>
    withBackupsToRemove(directory, async (disk) => work(await Repository.open(disk))),
  );
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
