/** The table for the terminal, and the figures as people read them. */

import { printTable } from '../../s3/report.ts';
import { type Document, type Line, placeOf, type SetupFacts } from '../results.ts';

export const DISK = 'bytes on the disk for a byte put';

/** Three digits that count. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return '-';
  if (value >= 100) return Math.round(value).toLocaleString('en');
  return value >= 10 ? value.toFixed(1) : value >= 1 ? value.toFixed(2) : value.toPrecision(2);
}

const count = (value: number): string => value.toLocaleString('en');

/** Bytes on the disk for a byte put, and of how many objects that was seen. */
export const diskOf = ({ disk }: SetupFacts): string =>
  Object.entries(disk)
    .map(([size, { objects, bytesPerByte }]) => `${bytesPerByte.toFixed(2)} (${count(objects)} × ${size})`)
    .join(', ');

export const columnsOf = (line: Line): Record<string, string> => ({
  'op/s': `${line.scaled ? '≈ ' : ''}${figure(line.operationsPerSecond)}`,
  operations: count(line.operations),
  'MB/s': line.megabytesPerSecond > 0 ? figure(line.megabytesPerSecond) : '',
  'p50 ms': figure(line.p50Ms),
  'p99 ms': figure(line.p99Ms),
  'CPU µs/op': figure(line.cpuMicrosPerOperation),
  'peak MB': figure(line.peakMegabytes),
  'client busy': Number.isFinite(line.clientBusy) ? `${(line.clientBusy * 100).toFixed(0)} %` : '-',
  rounds: String(line.rounds),
});

/** Rows in the order in which they were measured first. */
export function rowsOf({ lines }: Document): { row: string; connections: number; lines: Line[] }[] {
  const rows = Map.groupBy(lines, ({ row, connections }) => JSON.stringify([row, connections]));
  return [...rows.values()].flatMap((lines) => {
    const [first] = lines;
    return first ? [{ row: first.row, connections: first.connections, lines }] : [];
  });
}

export function leftOutOf({ unavailable, skipped }: Document): readonly string[] {
  return [...unavailable.map(({ why }) => why), ...skipped];
}

export const failuresOf = ({ failed }: Document): readonly string[] =>
  failed.map((failure) => `${placeOf(failure)}: ${failure.why}`);

export function printLines(document: Document): void {
  const facetOf = (lines: readonly Line[]) => lines.find(({ setup }) => setup === 'Facet');
  for (const { row, connections, lines } of rowsOf(document)) {
    process.stdout.write(`\n${row}, ×${connections}\n`);
    const pace = facetOf(lines)?.operationsPerSecond ?? Number.NaN;
    printTable(
      lines.map((line) => ({
        server: line.setup,
        ...columnsOf(line),
        range: line.range.map(figure).join('–'),
        'flushes/op': figure(line.flushesPerOperation),
        'Facet is': Number.isNaN(pace) ? '' : `${figure(pace / line.operationsPerSecond)}×`,
      })),
    );
  }
  process.stdout.write('\n');
  printTable(
    document.setups.map((facts) => ({
      server: facts.name,
      'on stable storage': facts.durability,
      how: facts.how,
      [DISK]: diskOf(facts),
      version: facts.version,
    })),
  );
  for (const line of leftOutOf(document)) process.stdout.write(`left out: ${line}\n`);
  for (const line of failuresOf(document)) process.stdout.write(`failed: ${line}\n`);
}
