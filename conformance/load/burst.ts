/** A thousand clients that read as fast as they can must not keep others waiting either. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import type { Checks } from '../runner/suite.ts';
import { requestBytes, signByHeader } from '../wire/request.ts';
import { sendExpectingSuccess, signingOf } from '../wire/send.ts';
import { P99_MS_MAX, serveOrdinaryRequests } from './ordinary.ts';
import { type World, withinMemory } from './world.ts';

const CLIENTS = 1_000;
const BODY_BYTES = 8 << 20;
const ANONYMOUS_MEBIBYTES_MAX = 600;

async function burst(world: World): Promise<void> {
  const { caller, bucket, tell } = world;
  const path = `/${bucket}/read-at-once`;
  await sendExpectingSuccess(caller, { method: 'PUT', path, body: Buffer.alloc(BODY_BYTES, 'burst ') });
  const get = requestBytes(signByHeader({ path }, signingOf(caller)));
  const sockets = await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      const socket = net.connect(caller.endpoint);
      await once(socket, 'connect');
      return socket;
    }),
  );
  let receivedBytes = 0;
  for (const socket of sockets) {
    let left = BODY_BYTES;
    socket.on('data', (bytes: Buffer) => {
      receivedBytes += bytes.length;
      left -= bytes.length;
      // Heads count as well: the next request is asked a little early, which is all the same here.
      if (left > 0) return;
      left += BODY_BYTES;
      socket.write(get);
    });
    socket.on('error', () => undefined);
    socket.write(get);
  }
  const started = performance.now();
  await serveOrdinaryRequests(world);
  const seconds = (performance.now() - started) / 1000;
  for (const socket of sockets) socket.destroy();
  tell(`${CLIENTS} readers meanwhile: ${Math.round(receivedBytes / seconds / 2 ** 20)} MiB/s together`);
  assert.ok(receivedBytes > BODY_BYTES, 'the readers were not served meanwhile');
}

export const burstOfReaders: Checks<World> = {
  [`${CLIENTS} readers at once: small requests have a p99 under ${P99_MS_MAX} ms`]: (world) =>
    withinMemory(world, ANONYMOUS_MEBIBYTES_MAX, () => burst(world)),
};
