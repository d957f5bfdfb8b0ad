import { expect, test } from 'vitest';
import { Restarts } from '../../src/serve/family/supervisor/restarts.ts';

const delays = (restarts: Restarts, ranMs: readonly number[]): number[] =>
  ranMs.map((ms) => restarts.delayAfter(ms));

const times = (count: number, ranMs: number): number[] => Array.from({ length: count }, () => ranMs);

test('one that ends again and again is started at once, then ever later, up to half a minute', () => {
  const waits = delays(new Restarts(), times(13, 9_999));
  expect(waits.slice(0, 5)).toEqual([0, 100, 200, 400, 800]);
  expect(waits.slice(-4)).toEqual([25_600, 30_000, 30_000, 30_000]);
});

test('it ends again and again for ever', () => {
  expect(delays(new Restarts(), times(5_000, 0)).at(-1)).toBe(30_000);
});

test('one that ran for ten seconds is as if it had never ended', () => {
  const restarts = new Restarts();
  expect(delays(restarts, [0, 0, 0, 10_000])).toEqual([0, 100, 200, 0]);
  expect(delays(restarts, [0, 0])).toEqual([0, 100]);
});
