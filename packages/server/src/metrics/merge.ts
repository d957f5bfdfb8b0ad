/** One exposition of what several processes measured. */

import { AggregatorRegistry } from 'prom-client';
import type { MetricsJson } from './families.ts';

/** Of the text that {@link merge} makes. */
export const EXPOSITION_CONTENT_TYPE = AggregatorRegistry.PROMETHEUS_CONTENT_TYPE;

/** Joins samples of the same name and labels as their family says; `worker` keeps apart what is a process's own. */
export function merge(parts: readonly MetricsJson[]): Promise<string> {
  return AggregatorRegistry.aggregate([...parts]).metrics();
}
