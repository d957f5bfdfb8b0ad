import { expect, it } from 'vitest';
import { systemEnvironment } from '../src/environment.ts';

it('gives random bytes of the length asked for, none of them twice', () => {
  const { randomBytes } = systemEnvironment();
  // Several pools' worth, in lengths that do not divide them, and one longer than a pool.
  const lengths: number[] = Array.from({ length: 3000 }, (_, at) => (at % 3 === 0 ? 16 : 15));
  lengths.push(20_000);
  const given = lengths.map((length) => randomBytes(length));
  expect(given.map(({ length }) => length)).toEqual(lengths);
  expect(new Set(given.map((bytes) => bytes.toString('hex'))).size).toBe(given.length);
  // Bytes handed out earlier are not changed by what is asked for later.
  const [first] = given;
  const kept = first?.toString('hex');
  for (let count = 0; count < 2000; count += 1) randomBytes(16);
  expect(first?.toString('hex')).toBe(kept);
  expect(randomBytes(0)).toHaveLength(0);
});

it('never tells the same time twice', () => {
  const { now } = systemEnvironment();
  const times = Array.from({ length: 1000 }, () => now());
  for (const [at, time] of times.entries()) if (at > 0) expect(time > (times[at - 1] ?? time)).toBe(true);
});
