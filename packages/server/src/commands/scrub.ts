/** `facet scrub`: reads all data and compares it with its checksums, also while it is served. */

import { type Command, InvalidArgumentError } from 'commander';
import { withAdministration } from '../administration/connect.ts';
import type { ScrubReport } from '../administration/contract.ts';
import { EXIT, type ExitCode } from '../exitCodes.ts';
import { CommandFailure } from '../failure.ts';
import { processOutput } from '../output.ts';
import { describeAffected } from './affectedObjects.ts';
import { ProgressLine } from './progressLine.ts';
import { formatBytes, parseBytes } from './size.ts';
import { addStoreOptions, type StoreOptions, storeOf } from './storeOptions.ts';

const RATE_MIN = 1 << 20;
const RATE_DEFAULT = '100M';

interface ScrubCommandOptions extends StoreOptions {
  readonly rate: number;
}

export function addScrubCommand(program: Command, finish: (code: ExitCode) => void): void {
  addStoreOptions(program.command('scrub'))
    .description('read all data and compare it with its checksums, also while it is served')
    .option(
      '--rate <SIZE>',
      `how much to read a second at most, at least 1M (default ${RATE_DEFAULT}); an eighth of it while clients are busy`,
      parseRate,
    )
    .addHelpText(
      'after',
      [
        '\nIt mends nothing. Of the metadata it reads every record; whether they agree is for fsck. Ctrl-C ends it.',
        'Exit code 6 says that damage was found, 1 that it did not come to its end.',
      ].join('\n'),
    )
    .action(async (options: StoreOptions & { readonly rate?: number }) => {
      finish(await runScrub({ rate: parseRate(RATE_DEFAULT), ...options }));
    });
}

function parseRate(text: string): number {
  const rate = parseBytes(text);
  if (rate >= RATE_MIN) return rate;
  throw new InvalidArgumentError('It must be 1M at least.');
}

async function runScrub(options: ScrubCommandOptions): Promise<ExitCode> {
  const output = processOutput(options.json === true);
  const line = new ProgressLine(process.stderr, { isWanted: !output.json });
  const ending = new AbortController();
  const { signal } = ending;
  process.once('SIGINT', () => ending.abort());
  try {
    const report = await withAdministration(storeOf(options), (administration) =>
      administration.scrub({
        bytesPerSecond: options.rate,
        signal,
        onProgress: (progress) => line.show(progress),
      }),
    );
    line.clear();
    output.result({ result: report, text: describe(report) });
    if (report.damagedCount + report.damagedRecordCount > 0) return EXIT.damage;
    return report.complete ? EXIT.ok : EXIT.failed;
  } catch (error) {
    line.clear();
    if (!signal.aborted) throw error;
    const message = 'the scrub was ended before it had looked at everything';
    throw new CommandFailure({ exitCode: EXIT.failed, code: 'Interrupted', message });
  }
}

function describe(report: ScrubReport): string {
  const { bytes, extents, records, complete, damaged, damagedRecords } = report;
  const damagedCount = report.damagedCount + report.damagedRecordCount;
  const unlisted = damagedCount - damaged.length - damagedRecords.length;
  return [
    ...damagedRecords.map(({ key, kind }) => `damaged: metadata record ${key} (${kind})`),
    ...damaged.map(
      ({ container, offset, reason, objects }) =>
        `damaged: ${container} at ${offset}: ${reason}${describeAffected(objects)}`,
    ),
    ...(unlisted > 0 ? [`and ${unlisted} more`] : []),
    `read ${formatBytes(bytes)} in ${extents} extents, ${records} metadata records${complete ? '' : ', and was ended early'}`,
    damagedCount === 0 ? 'no damage' : `DAMAGED: ${damagedCount} ${damagedCount === 1 ? 'place' : 'places'}`,
  ].join('\n');
}
