/** Sockets that are read into memory given: it rests on what Node's `onread` option does inside. */
import { once } from 'node:events';
import net, { type AddressInfo, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { afterEach, expect, it } from 'vitest';
import { readInto } from '../../src/rpc/readInto.ts';

const open: (Socket | net.Server)[] = [];
afterEach(() => {
  for (const one of open.splice(0)) {
    if (one instanceof net.Server) one.close();
    else one.destroy();
  }
});

async function connected(): Promise<{ readonly accepted: Socket; readonly client: Socket }> {
  const server = net.createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = net.connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [accepted]: Socket[] = await once(server, 'connection');
  if (!accepted) throw new Error('no connection came');
  open.push(server, client, accepted);
  return { accepted, client };
}

it('all sockets are read into the same memory', async () => {
  const memories = new Set<ArrayBufferLike>();
  for (const text of ['one', 'two']) {
    const { accepted, client } = await connected();
    const heard = new Promise<string>((resolve) => {
      readInto(accepted, (chunk) => {
        memories.add(chunk.buffer);
        resolve(`${chunk}`);
      });
    });
    client.write(text);
    expect(await heard).toBe(text);
  }
  expect(memories.size).toBe(1);
});

it('a socket that pauses is not read from until it resumes; its end is told', async () => {
  const { accepted, client } = await connected();
  let heard = '';
  const first = new Promise<void>((resolve) => {
    readInto(accepted, (chunk) => {
      heard += chunk;
      if (heard === 'a') accepted.pause();
      resolve();
    });
  });
  client.write('a');
  await first;
  client.end('b');
  await once(client, 'finish');
  // What was written first here is heard there later than it could hear the other.
  accepted.write('c');
  await once(client, 'data');
  expect(heard).toBe('a');
  const ended = once(accepted, 'end');
  accepted.resume();
  await ended;
  expect(heard).toBe('ab');
});

it('a socket of another making is listened to as usual', async () => {
  const stream = new PassThrough();
  const heard = new Promise<string>((resolve) => {
    readInto(stream as unknown as Socket, (chunk) => resolve(`${chunk}`));
  });
  stream.write('plain');
  expect(await heard).toBe('plain');
});
