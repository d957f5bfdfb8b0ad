/** `facet scrub`: reads all data and compares it with its checksums, also while it is served. */

import type { Command } from 'commander';
import { withAdministration } from '../administration/connect.ts';
import type { ScrubReport } from '../administration/contract.ts';
import { EXIT, type ExitCode } from '../exitCodes.ts';
import { CommandFailure } from '../failure.ts';
import { processOutput } from '../output.ts';
import { describeDamagedPlace, describeDamagedRecord } from './affectedObjects.ts';
import { counted } from './counted.ts';
import { ProgressLine } from './progressLine.ts';
import { addRateOption, type RateOptions, rateOf } from './rate.ts';
import { shortList } from './shortList.ts';
import { formatBytes } from './size.ts';
import { addStoreOptions, type StoreOptions, storeOf } from './storeOptions.ts';

interface ScrubCommandOptions extends StoreOptions, RateOptions {}

export function addScrubCommand(program: Command, finish: (code: ExitCode) => void): void {
  addRateOption(addStoreOptions(program.command('scrub')))
    .description('read all data and compare it with its checksums, also while it is served')
    .addHelpText(
      'after',
      [
        '\nIt mends nothing. Of the metadata it reads every record; whether they agree is for fsck. Ctrl-C ends it.',
        'Exit code 6 says that damage was found, 1 that it did not come to its end.',
      ].join('\n'),
    )
    .action(async (options: ScrubCommandOptions) => {
      finish(await runScrub(options));
    });
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
        bytesPerSecond: rateOf(options),
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
  const read = `${formatBytes(bytes)} in ${counted(extents, 'extent')}, ${counted(records, 'metadata record')}`;
  return [
    ...shortList(damagedRecords.map(describeDamagedRecord), report.damagedRecordCount),
    ...shortList(damaged.map(describeDamagedPlace), report.damagedCount),
    `read ${read}${complete ? '' : ', and was ended early'}`,
    damagedCount === 0 ? 'no damage' : `DAMAGED: ${counted(damagedCount, 'place')}`,
  ].join('\n');
}
