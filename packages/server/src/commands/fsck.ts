/** `facet fsck`: proves that metadata and extents agree, or mends them. Only while nobody serves the store. */

import type { Finding, FsckReport, Repaired } from '@facet/core';
import type { Command } from 'commander';
import { EXIT, type ExitCode } from '../exitCodes.ts';
import { CommandFailure, usageFailure } from '../failure.ts';
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
  readonly repair?: boolean;
  readonly dryRun?: boolean;
}

export function addFsckCommand(program: Command, finish: (code: ExitCode) => void): void {
  addStoreOptions(program.command('fsck'))
    .description('prove that metadata and extents agree; the store must not be served meanwhile')
    .option('--full', 'also read all data and compare it with its checksums')
    .option(
      '--repair',
      'mend what can be proved, and set aside what cannot; deletes nothing that may be alive',
    )
    .option('--dry-run', 'with --repair: tell what would be done first, and change nothing')
    .addHelpText(
      'after',
      [
        '\nWithout --repair it mends nothing; only what the journal holds is brought to its place first, so the store must',
        'be writable. A repair is logged in quarantine/repairs.jsonl of the data directory. What lost its name gets one in',
        'lost+found of its volume; files below extents/ that nothing refers to are moved to quarantine/.',
        'A container is a file below extents/, and is called as that is; its ending is left out where it is not known.',
        'Exit code 6 says that damage was found, 5 that the store is in use.',
      ].join('\n'),
    )
    .action(async (options: FsckOptions) => {
      finish(await runFsck(options));
    });
}

async function runFsck(options: FsckOptions): Promise<ExitCode> {
  if (options.dryRun === true && options.repair !== true)
    throw usageFailure('--dry-run goes with --repair: without that nothing is changed anyway');
  const layout = storeLayout(dataDirectoryOf(options));
  const lock = await holdStore(layout);
  if (lock === undefined) throw storeInUse(layout, 'fsck needs it at rest, so stop that first');
  try {
    return options.repair === true ? await runRepair(layout, options) : await runCheck(layout, options);
  } finally {
    lock.close();
  }
}

async function runCheck(layout: StoreLayout, options: FsckOptions): Promise<ExitCode> {
  const output = processOutput(options.json === true);
  const { inspectStore } = await import('../store/inspect.ts');
  const { listed, onFinding } = findingsOf(output);
  const report = await inspectStore({ layout, full: options.full === true, onFinding });
  tellOutcome(output, report, listed);
  return report.findings === 0 ? EXIT.ok : EXIT.damage;
}

async function runRepair(layout: StoreLayout, options: FsckOptions): Promise<ExitCode> {
  const output = processOutput(options.json === true);
  const dryRun = options.dryRun === true;
  const { repairStore } = await import('../store/repair.ts');
  const { listed, onFinding } = findingsOf(output);
  const repairs: (Finding & { readonly doing: string })[] = [];
  const onRepaired = ({ finding, doing }: Repaired): void => {
    const text = `${dryRun ? 'would be repaired' : 'repaired'}: ${describeFinding(finding)}: ${doing}`;
    if (!output.json) output.result({ result: finding, text });
    else if (repairs.length < FINDINGS_LISTED_MAX) repairs.push({ ...finding, doing });
  };
  const full = options.full === true;
  const { repaired, ...report } = await repairStore({ layout, full, dryRun, onFinding, onRepaired });
  tellOutcome(output, report, listed, { dryRun, repaired, repairs });
  return report.findings === 0 ? EXIT.ok : EXIT.damage;
}

function findingsOf(output: Output): {
  readonly listed: readonly Finding[];
  readonly onFinding: (finding: Finding) => void;
} {
  const listed: Finding[] = [];
  const onFinding = (finding: Finding): void => {
    if (!output.json) output.result({ result: finding, text: describeFinding(finding) });
    else if (listed.length < FINDINGS_LISTED_MAX) listed.push(finding);
  };
  return { listed, onFinding };
}

async function holdStore(layout: StoreLayout): Promise<StoreLock | undefined> {
  try {
    return await holdStoreForCommand(layout);
  } catch (error) {
    const isPlace = error instanceof CommandFailure && error.code === 'UnusableDirectory';
    throw isPlace && isReadOnly(layout) ? needsWritablePlace(layout) : error;
  }
}

interface Repairs {
  readonly dryRun: boolean;
  readonly repaired: number;
  /** Of a dry run those of its one look. */
  readonly repairs: readonly (Finding & { readonly doing: string })[];
}

function tellOutcome(
  output: Output,
  report: FsckReport,
  listed: readonly Finding[],
  repairs?: Repairs,
): void {
  const { findings, ...checked } = report;
  const { volumes, inodes, contents, containers, frames } = checked;
  const left = repairs && !repairs.dryRun ? 'LEFT' : 'DAMAGED';
  output.result({
    result: { damaged: findings > 0, findings: listed, findingCount: findings, checked, ...repairs },
    text: [
      `looked at ${volumes} volumes, ${inodes} inodes, ${contents} contents, ${containers} containers, ${frames} frames`,
      ...(repairs && !repairs.dryRun ? [`repaired ${repairs.repaired}`] : []),
      findings === 0 ? 'no damage' : `${left}: ${findings} ${findings === 1 ? 'finding' : 'findings'}`,
    ].join('\n'),
  });
}
