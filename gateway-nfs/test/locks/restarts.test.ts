/** What becomes of locks when a host restarts, or the server. Call-backs go over real sockets. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { NLM_PROCEDURE, NLM_PROGRAM, NSM_PROGRAM } from '../../src/locks/wire.ts';
import { openWorld, until, type World } from './world.ts';

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());

describe('a host that has restarted', () => {
  test.each([NLM_PROGRAM, NSM_PROGRAM])(
    'says so to program %i, and its locks go to who waits',
    async (program) => {
      const [a, b] = [await world.host(2, { name: 'a' }), await world.host(3)];
      await a.lock();
      await a.lock({ file: 'other' });
      expect(await b.lock({ block: true })).toBe('BLOCKED');
      // Its own long name is as good as the short one.
      await a.notify(program, { name: 'A.example.org' });
      await until(() => b.granted.length > 0);
      expect(world.service().counts).toEqual({ locks: 1, waiters: 0, shares: 0 });
      expect(await world.store.list()).toEqual([{ address: '127.0.0.3', name: 'host3' }]);
    },
  );

  test('is told by its state number', async () => {
    const [a, b] = [await world.host(2), await world.host(3)];
    await a.lock({ svid: 1, state: 3 });
    await a.lock({ svid: 2, file: 'other', state: 3 });
    await b.lock({ block: true });
    expect(b.granted).toEqual([]);
    await a.lock({ svid: 3, file: 'third', state: 5 });
    await until(() => b.granted.length > 0);
    expect(world.service().counts.locks).toBe(2);
  });

  test('does not free what others hold, at its address or under its name', async () => {
    const a = await world.host(2, { name: 'a' });
    const besides = await world.host(2, { name: 'b', transport: 'none' });
    const namesake = await world.host(3, { name: 'a' });
    for (const [index, host] of [a, besides, namesake].entries()) {
      expect(await host.lock({ file: `file ${index}` })).toBe('GRANTED');
    }
    await a.notify(NSM_PROGRAM);
    expect(world.service().counts.locks).toBe(2);
    await besides.notify(NSM_PROGRAM, { name: 'c' });
    expect(world.service().counts.locks).toBe(1);
    await besides.notify(NSM_PROGRAM, { name: 'a' });
    expect(world.service().counts.locks).toBe(1);
  });
});

describe('a server that has restarted', () => {
  test('tells who held locks, grants only those for a while, and forgets who did not come back', async () => {
    const [a, b, c] = [await world.host(2), await world.host(3), await world.host(4)];
    await a.lock({ length: 5n });
    await b.lock({ offset: 5n });
    expect(await c.lock({}, NLM_PROCEDURE.NM_LOCK)).toBe('DENIED');
    await world.restart();
    await until(() => a.notices.length > 0 && b.notices.length > 0);
    expect(a.notices).toMatchObject([{ state: 3 }]);
    expect(c.notices).toEqual([]);
    expect(await c.lock({ file: 'free' })).toBe('DENIED_GRACE_PERIOD');
    expect(await c.test({ file: 'free' })).toBe('DENIED_GRACE_PERIOD');
    expect(await c.share({ oh: 'x', deny: 0, access: 1 })).toBe('DENIED_GRACE_PERIOD');
    expect(await a.lock({ length: 5n, reclaim: true })).toBe('GRANTED');
    expect(await a.unlock({ length: 1n })).toBe('GRANTED');
    world.clock.wakeAll();
    await world.service().graceOver;
    expect(await c.lock({ offset: 3n })).toBe('DENIED');
    expect(await b.lock({ offset: 5n, reclaim: true })).toBe('DENIED');
    expect(await c.lock({ offset: 5n })).toBe('GRANTED');
    expect((await world.store.list()).map(({ name }) => name)).toEqual(['host2', 'host4']);
    expect(world.told).toEqual([
      { hosts: 2, secondsAtMost: 45 },
      { hosts: 2, holding: 1 },
    ]);
  });

  test.each(['killed', 'closed'] as const)('has no grace period where nobody held locks: %s', async (how) => {
    const a = await world.host(2);
    await world.restart(how);
    expect(await a.lock()).toBe('GRANTED');
    expect(world.told).toEqual([]);
  });

  test('that was closed ends it as soon as all locks are taken again', async () => {
    const [a, b, c] = [await world.host(2), await world.host(3), await world.host(4)];
    await a.lock({ length: 5n });
    await a.lock({ file: 'other', svid: 7, exclusive: false });
    await b.lock({ offset: 5n, length: 5n });
    await c.lock({ file: 'passing' });
    await c.unlock({ file: 'passing' });
    await world.restart('closed');
    expect((await world.store.list()).map(({ name }) => name)).toEqual(['host2', 'host3']);
    const first = { length: 5n, reclaim: true };
    expect(await a.lock(first)).toBe('GRANTED');
    expect(await b.lock({ offset: 5n, length: 5n, reclaim: true })).toBe('GRANTED');
    expect(await c.lock({ file: 'free' })).toBe('DENIED_GRACE_PERIOD');
    const last = { file: 'other', svid: 7, exclusive: false, reclaim: true };
    expect(await a.lock(last)).toBe('GRANTED');
    await world.service().graceOver;
    expect(await c.lock({ file: 'free' })).toBe('GRANTED');
    // The answer may have been lost; anything else comes too late.
    expect(await a.lock(last)).toBe('GRANTED');
    expect(await a.lock({ ...last, file: 'third' })).toBe('DENIED');
    expect(await a.lock({ ...last, exclusive: true })).toBe('DENIED');
  });

  test('that was closed is not taken in by as many locks that are others', async () => {
    const [a, b] = [await world.host(2), await world.host(3)];
    await a.lock({ length: 5n });
    await world.restart('closed');
    expect(await a.lock({ length: 4n, reclaim: true })).toBe('GRANTED');
    expect(await b.lock({ file: 'free' })).toBe('DENIED_GRACE_PERIOD');
    expect(await a.lock({ offset: 4n, length: 1n, reclaim: true })).toBe('GRANTED');
    await world.service().graceOver;
    expect(await b.lock({ file: 'free' })).toBe('GRANTED');
  });

  test('counts on what was left for one start only', async () => {
    const [a, b] = [await world.host(2), await world.host(3)];
    await a.lock();
    await world.restart('closed');
    await world.restart('killed');
    expect(await a.lock({ reclaim: true })).toBe('GRANTED');
    expect(await b.lock({ file: 'free' })).toBe('DENIED_GRACE_PERIOD');
    // Closed within the period, it knows no more than at its start.
    await world.restart('closed');
    expect(await a.lock({ reclaim: true })).toBe('GRANTED');
    expect(await b.lock({ file: 'free' })).toBe('DENIED_GRACE_PERIOD');
    world.clock.wakeAll();
    await world.service().graceOver;
    expect(await b.lock({ file: 'free' })).toBe('GRANTED');
  });

  test('waits for no host that has restarted itself', async () => {
    const [a, b] = [await world.host(2), await world.host(3)];
    await a.lock();
    await world.restart('killed');
    expect(await b.lock()).toBe('DENIED_GRACE_PERIOD');
    await a.notify(NSM_PROGRAM);
    await world.service().graceOver;
    expect(await b.lock()).toBe('GRANTED');
  });

  test('waits for no host that had given up its locks some time before', async () => {
    const [a, b] = [await world.host(2), await world.host(3)];
    await a.lock();
    await a.unlock();
    expect((await world.store.list()).map(({ name }) => name)).toEqual(['host2']);
    world.clock.wakeAll();
    await expect.poll(() => world.store.list()).toEqual([]);
    await a.lock();
    await a.unlock();
    await a.lock();
    world.clock.wakeAll();
    await b.lock({ file: 'other' });
    expect((await world.store.list()).map(({ name }) => name)).toEqual(['host2', 'host3']);
  });

  test('gives each of an address its locks again, though more were remembered than it takes now', async () => {
    const names = Array.from({ length: 1_003 }, (_, number) => `host.${number}`);
    for (const name of names) await world.store.remember({ address: '127.0.0.2', name });
    await world.restart('killed');
    const behind = (name: string) => world.host(2, { name, transport: 'none' });
    const stranger = await behind('stranger');
    expect(await stranger.lock({ file: 'free', reclaim: true })).toBe('DENIED_NOLOCKS');
    for (const name of names) {
      const host = await behind(name);
      for (const file of [name, `${name} more`])
        expect(await host.lock({ file, reclaim: true })).toBe('GRANTED');
    }
    expect(await world.store.list()).toHaveLength(names.length);
    expect(await stranger.lock({ file: 'free', reclaim: true })).toBe('DENIED_NOLOCKS');
  });

  test('has nobody who has yet to take locks again make room for another', async () => {
    const [a, b] = [await world.host(2), await world.host(3)];
    await a.lock();
    await b.lock({ file: 'other' });
    await world.restart('killed');
    for (let number = 0; number < 999; number += 1) {
      const host = await world.host(2, { name: `made-up.${number}`, transport: 'none' });
      expect(await host.lock({ file: `file ${number}`, reclaim: true })).toBe('GRANTED');
    }
    const more = await world.host(2, { name: 'one.more', transport: 'none' });
    expect(await more.lock({ file: 'free', reclaim: true })).toBe('DENIED_NOLOCKS');
    expect(await a.lock({ reclaim: true })).toBe('GRANTED');
  });

  test('tells who cannot be reached at first as soon as it can', async () => {
    const a = await world.host(2, { transport: 'none' });
    await a.lock();
    await world.restart();
    const late = await world.host(2);
    await world.clock.until(() => late.notices.length > 0);
  });
});
