/** Clients that leave, or that never take what they asked for. */
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { head, Wire } from './wire.ts';
import { startWorld, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
  await world.alice.put('/gone');
});
afterAll(async () => {
  expect(world.errors).toEqual([]);
  await world.close();
});

/** So that the server has noticed that the client left. */
const NOTICED_MS = 300;

async function* late<T>(pieces: AsyncGenerator<T, undefined, undefined>) {
  await wait(NOTICED_MS);
  return yield* pieces;
}

test.each([100, 300, 600])(
  'an object of %i KiB is let go of, whose client left before its first piece',
  async (kib) => {
    await world.alice.put(`/gone/${kib}`, Buffer.alloc(kib << 10));
    const { objects } = world.core;
    const open = objects.open.bind(objects);
    const held = { now: 0, ever: 0 };
    const spy = vi.spyOn(objects, 'open').mockImplementation(async (args) => {
      const object = await open(args);
      held.now += 1;
      held.ever += 1;
      return {
        info: object.info,
        read: (range) => late(object.read(range)),
        readAtOnce: () => undefined,
        stream: (range) => late(object.stream(range)),
        part: (number) => object.part(number),
        parts: (page) => object.parts(page),
        close: () => {
          held.now -= 1;
          object.close();
        },
      };
    });
    const wire = new Wire(world.port);
    wire.write(head(world.alice, 'GET', `/gone/${kib}`, {}));
    await expect.poll(() => held.ever).toBe(1);
    wire.socket.destroy();
    await expect.poll(() => held.now, { timeout: 10 * NOTICED_MS }).toBe(0);
    spy.mockRestore();
  },
);

test('requests are not read without end behind one whose answer nobody takes', async () => {
  const wire = new Wire(world.port);
  wire.socket.pause();
  const many = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(1000);
  for (let sent = 0; sent < 200 && !wire.ended; sent += 1) {
    wire.write(many);
    await wait(10);
  }
  await expect.poll(() => wire.ended, { timeout: 10_000 }).toBe(true);
  expect(await world.alice.get('/gone?location')).toMatchObject({ status: 200 });
});

test('some hundred requests that were sent at once are answered, in their order', async () => {
  for (const key of ['one', 'two']) await world.alice.put(`/gone/${key}`, key);
  const wire = new Wire(world.port);
  const asked = Array.from({ length: 400 }, (_, at) => (at % 2 === 0 ? 'one' : 'two'));
  wire.write(asked.map((key) => head(world.alice, 'GET', `/gone/${key}`, {})).join(''));
  await expect.poll(() => wire.heard.match(/\r\n\r\n(one|two)/g)?.length, { timeout: 10_000 }).toBe(400);
  expect(wire.heard.match(/\r\n\r\n(one|two)/g)?.map((text) => text.trim())).toEqual(asked);
  wire.socket.destroy();
});
