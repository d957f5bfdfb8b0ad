/** All that was measured, and its middle over the rounds. */

import { median } from '../s3/report.ts';
import type { SetupIdentity } from './servers/server.ts';
import type { Cell, DiskUse, Sink } from './world.ts';

export interface Line {
  readonly setup: string;
  readonly row: string;
  readonly connections: number;
  readonly rounds: number;
  readonly operationsPerSecond: number;
  /** Least and greatest of the rounds. */
  readonly range: readonly [number, number];
  readonly megabytesPerSecond: number;
  /** Not a number, null in JSON, where the client tells of all operations together only: by NFS. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuMicrosPerOperation: number;
  readonly peakMegabytes: number;
  readonly clientBusy: number;
  readonly flushesPerOperation: number;
  readonly scaled: boolean;
}

export interface SetupFacts extends SetupIdentity {
  /** By size of objects: bytes on the disk for a byte put. */
  readonly disk: Readonly<Record<string, number>>;
}

export interface Document {
  readonly date: string;
  readonly machine: string;
  readonly client: string;
  readonly setups: readonly SetupFacts[];
  readonly skipped: readonly string[];
  readonly failed: readonly string[];
  readonly lines: readonly Line[];
}

export class Results {
  readonly #cells = new Map<string, Cell[]>();
  readonly #disk = new Map<string, Map<string, number[]>>();
  readonly #skipped: string[] = [];
  readonly #failed: string[] = [];

  sinkOf(setup: SetupIdentity): Sink {
    return {
      cell: (cell) => {
        const at = JSON.stringify([setup.name, cell.row, cell.connections]);
        this.#cells.set(at, [...(this.#cells.get(at) ?? []), cell]);
      },
      disk: ({ size, bytesPerByte }: DiskUse) => {
        const bySize = this.#disk.get(setup.name) ?? new Map<string, number[]>();
        bySize.set(size, [...(bySize.get(size) ?? []), bytesPerByte]);
        this.#disk.set(setup.name, bySize);
      },
    };
  }

  skip(what: string): void {
    this.#skipped.push(what);
  }

  fail(what: string): void {
    this.#failed.push(what);
  }

  document(facts: { machine: string; client: string }, setups: readonly SetupIdentity[]): Document {
    return {
      date: new Date().toISOString().slice(0, 10),
      ...facts,
      setups: setups.map(({ name, version, durability, how, renames }) => ({
        ...{ name, version, durability, how, renames },
        disk: Object.fromEntries(
          [...(this.#disk.get(name) ?? [])].map(([size, values]) => [size, rounded(median(values), 2)]),
        ),
      })),
      skipped: this.#skipped,
      failed: this.#failed,
      lines: [...this.#cells].map(([at, cells]) => lineOf(at, cells)),
    };
  }
}

function lineOf(at: string, cells: readonly Cell[]): Line {
  const [setup, row, connections]: [string, string, number] = JSON.parse(at);
  const middle = (pick: (cell: Cell) => number) => median(cells.map(pick));
  const paces = cells.map((cell) => cell.operationsPerSecond);
  return {
    ...{ setup, row, connections, rounds: cells.length },
    operationsPerSecond: rounded(median(paces), 4),
    range: [rounded(Math.min(...paces), 4), rounded(Math.max(...paces), 4)],
    megabytesPerSecond: rounded(
      middle((cell) => cell.bytesPerSecond / 1e6),
      1,
    ),
    p50Ms: rounded(
      middle((cell) => cell.p50),
      3,
    ),
    p99Ms: rounded(
      middle((cell) => cell.p99),
      3,
    ),
    cpuMicrosPerOperation: rounded(
      middle((cell) => cell.cpuMicrosPerOperation),
      1,
    ),
    peakMegabytes: rounded(Math.max(...cells.map((cell) => cell.peakAnonymousBytes)) / 1e6, 0),
    clientBusy: rounded(
      middle((cell) => cell.clientBusy),
      2,
    ),
    flushesPerOperation: rounded(
      middle((cell) => cell.flushesPerOperation),
      3,
    ),
    scaled: cells.some((cell) => cell.scaled),
  };
}

const rounded = (value: number, digits: number): number => Number(value.toFixed(digits));
