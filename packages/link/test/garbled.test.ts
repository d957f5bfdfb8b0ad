/** What comes over a link of somebody who knew the secret, and is nothing that the other process sends. */

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { Packr } from 'msgpackr';
import { expect, onTestFinished, test } from 'vitest';
import { FrameReader } from '../src/frames.ts';
import { Connection, connectToListener, type ErrorCodec, LinkListener } from '../src/index.ts';

type Asked = { readonly double: { readonly params: number; readonly result: number } };
type AskedBack = { readonly wait: { readonly params: null; readonly result: string } };

const errors: ErrorCodec = {
  encode: (error) => ({ said: (error as Error).message }),
  decode: (encoded) => new Error((encoded as { readonly said: string }).said),
};
const lost = () => new Error('gone');

/** Answers whoever comes. */
async function listen() {
  const address = `facet-test-${randomBytes(8).toString('hex')}`;
  const secret = randomBytes(32);
  const garbled: string[] = [];
  const connections: Connection<Asked, AskedBack>[] = [];
  const listener = await LinkListener.open({
    address,
    secret,
    onPeer: ({ socket }) => {
      const onGarbled = ({ message }: Error) => garbled.push(message);
      const connection = new Connection<Asked, AskedBack>({ socket, errors, lost, onGarbled });
      connection.serve({ double: (n) => 2 * n });
      connections.push(connection);
    },
  });
  const join = async (): Promise<Socket> => {
    const socket = await connectToListener({ address, secret, name: randomBytes(16) });
    // What it is reset by: something of what it sent was not read.
    socket.on('error', () => undefined);
    onTestFinished(() => void socket.destroy());
    return socket;
  };
  onTestFinished(() => listener.close());
  const onGarbled = (error: Error) => {
    throw error;
  };
  const honest = new Connection<AskedBack, Asked>({ socket: await join(), errors, lost, onGarbled });
  expect(await honest.call('double', 1)).toBe(2);
  return { address, secret, garbled, connections, join, honest };
}

const pack = (value: unknown): Buffer => new Packr({ moreTypes: true, useRecords: true }).pack(value);

function frame(...payload: readonly Buffer[]): Buffer {
  const bytes = Buffer.concat(payload);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  return Buffer.concat([length, bytes]);
}

const call = (id: number, n: number): Buffer => frame(pack([0, id, 'double', n]));

/** However that comes about. */
const closed = (socket: Socket): Promise<void> =>
  new Promise((resolve) => socket.once('close', () => resolve()));

/** The next so many messages. */
async function heard(socket: Socket, count: number): Promise<readonly unknown[]> {
  const reader = new FrameReader();
  const messages: unknown[] = [];
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    messages.push(...reader.push(chunk));
    if (messages.length >= count) break;
  }
  return messages;
}

test.each<[string, Buffer, RegExp]>([
  ['a length that nobody sends', Buffer.of(0xff, 0xff, 0xff, 0xff), /a message of 4294967295 bytes/],
  ['HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n'), /a message of \d+ bytes/],
  ['no MessagePack', frame(Buffer.of(0xc1)), /./],
  ['nothing', frame(), /./],
  ['half a message', frame(pack([0, 1, 'double', 'a text']).subarray(0, -3)), /./],
  ['more than a message', frame(pack([0, 1, 'double', 2]), pack(2)), /./],
  ['nothing of anything', frame(Buffer.from('dd7fffffff', 'hex')), /./],
  ['an array in an array, and so on', frame(Buffer.alloc(1 << 20, 0x91), pack(1)), /./],
  ...[
    null,
    undefined,
    7,
    'text',
    { kind: 0, id: 1 },
    [],
    [0],
    [0, 1],
    [0, 1, 2, 3],
    [0, '1', 'double', 2],
    [0, 1.5, 'double', 2],
    ['0', 1, 'double', 2],
    [3, 1, 'double', 2],
    [-1, 1, null],
  ].map((value): [string, Buffer, RegExp] => [
    JSON.stringify(value) ?? 'undefined',
    frame(pack(value)),
    /^a value that is no message$/,
  ]),
  ['an answer that nobody waits for', frame(pack([1, 9, null])), /call 9, which nobody waits for/],
  ['a refusal that nobody waits for', frame(pack([2, 9, null])), /call 9, which nobody waits for/],
])('%s ends its connection, is told once, and nobody else notices', async (_name, bytes, said) => {
  const { garbled, join, honest } = await listen();
  const socket = await join();
  socket.write(Buffer.concat([bytes, bytes, call(1, 2)]));
  await closed(socket.resume());
  expect(garbled).toEqual([expect.stringMatching(said)]);
  expect(await honest.call('double', 21)).toBe(42);
});

test('a refusal that is none ends the connection, and who waits for it is told', async () => {
  const { garbled, connections, join } = await listen();
  const socket = await join();
  await expect.poll(() => connections.length).toBe(2);
  const waiting = connections[1]?.call('wait', null);
  expect(await heard(socket, 1)).toEqual([[0, 1, 'wait', null]]);
  socket.write(frame(pack([2, 1, null])));
  await expect(waiting).rejects.toThrow('gone');
  expect(garbled).toHaveLength(1);
});

test('a call that there is not is refused, whatever objects have by that name', async () => {
  const { garbled, join } = await listen();
  const socket = await join();
  const names = ['halve', 'toString', 'constructor', '__proto__'];
  socket.write(Buffer.concat(names.map((name, id) => frame(pack([0, id, name, null])))));
  expect(await heard(socket, names.length)).toEqual(
    names.map((name, id) => [2, id, { said: `there is no call ${name}` }]),
  );
  socket.write(call(9, 2));
  expect(await heard(socket, 1)).toEqual([[1, 9, 4]]);
  expect(garbled).toEqual([]);
});

test('what is cut at any byte is put together, the secret too', async () => {
  const { address, secret, garbled } = await listen();
  const sent = Buffer.concat([secret, randomBytes(16), call(1, 2), call(2, 300)]);
  const { connect } = await import('node:net');
  const ask = async (pieces: readonly Buffer[]) => {
    const socket = connect({ path: `\0${address}` });
    onTestFinished(() => void socket.destroy());
    await once(socket, 'connect');
    const answers = heard(socket, 2);
    for (const piece of pieces) {
      socket.write(piece);
      await turn();
    }
    expect(await answers).toEqual([
      [1, 1, 4],
      [1, 2, 600],
    ]);
    socket.destroy();
  };
  for (let cut = 1; cut < sent.length; cut += 1) await ask([sent.subarray(0, cut), sent.subarray(cut)]);
  await ask(Array.from(sent, (byte) => Buffer.of(byte)));
  expect(garbled).toEqual([]);
});

test('of bytes that are turned at random nobody else notices', async () => {
  const { join, honest, garbled } = await listen();
  const whole = Buffer.concat([call(1, 2), frame(pack([0, 2, 'double', { a: [1, 'x'], b: new Date(0) }]))]);
  for (let round = 0; round < 300; round += 1) {
    const turned = Buffer.from(whole);
    for (let count = 0; count < 3; count += 1)
      turned.writeUInt8(randomBytes(1)[0] ?? 0, (round * 7 + count * 11) % whole.length);
    const socket = await join();
    // A length that is too long waits for what does not come: until the other end is gone.
    socket.resume().end(turned);
    await closed(socket);
  }
  expect(garbled.length).toBeGreaterThan(0);
  expect(await honest.call('double', 21)).toBe(42);
});
