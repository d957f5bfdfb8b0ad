/** How long things took, in fixed buckets: to note one is a look along a short array and three sums. */

import type { Family, Labels } from './families.ts';

const BOUNDS_MS = [0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 60_000];
const MS_A_SECOND = 1000;

export class Durations {
  /** Each its own: the exposition's buckets hold all below, too. The last has what is beyond every bound. */
  readonly #counts = new Float64Array(BOUNDS_MS.length + 1);
  #sumMs = 0;

  observe(durationMs: number): void {
    let at = 0;
    while (durationMs > (BOUNDS_MS[at] ?? Number.POSITIVE_INFINITY)) at += 1;
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#sumMs += durationMs;
  }

  /** In seconds, as a histogram's samples. */
  samples(name: string, labels: Labels = {}): Family['values'] {
    let below = 0;
    const buckets = Array.from(this.#counts, (count, at) => {
      below += count;
      const bound = BOUNDS_MS[at];
      const le = bound === undefined ? '+Inf' : bound / MS_A_SECOND;
      return { metricName: `${name}_bucket`, labels: { le, ...labels }, value: below };
    });
    return [
      ...buckets,
      { metricName: `${name}_sum`, labels, value: this.#sumMs / MS_A_SECOND },
      { metricName: `${name}_count`, labels, value: below },
    ];
  }
}
