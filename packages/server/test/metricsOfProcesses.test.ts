/** What several processes measured, as one exposition. */

import { expect, test } from 'vitest';
import { metricsJson } from '../src/metrics/families.ts';
import { merge } from '../src/metrics/merge.ts';
import { ProcessMetrics } from '../src/metrics/processMetrics.ts';
import { S3Metrics } from '../src/metrics/s3.ts';

const outcome = { operation: 'GetObject', status: 200, bytesIn: 0, bytesOut: 5_000, durationMs: 250 };

/** As it comes from another process. */
async function worker(name: string, { requests, underWay }: { requests: number; underWay: number }) {
  const metrics = new ProcessMetrics(name);
  const s3 = new S3Metrics();
  metrics.add(() => s3.families({ underWay: () => underWay }));
  for (let times = 0; times < requests; times += 1) s3.observe(outcome);
  return metricsJson.parse(JSON.parse(JSON.stringify(await metrics.collect())));
}

test('requests are summed, and processes told apart', async () => {
  const parts = [
    await worker('s3-1', { requests: 2, underWay: 1 }),
    await worker('s3-2', { requests: 5, underWay: 3 }),
    await worker('s3-3', { requests: 0, underWay: 0 }),
  ];
  const lines = (await merge(parts)).split('\n');
  expect(lines).toContain('facet_s3_requests_total{operation="GetObject",status="2xx"} 7');
  expect(lines).toContain('facet_s3_sent_bytes_total{operation="GetObject"} 35000');
  expect(lines).toContain('facet_s3_requests_in_flight 4');
  expect(lines).toContain('facet_s3_request_duration_seconds_bucket{le="0.1",operation="GetObject"} 0');
  expect(lines).toContain('facet_s3_request_duration_seconds_bucket{le="0.25",operation="GetObject"} 7');
  expect(lines).toContain('facet_s3_request_duration_seconds_sum{operation="GetObject"} 1.75');
  expect(lines.filter((line) => line.startsWith('# TYPE facet_s3_requests_total'))).toHaveLength(1);
  const started = lines.filter((line) => line.startsWith('process_start_time_seconds{'));
  expect(started.map((line) => /worker="([^"]*)"/.exec(line)?.[1])).toEqual(['s3-1', 's3-2', 's3-3']);
});

test('who asks twice in a row gets numbers twice', async () => {
  const metrics = new ProcessMetrics('one');
  for (let times = 0; times < 3; times += 1) {
    const text = await merge([metricsJson.parse(await metrics.collect())]);
    expect(text).toContain('\nprocess_resident_memory_bytes{worker="one"} ');
    expect(text).not.toMatch(/ NaN$/m);
  }
});

test('what a client made up is not kept apart', async () => {
  const s3 = new S3Metrics();
  for (let at = 0; at < 100; at += 1)
    s3.observe({ ...outcome, operation: at % 2 === 0 ? `PUT ?made-up-${at}` : undefined, status: 501 });
  const [requests] = s3.families({ underWay: () => 0 });
  expect(requests?.values).toEqual([{ labels: { operation: 'other', status: '501' }, value: 100 }]);
});

test('a client that left before its answer is counted, too', () => {
  const s3 = new S3Metrics();
  s3.observe({ ...outcome, status: undefined });
  const [requests] = s3.families({ underWay: () => 0 });
  expect(requests?.values).toEqual([{ labels: { operation: 'GetObject', status: 'none' }, value: 1 }]);
});
