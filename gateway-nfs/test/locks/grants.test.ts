/** What becomes of a grant when its client is slow, silent, or nonsensical. */

import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Grants, type LockWaiter } from '../../src/locks/grants.ts';
import type { LockGrant } from '../../src/locks/lockRequest.ts';
import type { PeerAnswer } from '../../src/locks/peerCalls.ts';
import { writeResult } from '../../src/locks/wire.ts';
import { XdrReader } from '../../src/xdr/reader.ts';
import { bytesOf, Clock, silentLog, until } from './world.ts';

const client = { address: '10.0.0.1', name: 'a' };
const lock = { callerName: 'a', handle: Buffer.of(1), oh: Buffer.of(2), svid: 3, offset: 0n, length: 0n };
const grantTo = (byMessage: boolean): LockGrant<LockWaiter> => ({
  request: {
    file: 'f',
    owner: { client: '10.0.0.1 a', address: '10.0.0.1', svid: 3, oh: Buffer.of(2) },
    range: { start: 0n, end: 1n },
    mode: 'exclusive',
  },
  waiter: { client, asked: { lock, mode: 'exclusive' }, byMessage },
  before: [],
});

type Play = 'unreached' | 'unanswered' | 'GRANTED' | 'DENIED' | 'DENIED_GRACE_PERIOD' | 'nonsense';

/** Tells a grant to a client that behaves so, call by call, the last for ever. */
function play(...plays: readonly [Play, ...Play[]]) {
  const clock = new Clock();
  const seen = { calls: 0, withdrawn: 0, warnings: [] as string[] };
  const grants = new Grants({
    pause: clock.pause,
    log: { ...silentLog, warn: (_fields, message) => seen.warnings.push(message) },
    withdraw: () => {
      seen.withdrawn += 1;
    },
    async callPeer({ args }): Promise<PeerAnswer> {
      const now = plays[Math.min(seen.calls, plays.length - 1)] ?? 'unreached';
      seen.calls += 1;
      if (now === 'unreached' || now === 'unanswered') return { kind: now };
      if (now === 'nonsense') return { kind: 'answered', results: new XdrReader(Buffer.of(9)) };
      const cookie = new XdrReader(bytesOf(args)).opaque(1024);
      return { kind: 'answered', results: new XdrReader(bytesOf(writeResult(cookie, now))) };
    },
  });
  grants.deliver([grantTo(false)]);
  return { clock, seen, grants };
}

async function turns(): Promise<void> {
  for (let count = 0; count < 10; count += 1) await turn();
}

test('one that is taken is told once', async () => {
  const { clock, seen } = play('GRANTED');
  await turns();
  expect(clock.wakeAll()).toBe(0);
  expect(seen).toEqual({ calls: 1, withdrawn: 0, warnings: [] });
});

test('one that is turned down is withdrawn', async () => {
  const { seen } = play('DENIED');
  await until(() => seen.withdrawn > 0);
  expect(seen.calls).toBe(1);
});

test('one that cannot be delivered is withdrawn after some tries', async () => {
  const { clock, seen } = play('unreached');
  await clock.until(() => seen.withdrawn > 0);
  expect(seen.calls).toBe(5);
  expect(seen.warnings).toEqual([expect.stringMatching(/could not be told/)]);
});

test.each(['unanswered', 'nonsense'] as const)(
  'one that may have arrived (%s) is not withdrawn',
  async (how) => {
    const { clock, seen } = play(how, 'unreached');
    await clock.until(() => seen.warnings.some((message) => /did not answer/.test(message)));
    expect(seen).toMatchObject({ calls: 7, withdrawn: 0 });
  },
);

test('a refusal after a silence is a client that has the lock already', async () => {
  const { clock, seen } = play('unanswered', 'DENIED');
  await clock.until(() => seen.calls === 2);
  await turns();
  expect(clock.wakeAll()).toBe(0);
  expect(seen.withdrawn).toBe(0);
});

test('a client in a grace period of its own is told again', async () => {
  const { clock, seen } = play('DENIED_GRACE_PERIOD', 'DENIED_GRACE_PERIOD', 'GRANTED');
  await clock.until(() => seen.calls === 3);
  await turns();
  expect(clock.wakeAll()).toBe(0);
});

test('one that is settled is not told any more', async () => {
  const { clock, seen, grants } = play('unreached');
  await until(() => seen.calls === 1);
  expect(grants.settle(({ request }) => request.file === 'g')).toEqual([]);
  expect(grants.settle(({ request }) => request.file === 'f').length).toBe(1);
  await turns();
  expect(clock.wakeAll()).toBe(0);
  expect(seen).toEqual({ calls: 1, withdrawn: 0, warnings: [] });
});

test('one that is settled while it is told is not withdrawn, whatever the answer', async () => {
  const { seen, grants } = play('DENIED');
  grants.settle(() => true);
  await turns();
  expect(seen).toMatchObject({ calls: 1, withdrawn: 0 });
});

test('a message that is never answered may have arrived', async () => {
  const clock = new Clock();
  const seen = { calls: 0, withdrawn: 0, warnings: 0 };
  const grants = new Grants({
    pause: clock.pause,
    log: { ...silentLog, warn: () => (seen.warnings += 1) },
    withdraw: () => (seen.withdrawn += 1),
    async callPeer() {
      seen.calls += 1;
      return { kind: 'unanswered' };
    },
  });
  grants.deliver([grantTo(true)]);
  await clock.until(() => seen.warnings > 0);
  expect(seen).toEqual({ calls: 7, withdrawn: 0, warnings: 1 });
});
