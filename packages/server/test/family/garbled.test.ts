/** Processes of one server, each with a stranger at the other end of its link who knows the secret. */

import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  Connection,
  connectToListener,
  type Handlers,
  LinkListener,
  type LinkPeer,
  SharedWords,
} from '@facet/link';
import { expect, onTestFinished, test } from 'vitest';
import type { OpeningCalls } from '../../src/serve/family/protocol/messages.ts';
import { resolveServeSettings } from '../../src/settings/settings.ts';
import { openStoreLock } from '../../src/store/lock.ts';
import { serve, stop, temporaryDirectory } from '../facetProcess.ts';

const CHILD = fileURLToPath(new URL('../../bundle/child.js', import.meta.url));

/** Started as a supervisor does. */
function startChild(data: string, start: object) {
  const lock = openStoreLock(join(data, 'LOCK'));
  expect(lock.tryLock('owner', 'exclusive')).toBe(true);
  const words = SharedWords.make();
  const child: ChildProcess = fork(CHILD, {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc', lock.fd, words.fd],
  });
  const meeting = { address: `facet-test-${randomBytes(8).toString('hex')}`, secret: randomBytes(32) };
  let log = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });
  const ended = once(child, 'exit');
  onTestFinished(() => {
    child.kill('SIGKILL');
    lock.close();
  });
  const ports = { s3: '127.0.0.1:0', admin: '127.0.0.1:0', nfs: 'off' };
  child.send({
    kind: 'start',
    settings: resolveServeSettings({ flags: { data, ...ports }, environment: {} }),
    meeting: { address: meeting.address, secret: meeting.secret.toString('hex') },
    graceMs: 1000,
    ...start,
  });
  const says = async (kind: string): Promise<void> => {
    for (;;) {
      const [message] = await once(child, 'message');
      expect(message).not.toMatchObject({ kind: 'failed' });
      if (message.kind === kind) return;
    }
  };
  return { child, meeting, says, ended, log: () => log };
}

async function madeStore(): Promise<string> {
  const data = temporaryDirectory();
  await stop(await serve({ data, flags: ['--nfs', 'off'] }));
  return data;
}

/** What of a store's process a worker needs to serve. */
function holdsStill(socket: Socket, answers: Partial<Handlers<OpeningCalls>> = {}): void {
  new Connection<OpeningCalls, Record<never, never>>({
    socket,
    errors: { encode: String, decode: (encoded) => new Error(String(encoded)) },
    lost: () => new Error('gone'),
    onGarbled: () => undefined,
  }).serve({ holdStill: () => null, goOn: () => null, ...answers });
}

/** A message of two bytes that is none. */
const GARBAGE = Buffer.from('02000000c1c1', 'hex');

test('garbage from a worker ends its connection to the store, and no other, nor the store', async () => {
  const { child, meeting, says, log } = startChild(await madeStore(), { role: 'store', running: [] });
  await says('ready');
  const joined = async () => {
    const name = randomBytes(16);
    child.send({ kind: 'expect', instance: name.toString('hex'), role: 's3' });
    await says('expected');
    return { name, socket: await connectToListener({ ...meeting, name }) };
  };
  const honest = await joined();
  const worker = new Connection<Record<never, never>, { settle: { params: null; result: null } }>({
    socket: honest.socket,
    errors: { encode: String, decode: (encoded) => new Error(String(encoded)) },
    lost: () => new Error('gone'),
    onGarbled: (error) => {
      throw error;
    },
  });
  worker.serve({});
  expect(await worker.call('settle', null)).toBe(null);
  const { name, socket } = await joined();
  socket.resume().write(GARBAGE);
  await once(socket, 'close');
  await expect.poll(log).toContain('what a worker sent is no message: its connection ends');
  expect(log()).toContain(name.toString('hex'));
  expect(await worker.call('settle', null)).toBe(null);
  const strangers = await connectToListener({ ...meeting, name: randomBytes(16) });
  await once(strangers.resume(), 'close');
  expect(await worker.call('settle', null)).toBe(null);
  child.send({ kind: 'stop' });
});

test('a worker that is cut off from a store that is there ends, for another to take its place', async () => {
  const data = await madeStore();
  const instance = randomBytes(16).toString('hex');
  const { meeting, says, ended, log } = startChild(data, { role: 's3', name: 's3-1', instance });
  const met = Promise.withResolvers<Socket>();
  const onPeer = ({ socket }: LinkPeer): void => {
    holdsStill(socket);
    met.resolve(socket);
  };
  const listener = await LinkListener.open({ ...meeting, onPeer });
  onTestFinished(() => listener.close());
  await says('ready');
  (await met.promise).write(GARBAGE);
  expect(await ended).toEqual([1, null]);
  expect(log()).toMatch(
    /what the process of the store sent is no message[\s\S]*the store is there, and the connection to its process is not/,
  );
});

test('a worker whose store went away waits for it', async () => {
  const data = await madeStore();
  const instance = randomBytes(16).toString('hex');
  const { child, meeting, says, log } = startChild(data, { role: 's3', name: 's3-1', instance });
  const sockets: Socket[] = [];
  const onPeer = ({ socket }: LinkPeer): void => {
    holdsStill(socket);
    sockets.push(socket);
  };
  const listener = await LinkListener.open({ ...meeting, onPeer });
  onTestFinished(() => listener.close());
  await says('ready');
  sockets[0]?.destroy();
  child.send({ kind: 'suspend' });
  await says('suspended');
  // Longer than it would have waited for that.
  await new Promise((resolve) => setTimeout(resolve, 6_000));
  child.send({ kind: 'resume' });
  await expect.poll(() => sockets.length).toBe(2);
  child.send({ kind: 'stop', idleMs: 0, withoutStore: false });
  await once(child, 'exit');
  expect([child.exitCode, log()]).toEqual([0, '']);
});

test('a worker that is told to let go before it has opened the metadata lets the store go on', async () => {
  const data = await madeStore();
  const instance = randomBytes(16).toString('hex');
  const { child, meeting, says, log } = startChild(data, { role: 's3', name: 's3-1', instance });
  const [asked, held] = [Promise.withResolvers<void>(), Promise.withResolvers<null>()];
  let [openings, wentOn] = [0, 0];
  const holdStill = (): Promise<null> | null => {
    openings += 1;
    if (openings === 1) return null;
    asked.resolve();
    return held.promise;
  };
  const goOn = (): null => {
    wentOn += 1;
    return null;
  };
  const onPeer = ({ socket }: LinkPeer): void => holdsStill(socket, { holdStill, goOn });
  const listener = await LinkListener.open({ ...meeting, onPeer });
  onTestFinished(() => listener.close());
  await says('ready');
  child.send({ kind: 'suspend' });
  await says('suspended');
  child.send({ kind: 'resume' });
  await asked.promise;
  const suspended = says('suspended');
  child.send({ kind: 'suspend' });
  // Long enough to be heard.
  await new Promise((resolve) => setTimeout(resolve, 200));
  held.resolve(null);
  await suspended;
  await expect.poll(() => wentOn).toBe(2);
  child.send({ kind: 'stop', idleMs: 0, withoutStore: true });
  await once(child, 'exit');
  expect([child.exitCode, log()]).toEqual([0, '']);
});
