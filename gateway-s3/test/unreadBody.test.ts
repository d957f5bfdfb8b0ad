import { expect, it, onTestFinished } from 'vitest';
import { startWorld } from './world.ts';

// The rest is more than a socket's buffers hold unread, and less than what a connection is closed for.
const REST_BYTES = 600 << 10;

it('serves the next request of a connection after a body that was refused half read', async () => {
  const world = await startWorld();
  onTestFinished(() => world.close());
  const { alice } = world;
  await alice.put('/first');
  alice.agent.maxSockets = 1;

  const refused = await alice.send({
    method: 'PUT',
    path: '/first/a',
    headers: {
      'x-amz-decoded-content-length': String(REST_BYTES),
      'x-amz-trailer': 'x-amz-checksum-crc32',
    },
    payload: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
    body: Buffer.alloc(REST_BYTES, 'z'),
  });
  expect(refused).toMatchObject({ status: 400, code: 'IncompleteBody' });
  expect(refused.headers.connection).toBe('keep-alive');

  const listed = await alice.get('/first?list-type=2');
  expect(listed).toMatchObject({ status: 200 });
  expect(listed.text).not.toContain('<Key>');
});
