/** NLM version 4 as hosts see it. Call-backs go over real sockets. */

import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { NLM_PROCEDURE, NLM_PROGRAM, NSM_PROCEDURE, NSM_PROGRAM } from '../../src/locks/wire.ts';
import { callRpc } from '../../src/rpc/client.ts';
import { createTcpServer } from '../../src/rpc/tcpServer.ts';
import { XdrError } from '../../src/xdr/error.ts';
import { XdrWriter } from '../../src/xdr/writer.ts';
import { openWorld, silentLog, until, type World } from './world.ts';

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

  test('tells who cannot be reached at first as soon as it can', async () => {
    const a = await world.host(2, { transport: 'none' });
    await a.lock();
    await world.restart();
    const late = await world.host(2);
    await world.clock.until(() => late.notices.length > 0);
  });
});

describe('the programs', () => {
  test('versions that are not served are told from those that are', async () => {
    const server = createTcpServer({ programs: world.service().programs, log: silentLog });
    try {
      const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
      const call = { host: '127.0.0.1', port, transport: 'tcp', procedure: 0, timeoutMs: 5000 } as const;
      const ask = (version: number) =>
        callRpc({ ...call, program: NLM_PROGRAM, version, args: new XdrWriter() });
      expect((await ask(4)).left).toBe(0);
      for (const version of [1, 3]) await expect(ask(version)).rejects.toThrow(/PROG_MISMATCH/);
    } finally {
      await server.close();
    }
  });

  test('NSM tells its state, and monitors for nobody', async () => {
    const a = await world.host(2);
    const id = new XdrWriter().text('my name').int32(1).int32(2).int32(3);
    const stat = await a.call(NSM_PROGRAM, NSM_PROCEDURE.STAT, new XdrWriter().text('name'));
    expect([stat.uint32(), stat.int32()]).toEqual([1, 1]);
    const mon = new XdrWriter().text('name').append(id).fixed(Buffer.alloc(16));
    expect((await a.call(NSM_PROGRAM, NSM_PROCEDURE.MON, mon)).uint32()).toBe(1);
    const unmon = new XdrWriter().text('name').append(id);
    expect((await a.call(NSM_PROGRAM, NSM_PROCEDURE.UNMON, unmon)).int32()).toBe(1);
    expect((await a.call(NSM_PROGRAM, NSM_PROCEDURE.UNMON_ALL, id)).int32()).toBe(1);
  });

  test('any bytes are answered, or refused as garbage', async () => {
    const a = await world.host(2, { transport: 'none' });
    const calls = world
      .service()
      .programs.flatMap(({ program, procedures }) =>
        Array.from(procedures.keys(), (procedure) => ({ program, procedure })),
      );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...calls), fc.uint8Array({ maxLength: 200 }), async (call, bytes) => {
        const whole = Buffer.from(bytes.subarray(0, bytes.length & ~3));
        try {
          await a.call(call.program, call.procedure, new XdrWriter().fixed(whole));
        } catch (error) {
          expect(error).toBeInstanceOf(XdrError);
        }
      }),
      { numRuns: 500 },
    );
  });
});
