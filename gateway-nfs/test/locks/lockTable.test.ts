/** Turns of the lock table that random calls hardly ever take, and what it costs. */

import { expect, test } from 'vitest';
import type { LockOwner, LockRequest } from '../../src/locks/lockRequest.ts';
import { LockTable } from '../../src/locks/lockTable.ts';
import type { LockMode } from '../../src/locks/segments.ts';

const owner = (svid: number): LockOwner => ({ client: 'c', address: 'a', svid, oh: Buffer.alloc(0) });
const ask = (svid: number, [start, end]: readonly [number, number], mode: LockMode): LockRequest => ({
  file: 'f',
  owner: owner(svid),
  range: { start: BigInt(start), end: BigInt(end) },
  mode,
});

test('an owner that gets its first lock by one wait need not line up in another', () => {
  const table = new LockTable<string>();
  table.lock(ask(1, [0, 1], 'shared'));
  table.lock(ask(1, [5, 6], 'exclusive'));
  expect(table.lock(ask(2, [0, 1], 'exclusive'), 'writer').outcome).toBe('waiting');
  expect(table.lock(ask(3, [0, 1], 'shared'), 'reader').outcome).toBe('waiting');
  expect(table.lock(ask(3, [5, 6], 'exclusive'), 'other').outcome).toBe('waiting');
  const grants = table.unlock(ask(1, [5, 6], 'exclusive'));
  expect(grants?.map(({ waiter }) => waiter)).toEqual(['other', 'reader']);
});

test('a grant of nothing that is left, taken back, still looks at the waiters anew', () => {
  const table = new LockTable<string>();
  table.lock(ask(1, [0, 1], 'shared'));
  table.lock(ask(1, [5, 6], 'exclusive'));
  table.lock(ask(4, [5, 6], 'exclusive'), 'unwanted');
  const [unwanted] = table.unlock(ask(1, [5, 6], 'exclusive')) ?? [];
  if (unwanted === undefined) throw new Error('nothing was granted');
  table.unlock(ask(4, [5, 6], 'exclusive'));
  table.lock(ask(2, [0, 1], 'exclusive'), 'writer');
  expect(table.lock(ask(3, [0, 1], 'shared'), 'reader').outcome).toBe('waiting');
  table.lock({ ...ask(3, [0, 1], 'shared'), file: 'another' });
  expect(table.withdraw(unwanted).map(({ waiter }) => waiter)).toEqual(['reader']);
});

test('a file with as many locks and waiters as it may have is served in a fraction of a second', () => {
  const table = new LockTable<number>();
  for (let n = 0; n < 2500; n += 1) table.lock(ask(n, [2 * n, 2 * n + 1], 'exclusive'));
  const outcomes = Array.from({ length: 2500 }, (_, n) => {
    const request = ask(5000 + n, [4998, 4999], 'exclusive');
    return table.lock(request, n).outcome;
  });
  // Of them all, each waits for the last holder that is looked at.
  expect(outcomes.at(-1)).toBe('full');
  expect(table.counts.waiters).toBeGreaterThan(500);
  const moreHolders = Array.from({ length: 10 }, (_, n) => {
    const place = 5000 + 2 * n;
    return table.lock(ask(8000 + n, [place, place + 1], 'exclusive')).outcome;
  });
  expect(moreHolders.at(-1)).toBe('full');
  const began = process.cpuUsage();
  expect(table.unlock(ask(0, [0, 1], 'exclusive'))).toEqual([]);
  // Of the processor: what else the machine does meanwhile is not ours. A second, when all 2,500 could wait.
  const { user, system } = process.cpuUsage(began);
  expect(user + system).toBeLessThan(600_000);
});
