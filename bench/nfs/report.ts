/** The table for people. */

import { median, printTable } from '../s3/report.ts';
import type { Cell } from './subject.ts';

export interface Row {
  readonly name: string;
  readonly facet: Cell[];
  readonly ganesha: Cell[];
  /** Ganesha in a directory that is synced; empty where that changes nothing. */
  readonly synced: Cell[];
}

const NOTHING = '-';

/** Facet's pace over the peer's in the same round: the middle, and the least and greatest. */
function ratio(facet: readonly Cell[], peer: readonly Cell[]): string {
  const ratios = peer.flatMap((cell, round) => {
    const ours = facet[round];
    return ours ? [ours.operationsPerSecond / cell.operationsPerSecond] : [];
  });
  if (ratios.length === 0) return NOTHING;
  const [least, greatest] = [Math.min(...ratios), Math.max(...ratios)];
  return `${median(ratios).toFixed(2)} (${least.toFixed(2)}–${greatest.toFixed(2)})`;
}

function middle(cells: readonly Cell[], pick: (cell: Cell) => number, digits = 0): string {
  const value = median(cells.map(pick));
  return Number.isFinite(value) ? value.toFixed(digits) : NOTHING;
}

function peak(cells: readonly Cell[]): string {
  if (cells.length === 0) return NOTHING;
  return (Math.max(...cells.map((cell) => cell.peakAnonymousBytes)) / 1e6).toFixed(0);
}

const pace = (cell: Cell): number => cell.operationsPerSecond;
const cpu = (cell: Cell): number => cell.cpuMicrosPerOperation;
const p99 = (cell: Cell): number => cell.p99;
const wait = (cell: Cell): number => cell.waitMicrosPerOperation;

export function printRows(rows: readonly Row[]): void {
  printTable(
    rows.map(({ name, facet, ganesha, synced }) => {
      const peer = synced.length > 0 ? synced : ganesha;
      return {
        step: name,
        'facet op/s': middle(facet, pace),
        'MB/s': middle(facet, (cell) => cell.bytesPerSecond / 1e6),
        'ganesha op/s': middle(ganesha, pace),
        ratio: ratio(facet, ganesha),
        'names synced op/s': middle(synced, pace),
        'ratio, same durability': ratio(facet, peer),
        'facet wait µs/op': middle(facet, wait),
        'peer wait µs/op': middle(peer, wait),
        'facet p99 ms': middle(facet, p99, 2),
        'peer p99 ms': middle(peer, p99, 2),
        'facet µs/op': middle(facet, cpu),
        'ganesha µs/op': middle(ganesha, cpu),
        'facet peak MB': peak(facet),
        'ganesha peak MB': peak(ganesha),
      };
    }),
  );
}
