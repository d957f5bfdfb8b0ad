/** `facet fsck`: proves that metadata and extents agree. Only while nobody serves the store. */

import type { Finding, FsckReport } from '@facet/core';
import type { Command } from 'commander';
import { EXIT, type ExitCode } from '../exitCodes.ts';
import { CommandFailure } from '../failure.ts';
import { type Output, processOutput } from '../output.ts';
import { holdStoreForCommand, storeInUse } from '../store/holding.ts';
import { type StoreLayout, storeLayout } from '../store/layout.ts';
import type { StoreLock } from '../store/lock.ts';
import { isReadOnly, needsWritablePlace } from '../store/writablePlace.ts';
import { describeFinding } from './describeFinding.ts';
import { addStoreOptions, dataDirectoryOf, type StoreOptions } from './storeOptions.ts';

/** What `--json` lists at most; the count is always of all. */
const FINDINGS_LISTED_MAX = 10_000;

interface FsckOptions extends StoreOptions {
  readonly full?: boolean;
}

export function addFsckCommand(program: Command, finish: (code: ExitCode) => void): void {
  addStoreOptions(program.command('fsck'))
    .description('prove that metadata and extents agree; the store must not be served meanwhile')
    .option('--full', 'also read all data and compare it with its checksums')
    .addHelpText(
      'after',
      [
        '\nIt mends nothing; only what the journal holds is brought to its place first, so the store must be writable.',
        'A container is a file below extents/, and is called as that is; its ending is left out where it is not known.',
        'Exit code 6 says that damage was found, 5 that the store is in use.',
      ].join('\n'),
    )
    .action(async (options: FsckOptions) => {
      finish(await runFsck(options));
    });
}

async function runFsck(options: FsckOptions): Promise<ExitCode> {
  const layout = storeLayout(dataDirectoryOf(options));
  const lock = await holdStore(layout);
  if (lock === undefined) throw storeInUse(layout, 'fsck needs it at rest, so stop that first');
  try {
    const output = processOutput(options.json === true);
    const listed: Finding[] = [];
    const { inspectStore } = await import('../store/inspect.ts');
    const report = await inspectStore({
      layout,
      full: options.full === true,
      onFinding: (finding) => {
        if (!output.json) output.result({ result: finding, text: describeFinding(finding) });
        else if (listed.length < FINDINGS_LISTED_MAX) listed.push(finding);
      },
    });
    tellOutcome(output, report, listed);
    return report.findings === 0 ? EXIT.ok : EXIT.damage;
  } finally {
    lock.close();
  }
}

async function holdStore(layout: StoreLayout): Promise<StoreLock | undefined> {
  try {
    return await holdStoreForCommand(layout);
  } catch (error) {
    const isPlace = error instanceof CommandFailure && error.code === 'UnusableDirectory';
    throw isPlace && isReadOnly(layout) ? needsWritablePlace(layout) : error;
  }
}

function tellOutcome(output: Output, report: FsckReport, listed: readonly Finding[]): void {
  const { findings, ...checked } = report;
  const { volumes, inodes, contents, containers, frames } = checked;
  output.result({
    result: { damaged: findings > 0, findings: listed, findingCount: findings, checked },
    text: [
      `looked at ${volumes} volumes, ${inodes} inodes, ${contents} contents, ${containers} containers, ${frames} frames`,
      findings === 0 ? 'no damage' : `DAMAGED: ${findings} ${findings === 1 ? 'finding' : 'findings'}`,
    ].join('\n'),
  });
}
