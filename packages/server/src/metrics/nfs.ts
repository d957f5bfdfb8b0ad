/** What the NFS door did. */

import type { CallOutcome } from '@facet/gateway-nfs';
import { Durations } from './durations.ts';
import { counter, type Family, histogram, type Point } from './families.ts';

class ProcedureTally {
  readonly byStatus = new Map<CallOutcome['status'], number>();
  readonly durations = new Durations();
}

export class NfsMetrics {
  readonly #procedures = new Map<string, ProcedureTally>();

  /** To be told of every call. */
  readonly observe = ({ procedure, status, durationMs }: CallOutcome): void => {
    const tally = this.#tallyOf(procedure);
    tally.byStatus.set(status, (tally.byStatus.get(status) ?? 0) + 1);
    tally.durations.observe(durationMs);
  };

  families(): readonly Family[] {
    const procedures = [...this.#procedures].sort(([one], [other]) => (one < other ? -1 : 1));
    const duration = 'facet_nfs_call_duration_seconds';
    return [
      counter(
        {
          name: 'facet_nfs_calls_total',
          help: 'NFS calls that were answered, by procedure and status; NULL is not counted.',
        },
        ...procedures.flatMap(([procedure, { byStatus }]) =>
          Array.from(byStatus, ([status, count]): Point => [count, { procedure, status }]),
        ),
      ),
      histogram(
        { name: duration, help: 'Seconds from the arguments of an NFS call to its results, by procedure.' },
        procedures.flatMap(([procedure, { durations }]) => durations.samples(duration, { procedure })),
      ),
    ];
  }

  #tallyOf(procedure: string): ProcedureTally {
    const known = this.#procedures.get(procedure);
    if (known) return known;
    const tally = new ProcedureTally();
    this.#procedures.set(procedure, tally);
    return tally;
  }
}
