/** `facet restore`: makes a store from a backup, and proves what it made. */

import { resolve } from 'node:path';
import type { Finding } from '@facet/core';
import type { Command } from 'commander';
import { EXIT, type ExitCode } from '../exitCodes.ts';
import { CommandFailure } from '../failure.ts';
import { processOutput } from '../output.ts';
import { storeLayout } from '../store/layout.ts';
import type { Restored } from '../store/restore.ts';
import { describeDamagedPlace, describeDamagedRecord } from './affectedObjects.ts';
import { counted } from './counted.ts';
import { describeChecked } from './describeChecked.ts';
import { ProgressLine } from './progressLine.ts';
import { FindingLines, shortList } from './shortList.ts';
import { formatBytes } from './size.ts';
import { addStoreOptions, dataDirectoryOf, type StoreOptions } from './storeOptions.ts';

/** What is listed at most; the counts are of all. */
const LISTED_MAX = 10_000;

interface RestoreCommandOptions extends StoreOptions {
  readonly from: string;
  readonly backup?: string;
}

export function addRestoreCommand(program: Command, finish: (code: ExitCode) => void): void {
  addStoreOptions(program.command('restore'))
    .description('make a store from a backup, in an empty directory (--data), and prove it')
    .requiredOption('--from <DIR>', 'the directory of backups')
    .option('--backup <ID>', 'which of them (default: the newest; facet backup --list tells)')
    .addHelpText(
      'after',
      [
        '\nEvery byte is compared with its checksum as it is copied; then the store is opened, all of its data is read',
        '(scrub), and metadata and data are proved to agree (fsck). Exit code 6 says that damage was found: what is',
        'affected is named, and all else is there. Without whole metadata nothing is made. Ctrl-C ends it.',
      ].join('\n'),
    )
    .action(async (options: RestoreCommandOptions) => {
      finish(await runRestore(options));
    });
}

async function runRestore(options: RestoreCommandOptions): Promise<ExitCode> {
  const output = processOutput(options.json === true);
  const line = new ProgressLine(process.stderr, { isWanted: !output.json });
  const ending = new AbortController();
  const { signal } = ending;
  process.once('SIGINT', () => ending.abort());
  const layout = storeLayout(dataDirectoryOf(options));
  const findings: Finding[] = [];
  const { restoreStore } = await import('../store/restore.ts');
  const { fromCore } = await import('../coreFailure.ts');
  try {
    const restored = await restoreStore({
      layout,
      from: resolve(options.from),
      ...(options.backup !== undefined && { id: options.backup }),
      signal,
      onProgress: (progress) => line.show(progress),
      onFinding: (finding) => findings.length < LISTED_MAX && findings.push(finding),
      remark: output.remark,
    });
    line.clear();
    const damaged = damagesOf(restored) > 0;
    const result = { ...restored, directory: layout.directory, damaged, findings };
    output.result({ result, text: describe(restored, { directory: layout.directory, findings }) });
    return damaged ? EXIT.damage : EXIT.ok;
  } catch (error) {
    line.clear();
    if (!signal.aborted) throw fromCore(error);
    const message = 'the restore was ended before it was complete: nothing is left of it';
    throw new CommandFailure({ exitCode: EXIT.failed, code: 'Interrupted', message });
  }
}

function damagesOf({ damagedRecordCount, containers, fsck, scrub }: Restored): number {
  return damagedRecordCount + containers.damaged.length + fsck.findings + scrub.damagedCount;
}

function describe(
  restored: Restored,
  { directory, findings }: { readonly directory: string; readonly findings: readonly Finding[] },
): string {
  const { id, changes, metadataBytes, containers, fsck, scrub } = restored;
  const damages = damagesOf(restored);
  const ofBackup = containers.damaged.map(
    ({ path, offset, length, reason }) =>
      `damaged: ${path} of the backup, ${length} bytes at ${offset}: ${reason}`,
  );
  const ofMetadata = restored.damagedRecords.map(
    (record) => `${describeDamagedRecord(record)}, when the backup was made`,
  );
  const lines = new FindingLines();
  return [
    ...shortList(ofMetadata, restored.damagedRecordCount),
    ...shortList(ofBackup),
    ...shortList(scrub.damaged.map(describeDamagedPlace), scrub.damagedCount),
    ...findings.flatMap((finding) => lines.take(finding) ?? []),
    ...lines.summary('found'),
    `restored backup ${id} to ${directory}`,
    `compared ${formatBytes(metadataBytes)} of metadata, ${counted(changes, 'record')}, and ${formatBytes(containers.bytes)} in ${counted(containers.containers, 'file')} with the backup's checksums`,
    describeChecked(fsck),
    `read ${formatBytes(scrub.bytes)} in ${counted(scrub.extents, 'extent')}`,
    damages === 0 ? 'no damage' : 'DAMAGED: what is named above can not be read, all else is there',
  ].join('\n');
}
