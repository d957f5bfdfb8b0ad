/** How connections over TCP end: by the client, by time, and with the server. */

import { performance } from 'node:perf_hooks';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { blob, echo, textOf } from './calls.ts';
import { HELD, start } from './world.ts';

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** For servers started after it, time passes only by what it returns: they see no moment in which we did not run. */
function stopClock(): (ms: number) => void {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  let nowMs = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
  return (ms) => {
    nowMs += ms;
    vi.advanceTimersByTime(ms);
  };
}

describe('connections', () => {
  it('half closed by the client still get their replies', async () => {
    const world = await start();
    const peer = world.connect({ allowHalfOpen: true });
    peer.call(echo(1, 'slow', HELD), echo(2, 'fast'));
    peer.socket.end();
    await peer.hear(1);
    await expect.poll(() => world.held.size).toBe(1);
    world.held.get(1)?.();
    expect(textOf((await peer.hear(2))[1])).toBe('slow');
    await peer.end();
  });

  it('reset by the client leave no trace', async () => {
    const world = await start();
    for (let i = 0; i < 20; i += 1) {
      const peer = world.connect();
      peer.call(echo(i, 'gone', HELD), blob(100, 1 << 20));
      await expect.poll(() => world.held.has(i)).toBe(true);
      peer.socket.resetAndDestroy();
      world.held.get(i)?.();
    }
    const peer = world.connect();
    peer.call(echo(1, 'here'));
    await peer.hear(1);
    expect(world.logged).toEqual([]);
  });

  it.each([
    ['idle', { idleMsMax: 60 }, Buffer.alloc(0)],
    ['within a record', { stallMsMax: 60 }, Buffer.from([0x80, 0, 1, 0, 1, 2, 3])],
    ['within a mark', { stallMsMax: 60 }, Buffer.from([0x80])],
  ])('%s for too long are ended', async (_, limits, bytes) => {
    const world = await start(limits);
    const peer = world.connect();
    peer.write(bytes);
    await peer.end();
  });

  it('that wait for us are not ended', async () => {
    const pass = stopClock();
    const world = await start({ idleMsMax: 40, stallMsMax: 40 });
    const peer = world.connect();
    peer.call(echo(1, 'in the end', HELD));
    await expect.poll(() => world.held.size).toBe(1);
    // Two that are idle come and go meanwhile.
    for (const idle of [world.connect(), world.connect()]) {
      while (!idle.isEnded) {
        pass(10);
        await new Promise(setImmediate);
      }
    }
    world.held.get(1)?.();
    expect(textOf((await peer.hear(1))[0])).toBe('in the end');
  });

  it('over the bound are closed at once', async () => {
    const world = await start({ connectionsMax: 2 });
    const kept = [world.connect(), world.connect()];
    for (const peer of kept) {
      peer.call({ xid: 1 });
      await peer.hear(1);
    }
    await world.connect().end();
    kept[0]?.call({ xid: 2 });
    await kept[0]?.hear(2);
  });

  it('are closed with the server, after what is in flight', async () => {
    const world = await start({ closeMsMax: 60_000 });
    const peer = world.connect();
    peer.call(echo(1, 'last words', HELD));
    await expect.poll(() => world.held.size).toBe(1);
    const closed = world.server.close();
    peer.call(echo(2, 'too late'));
    world.held.get(1)?.();
    expect(textOf((await peer.hear(1))[0])).toBe('last words');
    await peer.end();
    await closed;
  });

  it('are closed with the server also if what is in flight does not end', async () => {
    const world = await start({ closeMsMax: 30 });
    const peer = world.connect();
    peer.call(echo(1, 'never', HELD));
    await expect.poll(() => world.held.size).toBe(1);
    await world.server.close();
    await peer.end();
  });

  it('cannot be listened for on a port in use', async () => {
    const world = await start();
    const other = await start();
    await other.server.close();
    await expect(other.server.listen({ host: '127.0.0.1', port: world.port })).rejects.toThrow('EADDRINUSE');
  });
});
