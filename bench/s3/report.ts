/** Tables for people. */

import type { Cell } from './measure.ts';

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}

const spread = (values: readonly number[]): string =>
  `${median(values).toFixed(2)} (${Math.min(...values).toFixed(2)}–${Math.max(...values).toFixed(2)})`;

/** A ratio says something of the servers only when each had its core busy. */
const BUSY_MIN = 0.95;

export interface Row {
  readonly name: string;
  readonly connections: number;
  readonly facet: readonly Cell[];
  readonly floor: readonly Cell[];
}

export function printRows(rows: readonly Row[]): void {
  const lines = rows.map((row) => {
    const of = (cells: readonly Cell[], pick: (cell: Cell) => number) => median(cells.map(pick));
    const ratios = row.facet.map(
      (cell, i) => cell.operationsPerSecond / (row.floor[i]?.operationsPerSecond ?? Number.NaN),
    );
    const busy = Math.min(
      of(row.facet, (cell) => cell.busy),
      of(row.floor, (cell) => cell.busy),
    );
    return {
      case: row.name,
      conns: row.connections,
      'facet op/s': of(row.facet, (cell) => cell.operationsPerSecond).toFixed(0),
      'floor op/s': of(row.floor, (cell) => cell.operationsPerSecond).toFixed(0),
      ratio: spread(ratios),
      counts: busy >= BUSY_MIN ? 'yes' : `no, ${(busy * 100).toFixed(0)} % busy`,
      'facet µs/op': of(row.facet, (cell) => cell.cpuMicrosPerOperation).toFixed(0),
      'floor µs/op': of(row.floor, (cell) => cell.cpuMicrosPerOperation).toFixed(0),
      'p50 ms': of(row.facet, (cell) => cell.p50).toFixed(2),
      'p99 ms': of(row.facet, (cell) => cell.p99).toFixed(2),
      'MB/s': (of(row.facet, (cell) => cell.bytesPerSecond) / 1e6).toFixed(0),
      'peak MB': (Math.max(...row.facet.map((cell) => cell.peakAnonymousBytes)) / 1e6).toFixed(0),
    };
  });
  printTable(lines);
}

export function printTable(lines: readonly Readonly<Record<string, string | number>>[]): void {
  const columns = Object.keys(lines[0] ?? {});
  const width = (column: string) =>
    Math.max(column.length, ...lines.map((line) => String(line[column]).length));
  const row = (cells: readonly string[]) => process.stdout.write(`| ${cells.join(' | ')} |\n`);
  row(columns.map((column) => column.padEnd(width(column))));
  row(columns.map((column) => '-'.repeat(width(column))));
  for (const line of lines) row(columns.map((column) => String(line[column]).padEnd(width(column))));
}
