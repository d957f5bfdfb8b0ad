/** Counts and times, as lines that people read. */

/** What came of one round between two restarts. */
export type Counts = ReadonlyMap<string, number>;

export class Figures {
  readonly #rounds: Counts[] = [];
  readonly #readyMs: number[] = [];
  #unknown = 0;

  addRound(acknowledged: Counts): void {
    this.#rounds.push(new Map(acknowledged));
  }

  addRestart(readyMs: number): void {
    this.#readyMs.push(readyMs);
  }

  addUnknown(requests: number): void {
    this.#unknown += requests;
  }

  /** Requests in all rounds. */
  get acknowledged(): number {
    return this.#rounds.flatMap((round) => [...round.values()]).reduce((sum, count) => sum + count, 0);
  }

  lines(): string[] {
    const kinds = [...new Set(this.#rounds.flatMap((round) => [...round.keys()]))].sort();
    const rows = kinds.map((kind) => {
      const counts = this.#rounds.map((round) => round.get(kind) ?? 0);
      return { kind, sum: counts.reduce((a, b) => a + b, 0), least: Math.min(...counts) };
    });
    return [
      `  acknowledged ${this.acknowledged} in ${this.#rounds.length} rounds, unknown ${this.#unknown}`,
      ...rows.map(({ kind, sum: all, least }) => `    ${kind}: ${all} (least in a round ${least})`),
      `  restarts ${this.#readyMs.length}, ready after ${milliseconds(this.#readyMs)}`,
    ];
  }
}

function milliseconds(all: readonly number[]): string {
  const sorted = all.toSorted((a, b) => a - b);
  const at = (share: number) => Math.round(sorted[Math.floor((sorted.length - 1) * share)] ?? 0);
  return `${at(0.5)} ms (median), ${at(1)} ms (most)`;
}
