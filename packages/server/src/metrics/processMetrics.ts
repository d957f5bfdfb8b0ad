/** What one process measures. */

import { collectDefaultMetrics, Registry } from 'prom-client';
import { type Family, type MetricsJson, metricsJson } from './families.ts';

/** Reads its numbers out when asked. */
export type MetricsSource = () => readonly Family[] | Promise<readonly Family[]>;

/** With `worker` on all of it: its counters begin anew when that process does, and a sum of theirs would fall. */
export function labelled(measured: readonly Family[], worker: string): Family[] {
  return measured.map((family) => ({
    ...family,
    values: family.values.map((value) => ({ ...value, labels: { ...value.labels, worker } })),
  }));
}

export class ProcessMetrics {
  readonly #registry = new Registry();
  readonly #sources: MetricsSource[] = [];
  #collecting: Promise<MetricsJson> | undefined;

  /** @param worker what tells this process from the others: the value of `worker` on all that is the process's own */
  constructor(worker: string) {
    collectDefaultMetrics({ register: this.#registry });
    // Of no use to anybody, and 292 years where nothing was measured since the last look.
    this.#registry.removeSingleMetric('nodejs_eventloop_lag_min_seconds');
    this.#registry.setDefaultLabels({ worker });
  }

  add(source: MetricsSource): void {
    this.#sources.push(source);
  }

  /** Whoever asks meanwhile gets the same: what many ask for is read once. */
  collect(): Promise<MetricsJson> {
    this.#collecting ??= this.#collect().finally(() => {
      this.#collecting = undefined;
    });
    return this.#collecting;
  }

  async #collect(): Promise<MetricsJson> {
    const measured = await this.#registry.getMetricsAsJSON();
    // A mean of nothing is none, and no number in JSON.
    const known = measured.map((family) => ({
      ...family,
      values: family.values.filter(({ value }) => Number.isFinite(value)),
    }));
    // With `worker` no two processes have the same samples.
    const families: Family[] = metricsJson.parse(known).map((family) => ({ ...family, aggregator: 'first' }));
    for (const source of this.#sources) families.push(...(await source()));
    return families;
  }
}
