/** The metadata page by page, each in a read of its own: for fsck nobody may write meanwhile. */

import type { Bytes, Engine, Entry, Op, ReadTx } from '@facet/engine';
import type { LayerId } from '../ids.ts';
import { type Bounds, successor } from '../meta/keys.ts';
import type { Volume } from '../volumes/types.ts';
import type { FindingKind } from './findings.ts';
import type { Remedy } from './mends/mend.ts';

const ENTRIES_PER_PAGE = 500;

/** What the checks share. */
export interface Inspection {
  readonly store: MetadataReader;
  readonly maxima: Maxima;
  /** Of the volumes found, by layer. */
  readonly layers: ReadonlyMap<LayerId, Volume>;
  readonly report: Report;
  /** Of a record that was met before. */
  readonly isDamaged: (key: Bytes) => boolean;
}

interface Place {
  readonly what: string;
  /** What it is part of. */
  readonly where: string;
  /** Contents whose bytes are meant: whoever reads of them would rather know of which objects they are. */
  readonly contents?: readonly number[];
}

/** `remedy`: what is to be done about it, where that is known. */
export type Report = (kind: FindingKind, place: Place, detail: string, remedy?: Remedy) => void;

export class MetadataReader {
  readonly #engine: Pick<Engine, 'read'>;

  constructor(engine: Pick<Engine, 'read'>) {
    this.#engine = engine;
  }

  read<T>(op: (tx: ReadTx) => Op<T>): Promise<T> {
    return this.#engine.read(op);
  }

  get(key: Bytes): Promise<Bytes | undefined> {
    return this.#engine.read((tx) => tx.get(key));
  }

  getMany(keys: readonly Bytes[]): Promise<readonly (Bytes | undefined)[]> {
    return this.#engine.read((tx) => tx.getMany(keys));
  }

  async first(bounds: Bounds): Promise<Entry | undefined> {
    const [entry] = await this.#engine.read((tx) => tx.range({ ...bounds, limit: 1 }));
    return entry;
  }

  async *pages(bounds: Bounds): AsyncGenerator<readonly Entry[], void, void> {
    for (let start = bounds.start; ; ) {
      const from = start;
      const page = await this.#engine.read((tx) =>
        tx.range({ start: from, end: bounds.end, limit: ENTRIES_PER_PAGE }),
      );
      yield page;
      const last = page.at(-1);
      if (!last || page.length < ENTRIES_PER_PAGE) return;
      start = successor(last.key);
    }
  }

  async *entries(bounds: Bounds): AsyncGenerator<Entry, void, void> {
    for await (const page of this.pages(bounds)) yield* page;
  }
}

/** The record, or undefined where it is absent or cannot be read: that is reported where the record is checked. */
export function decoded<T>(stored: Bytes | undefined, decode: (bytes: Bytes) => T): T | undefined {
  if (!stored) return undefined;
  try {
    return decode(stored);
  } catch {
    return undefined;
  }
}

/** As {@link decoded}, of a record that is there: says so when it cannot be read. */
export function readable<T>(
  inspection: Pick<Inspection, 'report'>,
  entry: Entry,
  as: { readonly what: string; readonly where: string; readonly decode: (bytes: Bytes) => T },
): T | undefined {
  try {
    return as.decode(entry.value);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    inspection.report('unreadableRecord', as, `key ${Buffer.from(entry.key).toString('hex')}: ${reason}`);
    return undefined;
  }
}

/** The greatest id seen of each counter. */
export class Maxima {
  readonly #seen = new Map<string, number>();

  note(counter: string, id: number): void {
    if (id > (this.#seen.get(counter) ?? 0)) this.#seen.set(counter, id);
  }

  [Symbol.iterator](): Iterator<[string, number]> {
    return this.#seen[Symbol.iterator]();
  }
}

/** A name as a person reads it. */
export const quoted = (name: Uint8Array): string => JSON.stringify(Buffer.from(name).toString('utf8'));
