import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { Distributor, type Taker } from '../../src/serve/family/supervisor/distributor.ts';

async function listening() {
  const distributor = new Distributor();
  const { port } = await distributor.listen({ host: '127.0.0.1', port: 0 });
  onTestFinished(() => distributor.close());
  return { distributor, come: () => connect({ host: '127.0.0.1', port }).on('error', () => undefined) };
}

/** Takes what comes, but for so many that it refuses first. */
function takerThatRefuses(count: number) {
  const taken: Socket[] = [];
  let asked = 0;
  const taker: Taker = {
    get open() {
      return taken.length;
    },
    take: async (socket) => {
      asked += 1;
      if (asked <= count) return false;
      taken.push(socket);
      return true;
    },
  };
  onTestFinished(() => {
    for (const socket of taken) socket.destroy();
  });
  return { taker, taken };
}

test('who comes while there is nobody to take him waits', async () => {
  const { distributor, come } = await listening();
  await once(come(), 'connect');
  const { taker, taken } = takerThatRefuses(0);
  distributor.takers = [taker];
  await expect.poll(() => taken.length).toBe(1);
});

test('one that was not taken is tried again, though takers are the same', async () => {
  const { distributor, come } = await listening();
  const { taker, taken } = takerThatRefuses(3);
  distributor.takers = [taker];
  await once(come(), 'connect');
  await expect.poll(() => taken.length, { timeout: 10_000 }).toBe(1);
});

test('one that nobody takes is turned away, and does not wait for ever', async () => {
  const { distributor, come } = await listening();
  const { taker, taken } = takerThatRefuses(Number.POSITIVE_INFINITY);
  distributor.takers = [taker];
  const client = come().resume();
  await once(client, 'close', { signal: AbortSignal.timeout(10_000) });
  expect(taken).toEqual([]);
});

test('who comes goes to the one with the fewest, and of several to the first', async () => {
  const { distributor, come } = await listening();
  const [one, other] = [takerThatRefuses(0), takerThatRefuses(0)];
  distributor.takers = [one.taker, other.taker];
  for (const [ofOne, ofOther] of [
    [1, 0],
    [1, 1],
    [2, 1],
    [2, 2],
  ]) {
    await once(come(), 'connect');
    await expect.poll(() => [one.taken.length, other.taken.length]).toEqual([ofOne, ofOther]);
  }
  other.taken.splice(0);
  await once(come(), 'connect');
  await expect.poll(() => [one.taken.length, other.taken.length]).toEqual([2, 1]);
});
