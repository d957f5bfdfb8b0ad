/**
 * What a process measures, as plain JSON: prom-client's own form of it, so that the parts of several processes can be
 * joined by it.
 * @source https://prometheus.io/docs/instrumenting/exposition_formats/ (text format 0.0.4)
 */

import { z } from 'zod';

const sample = z.object({
  /** Where it is not the family's: `_bucket`, `_sum` and `_count` of a histogram. */
  metricName: z.string().optional(),
  labels: z.record(z.string(), z.union([z.string(), z.number()])),
  value: z.number(),
});

/** All samples of one name. */
const family = z.object({
  name: z.string(),
  /** With the unit. */
  help: z.string(),
  type: z.enum(['counter', 'gauge', 'histogram', 'summary']),
  /** What becomes of samples of two processes that have the same labels. */
  aggregator: z.enum(['sum', 'first', 'average', 'min', 'max', 'omit']),
  values: z.array(sample),
});

/** To be parsed with, when it comes from another process. */
export const metricsJson = z.array(family);

type Sample = z.infer<typeof sample>;
export type Family = z.infer<typeof family>;
export type MetricsJson = z.infer<typeof metricsJson>;
export type Labels = Sample['labels'];

interface Naming {
  readonly name: string;
  readonly help: string;
}

/** One number of a family: its labels, none unless told. */
export type Point = readonly [value: number, labels?: Labels];

const samplesOf = (points: readonly Point[]): Sample[] =>
  points.map(([value, labels = {}]) => ({ value, labels }));

/** Summed over the processes. The name ends in `_total`. */
export function counter(naming: Naming, ...points: readonly Point[]): Family {
  return { ...naming, type: 'counter', aggregator: 'sum', values: samplesOf(points) };
}

/** Summed over the processes, where more than one has it. */
export function gauge(naming: Naming, ...points: readonly Point[]): Family {
  return { ...naming, type: 'gauge', aggregator: 'sum', values: samplesOf(points) };
}

export function histogram(naming: Naming, samples: Iterable<Sample>): Family {
  return { ...naming, type: 'histogram', aggregator: 'sum', values: [...samples] };
}
