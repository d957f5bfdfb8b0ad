/** All that was measured, and its middle over the rounds. */

import { median } from '../s3/report.ts';
import type { SetupIdentity } from './servers/server.ts';
import type { Cell, DiskUse, Sink } from './world.ts';

export interface Line {
  readonly setup: string;
  readonly row: string;
  readonly connections: number;
  readonly rounds: number;
  /** Of all rounds together: what the other figures rest on. */
  readonly operations: number;
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
  /** By size of objects. */
  readonly disk: Readonly<Record<string, DiskUse>>;
}

/** A program that the machine cannot have. */
export interface Lack {
  readonly program: string;
  readonly why: string;
}

/** Of a run. */
export interface Place {
  readonly round: number;
  readonly group: string;
  /** Absent: several. */
  readonly setup?: string;
}

export interface Failure extends Place {
  readonly why: string;
}

export const placeOf = ({ round, group, setup }: Place): string =>
  [`round ${round}`, group, setup].filter(Boolean).join(', ');

export interface Document {
  readonly date: string;
  readonly machine: string;
  readonly clients: readonly string[];
  /** Groups and programs that were to be had. */
  readonly asked: readonly string[];
  readonly setups: readonly SetupFacts[];
  readonly unavailable: readonly Lack[];
  readonly skipped: readonly string[];
  readonly failed: readonly Failure[];
  readonly lines: readonly Line[];
}

/** What is known before anything is measured. */
export type Facts = Pick<Document, 'machine' | 'clients' | 'asked'>;

export class Results {
  readonly #cells = new Map<string, Cell[]>();
  readonly #disk = new Map<string, Map<string, DiskUse[]>>();
  readonly #unavailable: Lack[] = [];
  readonly #skipped: string[] = [];
  readonly #failed: Failure[] = [];

  sinkOf(setup: SetupIdentity): Sink {
    return {
      cell: (cell) => {
        const at = JSON.stringify([setup.name, cell.row, cell.connections]);
        this.#cells.set(at, [...(this.#cells.get(at) ?? []), cell]);
      },
      disk: (size, use) => {
        const bySize = this.#disk.get(setup.name) ?? new Map<string, DiskUse[]>();
        bySize.set(size, [...(bySize.get(size) ?? []), use]);
        this.#disk.set(setup.name, bySize);
      },
    };
  }

  lack(lack: Lack): void {
    this.#unavailable.push(lack);
  }

  skip(what: string): void {
    this.#skipped.push(what);
  }

  fail(failure: Failure): void {
    this.#failed.push(failure);
  }

  document(facts: Facts, setups: readonly SetupIdentity[]): Document {
    return {
      date: new Date().toISOString().slice(0, 10),
      ...facts,
      setups: setups.map(({ name, version, durability, how, renames }) => ({
        ...{ name, version, durability, how, renames },
        disk: Object.fromEntries(
          [...(this.#disk.get(name) ?? [])].map(([size, uses]) => [size, middleOf(uses)]),
        ),
      })),
      unavailable: this.#unavailable,
      skipped: this.#skipped,
      failed: this.#failed,
      lines: [...this.#cells].map(([at, cells]) => lineOf(at, cells)),
    };
  }
}

/** @throws Error where the two are not of one machine and the same versions */
export function mustBeOfSame(earlier: Document, now: Document): void {
  const before = new Map(earlier.setups.map(({ name, version }) => [name, version]));
  const isOther = now.setups.some(({ name, version }) => (before.get(name) ?? version) !== version);
  if (isOther || earlier.machine !== now.machine)
    throw new Error('the results there are of another machine or other versions');
}

/**
 * Some rows once more, in place of what they were, and of what failed then; those that are new come behind.
 *
 * @throws Error as {@link mustBeOfSame}
 */
export function joined(earlier: Document, again: Document): Document {
  mustBeOfSame(earlier, again);
  const keyOf = ({ setup, row, connections }: Line) => JSON.stringify([setup, row, connections]);
  const lines = new Map([...earlier.lines, ...again.lines].map((line) => [keyOf(line), line]));
  const setups = new Map(earlier.setups.map((facts) => [facts.name, facts]));
  for (const facts of again.setups) {
    const disk = { ...setups.get(facts.name)?.disk, ...facts.disk };
    setups.set(facts.name, { ...facts, disk });
  }
  return {
    ...again,
    clients: union(earlier.clients, again.clients),
    asked: union(earlier.asked, again.asked),
    setups: [...setups.values()],
    unavailable: [
      ...earlier.unavailable.filter(({ program }) => !again.asked.includes(program)),
      ...again.unavailable,
    ],
    skipped: union(earlier.skipped, again.skipped),
    failed: [...earlier.failed.filter((failure) => !isOf(failure, again)), ...again.failed],
    lines: [...lines.values()],
  };
}

const union = (some: readonly string[], more: readonly string[]): string[] => [
  ...new Set([...some, ...more]),
];

const isOf = ({ group, setup }: Failure, { asked, setups }: Document): boolean =>
  asked.includes(group) && (setup === undefined || setups.some(({ name }) => name === setup));

function lineOf(at: string, cells: readonly Cell[]): Line {
  const [setup, row, connections]: [string, string, number] = JSON.parse(at);
  const middle = (pick: (cell: Cell) => number) => median(cells.map(pick));
  const paces = cells.map((cell) => cell.operationsPerSecond);
  return {
    ...{ setup, row, connections, rounds: cells.length },
    operations: cells.reduce((sum, cell) => sum + cell.operations, 0),
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

const middleOf = (uses: readonly DiskUse[]): DiskUse => ({
  objects: uses[0]?.objects ?? 0,
  bytesPerByte: rounded(median(uses.map(({ bytesPerByte }) => bytesPerByte)), 2),
});

const rounded = (value: number, digits: number): number => Number(value.toFixed(digits));
