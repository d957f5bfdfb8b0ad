/** `facet compact`: gives back what takes room and is in no use, of extents while they are served, of metadata at rest. */

import type { Command } from 'commander';
import { withAdministration } from '../administration/connect.ts';
import type { CompactReport } from '../administration/contract.ts';
import { EXIT, type ExitCode } from '../exitCodes.ts';
import { CommandFailure, usageFailure } from '../failure.ts';
import { processOutput } from '../output.ts';
import { holdStoreForCommand, storeInUse } from '../store/holding.ts';
import { storeLayout } from '../store/layout.ts';

import { counted } from './counted.ts';
import { ProgressLine } from './progressLine.ts';
import { parseRate } from './rate.ts';
import { formatBytes } from './size.ts';
import { addStoreOptions, dataDirectoryOf, type StoreOptions, storeOf } from './storeOptions.ts';

/** As fast as it goes. */
const RATE_DEFAULT = Number.MAX_SAFE_INTEGER;

interface CompactOptions extends StoreOptions {
  readonly rate?: number;
  readonly metadata?: boolean;
}

export function addCompactCommand(program: Command, finish: (code: ExitCode) => void): void {
  addStoreOptions(program.command('compact'))
    .description('give back the room of what was deleted, now, also while the store is served')
    .option(
      '--rate <SIZE>',
      'how much to move a second at most, at least 1M (default: all it can)',
      parseRate,
    )
    .option('--metadata', 'write the metadata’s file anew instead; the store must not be served meanwhile')
    .addHelpText(
      'after',
      [
        '\nA server does the first by itself, slowly, and slower while it, or with --workers the machine, is busy.',
        'Metadata never gives room back to the disk otherwise: the room is used again. There must be room for a',
        'second file. Ctrl-C ends either at any moment, and nothing is lost.',
        'Exit code 6 says that damage was found, 5 that the store is in use, 1 that it did not come to its end.',
      ].join('\n'),
    )
    .action(async (options: CompactOptions) => {
      if (options.metadata === true && options.rate !== undefined)
        throw usageFailure('--rate is of no use with --metadata: nobody is served meanwhile');
      finish(await (options.metadata === true ? compactMetadata(options) : compactExtents(options)));
    });
}

async function compactExtents(options: CompactOptions): Promise<ExitCode> {
  const output = processOutput(options.json === true);
  const line = new ProgressLine(process.stderr, { isWanted: !output.json });
  const ending = new AbortController();
  const { signal } = ending;
  process.once('SIGINT', () => ending.abort());
  const bytesPerSecond = options.rate ?? RATE_DEFAULT;
  try {
    const report = await withAdministration(storeOf(options), (administration) =>
      administration.compact({ bytesPerSecond, signal, onProgress: (progress) => line.show(progress) }),
    );
    line.clear();
    output.result({ result: report, text: describe(report) });
    if (report.damaged > 0) return EXIT.damage;
    return report.complete ? EXIT.ok : EXIT.failed;
  } catch (error) {
    line.clear();
    if (!signal.aborted) throw error;
    const message = 'the compaction was ended before it was done: what is moved stays so';
    throw new CommandFailure({ exitCode: EXIT.failed, code: 'Interrupted', message });
  }
}

function describe(report: CompactReport): string {
  const { segments, movedExtents, movedBytes, damaged, complete } = report;
  const { allocatedBytesBefore, allocatedBytesAfter } = report;
  return [
    `moved ${formatBytes(movedBytes)} in ${counted(movedExtents, 'extent')} out of ${counted(segments, 'segment')}${complete ? '' : ', and was ended early'}`,
    ...(damaged > 0 ? [`DAMAGED: ${counted(damaged, 'extent')}, left in place: see facet scrub`] : []),
    `extents take ${formatBytes(allocatedBytesAfter)} of the disk, ${formatBytes(allocatedBytesBefore)} before`,
  ].join('\n');
}

async function compactMetadata(options: CompactOptions): Promise<ExitCode> {
  const layout = storeLayout(dataDirectoryOf(options));
  const lock = await holdStoreForCommand(layout);
  if (lock === undefined)
    throw storeInUse(layout, 'the metadata is written anew at rest only, so stop that first');
  const output = processOutput(options.json === true);
  const line = new ProgressLine(process.stderr, { isWanted: !output.json });
  try {
    const { compactMetadata: write } = await import('../store/compactMetadata.ts');
    const compacted = await write(layout, { onProgress: (progress) => line.show(progress) });
    line.clear();
    const { entries, bytesBefore, bytesAfter } = compacted;
    output.result({
      result: compacted,
      text: `metadata takes ${formatBytes(bytesAfter)} for ${entries} entries, ${formatBytes(bytesBefore)} before`,
    });
    return EXIT.ok;
  } finally {
    line.clear();
    lock.close();
  }
}
