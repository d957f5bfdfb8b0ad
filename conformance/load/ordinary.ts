/** Ordinary small requests, one after the other, while something else goes on; and how long they took. */
import assert from 'node:assert/strict';
import { sendExpectingSuccess } from '../wire/send.ts';
import type { World } from './world.ts';

const PAIRS = 150;
const BODY = 'ordinary '.repeat(455);
/** A machine that also runs the clients has its pauses: so much for them, and no more for any one request. */
export const P99_MS_MAX = 1_000;
const WORST_MS_MAX = 5_000;

export async function serveOrdinaryRequests({ caller, bucket, tell }: World): Promise<void> {
  const tookMs: number[] = [];
  const timed = async <T>(request: Promise<T>): Promise<T> => {
    const started = performance.now();
    const answer = await request;
    tookMs.push(performance.now() - started);
    return answer;
  };
  for (let at = 0; at < PAIRS; at++) {
    const path = `/${bucket}/ordinary-${at}`;
    await timed(sendExpectingSuccess(caller, { method: 'PUT', path, body: BODY }));
    const { text } = await timed(sendExpectingSuccess(caller, { path }));
    assert.equal(text, BODY);
  }
  tookMs.sort((a, b) => a - b);
  const quantile = (share: number): number => tookMs[Math.floor((tookMs.length - 1) * share)] ?? 0;
  const [median, p99, worst] = [0.5, 0.99, 1].map((share) => quantile(share).toFixed(1));
  tell(`${tookMs.length} ordinary requests meanwhile: median ${median} ms, p99 ${p99} ms, worst ${worst} ms`);
  assert.ok(quantile(0.99) <= P99_MS_MAX, `p99 is ${p99} ms, more than ${P99_MS_MAX} ms`);
  assert.ok(quantile(1) <= WORST_MS_MAX, `one took ${worst} ms, more than ${WORST_MS_MAX} ms`);
}
