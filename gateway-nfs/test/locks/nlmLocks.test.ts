/** NLM version 4 as hosts see it: locks, waits and shares. Call-backs go over real sockets. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { NLM_PROCEDURE, NLM_PROGRAM } from '../../src/locks/wire.ts';
import { openWorld, until, type World } from './world.ts';

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());

describe('locks', () => {
  test('one excludes another, which learns who holds it', async () => {
    const [a, b] = [await world.host(2), await world.host(3)];
    expect(await a.lock({ svid: 7, offset: 10n, length: 5n })).toBe('GRANTED');
    expect(await b.lock({ offset: 14n, length: 1n, exclusive: false })).toBe('DENIED');
    expect(await b.lock({ offset: 15n, length: 1n })).toBe('GRANTED');
    const holder = { exclusive: true, svid: 7, oh: '7@host2', offset: 10n, length: 5n };
    expect(await b.test({ offset: 0n })).toEqual(holder);
    expect(await a.test({ svid: 7, offset: 0n, length: 15n })).toBe('GRANTED');
    expect(await a.unlock({ svid: 7 })).toBe('GRANTED');
    expect(await b.test({ offset: 0n })).toBe('GRANTED');
  });

  test('a length of 0 reaches to the end, and is told as 0', async () => {
    const [a, b] = [await world.host(2), await world.host(3)];
    expect(await a.lock({ offset: 5n })).toBe('GRANTED');
    expect(await b.lock({ offset: 2n ** 64n - 1n, length: 1n })).toBe('DENIED');
    expect(await b.test()).toMatchObject({ offset: 5n, length: 0n });
    expect(await b.lock({ offset: 2n ** 64n - 1n, length: 2n })).toBe('FBIG');
  });

  test('processes of one host exclude each other', async () => {
    const a = await world.host(2);
    expect(await a.lock({ svid: 1 })).toBe('GRANTED');
    expect(await a.lock({ svid: 2 })).toBe('DENIED');
  });

  test('calls of one host are handled in the order they came', async () => {
    const a = await world.host(2);
    const remember = world.store.remember.bind(world.store);
    let stored = (): void => undefined;
    const disk = new Promise<void>((resolve) => {
      stored = resolve;
    });
    world.store.remember = async (client) => {
      await disk;
      await remember(client);
    };
    const locked = a.lock();
    const unlocked = a.unlock();
    stored();
    expect([await locked, await unlocked]).toEqual(['GRANTED', 'GRANTED']);
    expect(world.service().counts.locks).toBe(0);
  });

  test('a handle that names nothing, or what is gone, or what is not theirs', async () => {
    const a = await world.host(2);
    expect(await a.lock({ file: '?' })).toBe('STALE_FH');
    expect(await a.lock({ file: '!' })).toBe('FAILED');
    expect(await a.lock({ file: 'f' })).toBe('GRANTED');
    expect(await a.unlock({ file: 'gone f' })).toBe('STALE_FH');
    expect(world.service().counts).toEqual({ locks: 0, waiters: 0, shares: 0 });
  });

  test('a removed file loses its locks and waiters', async () => {
    const [a, b] = [await world.host(2), await world.host(3)];
    await a.lock();
    expect(await b.lock({ block: true })).toBe('BLOCKED');
    await a.share({ oh: 'x', deny: 3, access: 3 });
    world.service().dropFile('file');
    expect(world.service().counts).toEqual({ locks: 0, waiters: 0, shares: 0 });
  });

  test('bounds are told as such, and leave everything as it was', async () => {
    await world.close();
    world = await openWorld({ limits: { perAddressMax: 3, perFileMax: 100, locksMax: 5, waitersMax: 1 } });
    const [a, b] = [await world.host(2), await world.host(3, { transport: 'none' })];
    const alias = await world.host(2, { name: 'alias', transport: 'none' });
    for (const offset of [0n, 2n, 4n]) expect(await a.lock({ offset, length: 1n })).toBe('GRANTED');
    expect(await alias.lock({ file: 'other' })).toBe('DENIED_NOLOCKS');
    expect(await a.lock({ offset: 6n, length: 1n })).toBe('DENIED_NOLOCKS');
    // Two become one.
    expect(await a.lock({ offset: 1n, length: 1n })).toBe('GRANTED');
    expect(await a.lock({ offset: 6n, length: 3n })).toBe('GRANTED');
    expect(await a.unlock({ offset: 7n, length: 1n })).toBe('DENIED_NOLOCKS');
    expect(await b.lock({ block: true })).toBe('BLOCKED');
    expect(await b.lock({ block: true, exclusive: false })).toBe('DENIED_NOLOCKS');
    expect(world.service().counts).toEqual({ locks: 3, waiters: 1, shares: 0 });
  });
});

describe('names that a host makes up', () => {
  /** As many as the server keeps of one address. */
  const NAMES = 1_000;

  test('are not waited for when they hold nothing', async () => {
    const host = await world.host(2, { transport: 'none' });
    expect(await host.unlock()).toBe('GRANTED');
    expect(world.clock.wakeAll()).toBe(0);
    // One that held something may be back in a moment.
    await host.lock();
    await host.unlock();
    expect(world.clock.wakeAll()).toBe(1);
  });

  const share = (number: number) => ({ oh: 'x', deny: 0, access: 1, file: `file ${number % 100}` });

  async function madeUp(address: number): Promise<void> {
    for (let number = 0; number < NAMES; number += 1) {
      const host = await world.host(address, { name: `made-up.${number}`, transport: 'none' });
      expect(await host.share(share(number))).toBe('GRANTED');
    }
  }

  test('take no place from other hosts, each with a share of its own', async () => {
    await madeUp(2);
    const more = await world.host(2, { name: 'one.more', transport: 'none' });
    expect(await more.share(share(0))).toBe('DENIED_NOLOCKS');
    const other = await world.host(3, { transport: 'none' });
    expect(await other.lock()).toBe('GRANTED');
    const made = await world.host(2, { name: 'made-up', transport: 'none' });
    await made.notify(NLM_PROGRAM);
    expect(world.service().counts.shares).toBe(0);
    expect(await more.share(share(0))).toBe('GRANTED');
  });

  test('keep nobody waiting, of many addresses', async () => {
    for (let address = 10; address < 20; address += 1) await madeUp(address);
    const other = await world.host(3, { transport: 'none' });
    const began = performance.now();
    expect(await other.lock()).toBe('DENIED_NOLOCKS');
    // It took seconds while all shares were looked at for each of the names.
    expect(performance.now() - began).toBeLessThan(500);
  });
});

describe('waiting', () => {
  test.each(['tcp', 'udp'] as const)(
    'a lock that becomes free is granted by call-back over %s',
    async (transport) => {
      const [a, b] = [await world.host(2), await world.host(3, { transport })];
      await a.lock({ offset: 3n, length: 4n });
      expect(await b.lock({ svid: 9, offset: 5n, length: 9n, block: true })).toBe('BLOCKED');
      await a.unlock();
      await until(() => b.granted.length > 0);
      expect(b.granted).toEqual([{ svid: 9, offset: 5n, length: 9n, procedure: NLM_PROCEDURE.GRANTED }]);
      expect(await a.lock({ offset: 5n, length: 1n })).toBe('DENIED');
    },
  );

  test('first come, first served', async () => {
    const hosts = [await world.host(2), await world.host(3), await world.host(4)] as const;
    const [a, b, c] = hosts;
    await a.lock();
    await b.lock({ block: true });
    await c.lock({ block: true });
    await a.unlock();
    await until(() => b.granted.length > 0);
    expect(c.granted).toEqual([]);
    await b.unlock();
    await until(() => c.granted.length > 0);
  });

  test('a reader that comes after a waiting writer lines up behind it', async () => {
    const [a, b, c] = [await world.host(2), await world.host(3), await world.host(4)];
    await a.lock({ exclusive: false });
    expect(await b.lock({ block: true })).toBe('BLOCKED');
    expect(await c.lock({ block: true, exclusive: false })).toBe('BLOCKED');
    await a.unlock();
    await until(() => b.granted.length > 0);
    await b.unlock();
    await until(() => c.granted.length > 0);
  });

  test('who does not want it any more gives it to the next', async () => {
    const [a, b, c] = [await world.host(2), await world.host(3), await world.host(4)];
    b.answer = 'DENIED';
    await a.lock();
    await b.lock({ block: true });
    await c.lock({ block: true });
    await a.unlock();
    await until(() => c.granted.length > 0);
    expect(b.granted.length).toBe(1);
  });

  test('who cannot be reached gives it to the next, and may ask again', async () => {
    const [a, b, c] = [await world.host(2), await world.host(3, { transport: 'none' }), await world.host(4)];
    await a.lock();
    await b.lock({ block: true });
    await c.lock({ block: true });
    await a.unlock();
    await world.clock.until(() => c.granted.length > 0);
    expect(await b.lock({ block: true })).toBe('BLOCKED');
  });

  test('who asks again before it is told has it', async () => {
    const [a, b] = [await world.host(2), await world.host(3, { transport: 'none' })];
    await a.lock();
    await b.lock({ block: true });
    await a.unlock();
    expect(await b.lock({ block: true })).toBe('GRANTED');
    // Nobody is left to be told: time passes, and it keeps what it has.
    await world.clock.pass();
    expect(await a.lock()).toBe('DENIED');
  });

  test('CANCEL ends a wait, and takes back what is not yet told', async () => {
    const [a, b, c] = [await world.host(2), await world.host(3, { transport: 'none' }), await world.host(4)];
    await a.lock();
    expect(await b.cancel()).toBe('DENIED');
    await b.lock({ block: true });
    expect(await b.cancel()).toBe('GRANTED');
    await b.lock({ block: true });
    await c.lock({ block: true });
    await a.unlock();
    expect(await b.cancel()).toBe('GRANTED');
    await until(() => c.granted.length > 0);
  });
});

describe('messages', () => {
  test('are answered by a call of the result procedure, and grants by message, too', async () => {
    const [a, b] = [await world.host(2), await world.host(3)];
    await a.lock();
    expect(await b.lock({ block: true }, NLM_PROCEDURE.LOCK_MSG)).toBe(undefined);
    await until(() => b.results.length > 0);
    expect(b.results).toEqual([{ procedure: NLM_PROCEDURE.LOCK_RES, stat: 'BLOCKED' }]);
    await a.unlock();
    await until(() => b.granted.length > 0);
    expect(b.granted).toMatchObject([{ procedure: NLM_PROCEDURE.GRANTED_MSG }]);
    expect(await a.lock()).toBe('DENIED');
  });

  test('one that turns the grant down gives it to the next', async () => {
    const [a, b, c] = [await world.host(2), await world.host(3), await world.host(4)];
    b.answer = 'DENIED';
    await a.lock();
    await b.lock({ block: true }, NLM_PROCEDURE.LOCK_MSG);
    await c.lock({ block: true });
    await a.unlock();
    await until(() => c.granted.length > 0);
    expect(b.granted.length).toBe(1);
  });
});

describe('shares', () => {
  test('deny others what they say, until they are given up', async () => {
    const [a, b] = [await world.host(2), await world.host(3)];
    expect(await a.share({ oh: 'x', deny: 2, access: 1 })).toBe('GRANTED');
    expect(await b.share({ oh: 'x', deny: 0, access: 2 })).toBe('DENIED');
    expect(await b.share({ oh: 'x', deny: 1, access: 1 })).toBe('DENIED');
    expect(await b.share({ oh: 'x', deny: 2, access: 1 })).toBe('GRANTED');
    expect(await a.share({ oh: 'x', deny: 0, access: 1 })).toBe('GRANTED');
    expect(await b.share({ oh: 'x', deny: 0, access: 3 })).toBe('GRANTED');
    expect(await b.share({ oh: 'x', deny: 0, access: 0 }, NLM_PROCEDURE.UNSHARE)).toBe('GRANTED');
    expect(world.service().counts.shares).toBe(1);
    await a.notify(NLM_PROGRAM);
    expect(world.service().counts.shares).toBe(0);
  });
});
