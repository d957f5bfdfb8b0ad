import { expect, test } from 'vitest';
import { Pins } from '../../src/space/pins.ts';
import type { OtherEnd, StoreCalls, WorkerCalls } from '../../src/workers/protocol.ts';
import { StoreAccess } from '../../src/workers/storeAccess.ts';
import { Workers } from '../../src/workers/workers.ts';
import { ManualTimer } from '../manualTimer.ts';

const silent = { call: () => new Promise<never>(() => undefined) };

test('a store that stays away is waited for so long and no longer', async () => {
  const timer = new ManualTimer();
  const access = new StoreAccess(timer);
  const store: OtherEnd<StoreCalls> = silent;
  const [one, other] = [access.reach(), access.reach()];
  expect(timer.delays).toEqual([20_000, 20_000]);
  access.connected(store);
  expect(await Promise.all([one, other])).toEqual([store, store]);
  expect(timer.delays).toEqual([]);
  access.away();
  const tooLong = access.reach();
  timer.fire();
  await expect(tooLong).rejects.toMatchObject({ code: 'Busy' });
  const abandoned = access.reach();
  access.abandon();
  await expect(abandoned).rejects.toMatchObject({ code: 'Busy' });
  expect(timer.delays).toEqual([]);
});

test('a worker that does not answer in time holds back what could be reclaimed', async () => {
  const timer = new ManualTimer();
  const pins = new Pins();
  pins.committed(7);
  const workers = new Workers({
    commands: { run: () => Promise.reject(new Error('not asked for')), read: () => Promise.reject() },
    staging: () => {
      throw new Error('not asked for');
    },
    pins,
    settle: async () => undefined,
    timer,
    onFullDisk: () => undefined,
    onEnded: () => undefined,
  });
  const instance = Buffer.alloc(16, 1);
  let answer: (oldest: number) => void = () => undefined;
  const worker: OtherEnd<WorkerCalls> = {
    call: () =>
      new Promise<never>((resolve) => {
        answer = (oldest) => resolve(oldest as never);
      }),
  };
  workers.expect(instance);
  workers.joined(instance, worker);
  const inTime = workers.oldest();
  answer(5);
  expect(await inTime).toBe(5);
  expect(timer.delays).toEqual([]);
  const late = workers.oldest();
  expect(timer.delays).toEqual([5_000]);
  timer.fire();
  expect(await late).toBe(0);
});
