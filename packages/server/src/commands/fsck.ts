/** `facet fsck`: proves that metadata and extents agree, or mends them. Only while nobody serves the store. */

import type { Finding, FsckReport, OnFinding, Repaired } from '@facet/core';
import type { RemadeFreeList } from '@facet/engine';
import type { Command } from 'commander';
import { EXIT, type ExitCode } from '../exitCodes.ts';
import { CommandFailure, usageFailure } from '../failure.ts';
import { type Output, processOutput } from '../output.ts';
import { REMADE_FREE_LIST } from '../store/freeListRemark.ts';
import { holdStoreForCommand, storeInUse } from '../store/holding.ts';
import { type StoreLayout, storeLayout } from '../store/layout.ts';
import type { StoreLock } from '../store/lock.ts';
import { isReadOnly, needsWritablePlace } from '../store/writablePlace.ts';
import { counted } from './counted.ts';
import { describeChecked } from './describeChecked.ts';
import { ProgressLine, type ShownProgress } from './progressLine.ts';
import { FindingLines } from './shortList.ts';
import { formatBytes } from './size.ts';
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
        '\nWithout --repair it mends nothing but a wrong list of free pages of the metadata, and brings what the journal holds',
        'to its place first, so the store must be writable. A repair is logged in quarantine/repairs.jsonl of the data',
        'directory. What lost its name gets one in lost+found of its volume; files below extents/ that nothing refers to are',
        'moved to quarantine/.',
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
  const { freeList, onRemadeFreeList } = freeListOf(output);
  const { inspectStore } = await import('../store/inspect.ts');
  const full = options.full === true;
  const { listed, onFinding, summary, seen } = findingsOf(output);
  const report = await showingProgress(output, full, (onProgress) =>
    inspectStore({ layout, full, onFinding, onRemadeFreeList, ...onProgress }),
  );
  tellOutcome(output, { report, full, listed, freeList, summary: summary('found'), ...seen });
  return report.findings === 0 ? EXIT.ok : EXIT.damage;
}

async function runRepair(layout: StoreLayout, options: FsckOptions): Promise<ExitCode> {
  const output = processOutput(options.json === true);
  const dryRun = options.dryRun === true;
  const { freeList, onRemadeFreeList } = freeListOf(output);
  const { repairStore } = await import('../store/repair.ts');
  const { listed, onFinding, summary, seen } = findingsOf(output);
  const lines = new FindingLines();
  let promised = 0;
  const repairs: (Finding & { readonly doing: string })[] = [];
  const onRepaired = ({ finding, doing }: Repaired): void => {
    promised += 1;
    if (output.json) {
      if (repairs.length < FINDINGS_LISTED_MAX) repairs.push({ ...finding, doing });
      return;
    }
    const line = lines.take(finding);
    if (line === undefined) return;
    const text = `${dryRun ? 'would be repaired' : 'repaired'}: ${line}: ${doing}`;
    output.result({ result: finding, text });
  };
  const full = options.full === true;
  const { repaired, isUnfinished, ...report } = await showingProgress(output, full, (onProgress) =>
    repairStore({ layout, full, dryRun, onFinding, onRepaired, onRemadeFreeList, ...onProgress }),
  );
  const done = lines.summary(dryRun ? 'would repair' : 'repaired');
  // Of less than two there is no summary; nothing is no news where nothing was to be done.
  const isCounted = !dryRun && done.length === 0 && repaired + report.findings > 0;
  tellOutcome(output, {
    report,
    full,
    listed,
    freeList,
    summary: [...done, ...summary(dryRun ? 'found' : 'left'), ...(isCounted ? [`repaired ${repaired}`] : [])],
    ...seen,
    mendable: promised,
    repairs: { dryRun, repaired, isUnfinished, repairs },
  });
  return report.findings === 0 ? EXIT.ok : EXIT.damage;
}

/** What became of the metadata's list of free pages, as the store was opened. */
interface FreeListSeen {
  remade?: RemadeFreeList;
}

function freeListOf(output: Output): {
  readonly freeList: FreeListSeen;
  readonly onRemadeFreeList: (remade: RemadeFreeList) => void;
} {
  const freeList: FreeListSeen = {};
  const onRemadeFreeList = (remade: RemadeFreeList): void => {
    freeList.remade = remade;
    output.remark(`${REMADE_FREE_LIST} (${remade.reason})`);
  };
  return { freeList, onRemadeFreeList };
}

/** Where all data is read, which takes long. */
async function showingProgress<R>(
  output: Output,
  full: boolean,
  work: (onProgress: { readonly onProgress?: (progress: ShownProgress) => void }) => Promise<R>,
): Promise<R> {
  if (!full) return work({});
  const line = new ProgressLine(process.stderr, { isWanted: !output.json });
  try {
    return await work({ onProgress: (progress) => line.show(progress) });
  } finally {
    line.clear();
  }
}

function findingsOf(output: Output): {
  readonly listed: readonly Finding[];
  readonly onFinding: OnFinding;
  readonly summary: FindingLines['summary'];
  readonly seen: { readonly mendable: number; readonly isOfMetadata: boolean };
} {
  const listed: Finding[] = [];
  const lines = new FindingLines();
  const seen = { mendable: 0, isOfMetadata: false };
  const onFinding: OnFinding = (finding, remedy) => {
    if (remedy) seen.mendable += 1;
    if (finding.kind === 'recordDamaged') seen.isOfMetadata = true;
    if (output.json) {
      if (listed.length < FINDINGS_LISTED_MAX) listed.push(finding);
      return;
    }
    const text = lines.take(finding);
    if (text !== undefined) output.result({ result: finding, text });
  };
  return { listed, onFinding, summary: (lead) => lines.summary(lead), seen };
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
  /** The next run goes on. */
  readonly isUnfinished: boolean;
  /** Of a dry run those of its one look. */
  readonly repairs: readonly (Finding & { readonly doing: string })[];
}

interface Outcome {
  readonly report: FsckReport;
  readonly full: boolean;
  readonly listed: readonly Finding[];
  readonly freeList: FreeListSeen;
  /** By kind. */
  readonly summary: readonly string[];
  /** Findings that something is known to be done about; of a dry run those that would be repaired. */
  readonly mendable: number;
  /** Some are damaged records of the metadata. */
  readonly isOfMetadata: boolean;
  readonly repairs?: Repairs;
}

function tellOutcome(output: Output, outcome: Outcome): void {
  const { report, full, listed, freeList, summary, repairs, mendable, isOfMetadata } = outcome;
  const { findings, ...checked } = report;
  const remadeFreeList = freeList.remade;
  output.result({
    result: {
      damaged: findings > 0,
      findings: listed,
      findingCount: findings,
      checked,
      ...(remadeFreeList && { remadeFreeList }),
      ...repairs,
    },
    text: [
      describeChecked(report),
      ...(full ? [`read ${formatBytes(report.bytes)} of data and compared them with their checksums`] : []),
      ...summary,
      findings === 0 ? 'no damage' : describeDamage({ findings, full, mendable, isOfMetadata }, repairs),
    ].join('\n'),
  });
}

/** And what to do next. */
function describeDamage(
  {
    findings,
    full,
    mendable,
    isOfMetadata,
  }: Pick<Outcome, 'full' | 'mendable' | 'isOfMetadata'> & {
    readonly findings: number;
  },
  repairs: Repairs | undefined,
): string {
  const found = counted(findings, 'finding');
  const instead = isOfMetadata ? INSTEAD_OF_METADATA : INSTEAD;
  if (repairs?.dryRun !== false && mendable === 0)
    return `DAMAGED: ${found}, of which nothing can be mended: ${instead}`;
  if (repairs === undefined) {
    const dryRun = `facet fsck --repair --dry-run${full ? ' --full' : ''}`;
    return `DAMAGED: ${found}; '${dryRun}' tells what of that can be mended`;
  }
  if (repairs.dryRun) return `DAMAGED: ${found}; nothing was changed`;
  if (repairs.isUnfinished) return `LEFT: ${found}, some of which can be mended: run it again`;
  return `LEFT: ${found}, since nothing proves how to mend that: ${instead}`;
}

/** To whoever can not have it mended. */
const INSTEAD =
  "write the objects named anew, or delete them; or bring the store back from a backup ('facet restore'). " +
  'docs/repair.md says what stays and why';
const INSTEAD_OF_METADATA =
  'records of the metadata are damaged, and what they are of can mostly be neither written nor deleted. Bring the ' +
  "store back from a backup without damage ('facet restore'); or make one of it now, bring that back elsewhere, and " +
  "run 'facet fsck --repair' there: docs/repair.md says what is lost by that";
