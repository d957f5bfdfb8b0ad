/** What the S3 door did. */

import type { RequestOutcome, S3Gateway } from '@facet/gateway-s3';
import { Durations } from './durations.ts';
import { counter, type Family, gauge, histogram, type Point } from './families.ts';

/** Of what S3 does not know, of what is not implemented, and of what is no HTTP. */
const OTHER = 'other';
/** 1xx is no answer, and who left before it got none. */
const CLASSES = ['none', '2xx', '3xx', '4xx', '5xx', '501'] as const;
/** Not implemented: no failure of the server, whatever its class. */
const NOT_IMPLEMENTED = 501;

function classOf(status: number | undefined): number {
  if (status === undefined) return 0;
  return status === NOT_IMPLEMENTED ? CLASSES.indexOf('501') : Math.trunc(status / 100) - 1;
}

class OperationTally {
  readonly byClass = new Float64Array(CLASSES.length);
  readonly durations = new Durations();
  bytesIn = 0;
  bytesOut = 0;
}

export class S3Metrics {
  readonly #operations = new Map<string, OperationTally>();

  /** To be told of every request. */
  readonly observe = ({ operation, status, bytesIn, bytesOut, durationMs }: RequestOutcome): void => {
    const tally = this.#tallyOf(operation);
    const at = classOf(status);
    tally.byClass[at] = (tally.byClass[at] ?? 0) + 1;
    tally.bytesIn += bytesIn;
    tally.bytesOut += bytesOut;
    tally.durations.observe(durationMs);
  };

  families({ underWay }: Pick<S3Gateway, 'underWay'>): readonly Family[] {
    const operations = [...this.#operations].sort(([one], [other]) => (one < other ? -1 : 1));
    const duration = 'facet_s3_request_duration_seconds';
    return [
      counter(
        {
          name: 'facet_s3_requests_total',
          help: 'S3 requests that are over, by operation and class of status; none: the client left before an answer; 501: not implemented, and not in 5xx.',
        },
        ...operations.flatMap(([operation, { byClass }]) =>
          CLASSES.map((status, at): Point => [byClass[at] ?? 0, { operation, status }]).filter(
            ([count]) => count > 0,
          ),
        ),
      ),
      histogram(
        {
          name: duration,
          help: 'Seconds from the head of an S3 request to the end of its answer, by operation.',
        },
        operations.flatMap(([operation, { durations }]) => durations.samples(duration, { operation })),
      ),
      counter(
        {
          name: 'facet_s3_received_bytes_total',
          help: 'Bytes of bodies of S3 requests that are over, framing included, by operation.',
        },
        ...operations.map(([operation, { bytesIn }]): Point => [bytesIn, { operation }]),
      ),
      counter(
        {
          name: 'facet_s3_sent_bytes_total',
          help: 'Bytes of answers to S3 requests that are over, heads included, before TLS, by operation.',
        },
        ...operations.map(([operation, { bytesOut }]): Point => [bytesOut, { operation }]),
      ),
      gauge({ name: 'facet_s3_requests_in_flight', help: 'S3 requests that are not over yet.' }, [
        underWay(),
      ]),
    ];
  }

  /** Names that a client can make up, method and all, are not kept apart. */
  #tallyOf(operation: string | undefined): OperationTally {
    const known = this.#operations.get(operation ?? OTHER);
    if (known) return known;
    if (operation?.includes('?')) return this.#tallyOf(undefined);
    const name = operation ?? OTHER;
    const tally = new OperationTally();
    this.#operations.set(name, tally);
    return tally;
  }
}
