import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { Connection, connectToListener, type ErrorCodec, LinkListener, type LinkPeer } from '../src/index.ts';

type Asked = {
  readonly double: { readonly params: number; readonly result: number };
  readonly echo: { readonly params: unknown; readonly result: unknown };
  readonly fail: { readonly params: string; readonly result: never };
  readonly wait: { readonly params: null; readonly result: string };
};
type Nothing = Record<never, never>;

const errors: ErrorCodec = {
  encode: (error) => ({ said: (error as Error).message }),
  decode: (encoded) => new Error((encoded as { readonly said: string }).said),
};
const lost = () => new Error('gone');
const onGarbled = (error: Error) => {
  throw error;
};

async function pair() {
  const address = `facet-test-${randomBytes(8).toString('hex')}`;
  const secret = randomBytes(32);
  const met = Promise.withResolvers<LinkPeer>();
  const listener = await LinkListener.open({ address, secret, onPeer: met.resolve });
  const name = randomBytes(16);
  const socket = await connectToListener({ address, secret, name });
  const peer = await met.promise;
  expect(peer.name).toEqual(name);
  const answering = new Connection<Asked, Nothing>({ socket: peer.socket, errors, lost, onGarbled });
  const held = Promise.withResolvers<string>();
  answering.serve({
    double: (n) => n * 2,
    echo: (value) => value,
    fail: (word) => {
      throw new Error(word);
    },
    wait: () => held.promise,
  });
  const asking = new Connection<Nothing, Asked>({ socket, errors, lost, onGarbled });
  onTestFinished(() => {
    listener.close();
    asking.destroy();
    answering.destroy();
  });
  return { address, secret, listener, asking, answering, held };
}

test('calls are answered each with its own, whatever the order', async () => {
  const { asking } = await pair();
  const answers = await Promise.all(Array.from({ length: 1000 }, (_, n) => asking.call('double', n)));
  expect(answers).toEqual(Array.from({ length: 1000 }, (_, n) => 2 * n));
});

test('bytes, great numbers and what is absent arrive as they were', async () => {
  const { asking } = await pair();
  const value = {
    bytes: randomBytes(100_000),
    time: 1_795_927_484_518_000_001n,
    sequence: 2 ** 52 + 1,
    infinite: Number.POSITIVE_INFINITY,
    absent: undefined,
    list: [{ a: 1 }, { a: 2, b: null }],
  };
  expect(await asking.call('echo', value)).toEqual(value);
});

test('a message longer than a read of the socket is put together', async () => {
  const { asking } = await pair();
  const bytes = randomBytes(5 << 20);
  expect(await asking.call('echo', bytes)).toEqual(bytes);
});

test('what a call throws is thrown where it was asked for', async () => {
  const { asking } = await pair();
  await expect(asking.call('fail', 'no such thing')).rejects.toThrow('no such thing');
});

test('who waits when the other end goes is told, and who asks afterwards', async () => {
  const { asking, answering } = await pair();
  const waiting = asking.call('wait', null);
  await asking.call('double', 1);
  answering.destroy();
  await expect(waiting).rejects.toThrow('gone');
  await asking.over;
  await expect(asking.call('double', 1)).rejects.toThrow('gone');
});

test('an end knows when all that it was asked is answered, and when all that it asked is', async () => {
  const { asking, answering, held } = await pair();
  const waiting = asking.call('wait', null);
  await asking.call('double', 1);
  let isIdle = false;
  const idle = Promise.all([answering.answered(), asking.idle()]).then(() => {
    isIdle = true;
  });
  await asking.call('double', 1);
  expect(isIdle).toBe(false);
  held.resolve('late');
  expect(await waiting).toBe('late');
  await idle;
});

test('who does not know the secret is not let in', async () => {
  const { address, listener } = await pair();
  await expect(
    connectToListener({ address, secret: randomBytes(32), name: randomBytes(16) }).then((socket) =>
      once(socket, 'close'),
    ),
  ).resolves.toBeDefined();
  const silent = connect({ path: `\0${address}` });
  await once(silent, 'connect');
  silent.destroy();
  listener.close();
});
