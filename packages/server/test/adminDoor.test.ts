import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import pino from 'pino';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Administration } from '../src/administration/contract.ts';
import { adminListener, createAdminDoor, type ServerState } from '../src/serve/adminDoor.ts';

const TOKEN = 'token';
const authorization = `Bearer ${TOKEN}`;

/** A store with one volume, in which everything else is a bug. */
const administration: Pick<Administration, 'listVolumes' | 'createVolume'> = {
  listVolumes: async () => ({ volumes: [], truncated: false }),
  createVolume: async () => {
    throw new Error('a bug');
  },
};

function door(state: Partial<ServerState> = {}, metrics = async () => 'up 1\n') {
  return createAdminDoor({
    state: {
      phase: 'serving',
      administration: administration as Administration,
      probe: async () => undefined,
      isFull: () => false,
      lostContainers: () => 0,
      s3: 'serving',
      ...state,
    },
    token: TOKEN,
    logger: pino({ level: 'silent' }),
    metrics,
  });
}

test('who begins a request and does not end it has a descriptor for half a minute, not for ever', async () => {
  const app = door();
  onTestFinished(() => app.close());
  await app.listen({ host: '127.0.0.1', port: 0 });
  const address = app.server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const heads = ['GET /health/live HTTP/1.1\r\n', `POST /v1/volumes HTTP/1.1\r\nHost: x\r\n`];
  const body = `Authorization: ${authorization}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{`;
  const begun = performance.now();
  const ends = heads.map(async (head, index) => {
    const socket = connect(port, '127.0.0.1');
    socket.write(index === 0 ? head : head + body);
    socket.resume();
    await once(socket, 'close');
    return performance.now() - begun;
  });
  for (const tookMs of await Promise.all(ends)) expect(tookMs).toBeGreaterThan(25_000);
}, 50_000);

test('who is handed over is answered before the store closes, and nobody once the door does', async () => {
  const [asked, numbers] = [Promise.withResolvers<void>(), Promise.withResolvers<string>()];
  const listener = adminListener(
    door({}, () => {
      asked.resolve();
      return numbers.promise;
    }),
  );
  await listener.ready();
  const acceptor = createServer({ pauseOnConnect: true }, (socket) => listener.accept(socket));
  onTestFinished(() => void acceptor.close());
  await once(acceptor.listen(0, '127.0.0.1'), 'listening');
  const address = acceptor.address();
  const url = `http://127.0.0.1:${typeof address === 'object' && address?.port}/metrics`;
  const answer = fetch(url);
  await asked.promise;
  let areAnswered = false;
  const answered = listener.answered().then(() => {
    areAnswered = true;
  });
  await new Promise(setImmediate);
  expect(areAnswered).toBe(false);
  numbers.resolve('up 1\n');
  expect(await (await answer).text()).toBe('up 1\n');
  await answered;
  await listener.close();
  await expect(fetch(url)).rejects.toThrow();
});

test.each(['listens', 'is handed connections'])(
  'who does not end a request keeps no door from closing that %s',
  async (how) => {
    const listener = adminListener(door());
    const acceptor = createServer({ pauseOnConnect: true }, (socket) => listener.accept(socket));
    onTestFinished(() => void acceptor.close());
    let port: number;
    if (how === 'listens') ({ port } = await listener.listen({ host: '127.0.0.1', port: 0 }));
    else {
      await listener.ready();
      await once(acceptor.listen(0, '127.0.0.1'), 'listening');
      const address = acceptor.address();
      port = typeof address === 'object' && address !== null ? address.port : 0;
    }
    const ends = [
      'GET /metrics HTTP/1.1\r\n',
      'POST /v1 HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{',
    ].map(async (begun) => {
      const socket = connect({ host: '127.0.0.1', port }).resume();
      socket.on('error', () => undefined);
      socket.write(begun);
      await once(socket, 'close');
    });
    // The door has read it.
    await (await fetch(`http://127.0.0.1:${port}/health/live`)).text();
    const beganMs = performance.now();
    await listener.close();
    await Promise.all(ends);
    expect(performance.now() - beganMs).toBeLessThan(10_000);
  },
  40_000,
);

describe('GET /health/ready', () => {
  const ready = async (state: Partial<ServerState>) => {
    const { statusCode, body } = await door(state).inject('/health/ready');
    return [statusCode, JSON.parse(body).status];
  };

  test('while it serves and the store answers', async () => {
    expect(await ready({})).toEqual([200, 'ready']);
  });

  test('also on a full disk, and says so', async () => {
    expect(await ready({ isFull: () => true })).toEqual([200, 'full']);
  });

  test('also where containers are lost, and says how many', async () => {
    const { statusCode, body } = await door({ lostContainers: () => 3 }).inject('/health/ready');
    expect([statusCode, JSON.parse(body)]).toEqual([200, { status: 'ready', lostContainers: 3 }]);
  });

  test('not while it starts or stops, nor asks the store then', async () => {
    const probe = () => Promise.reject(new Error('not to be asked'));
    expect(await ready({ phase: 'starting', probe })).toEqual([503, 'starting']);
    expect(await ready({ phase: 'stopping', probe })).toEqual([503, 'stopping']);
    expect(await ready({ s3: 'starting', probe })).toEqual([503, 'starting']);
  });

  test('not when the store fails, or does not answer in time', async () => {
    expect(await ready({ probe: () => Promise.reject(new Error('failed')) })).toEqual([503, 'failing']);
    expect(await ready({ probe: () => new Promise(() => undefined) })).toEqual([503, 'failing']);
  });

  test('live it is all the while', async () => {
    for (const phase of ['starting', 'serving', 'stopping'] as const) {
      expect((await door({ phase }).inject('/health/live')).statusCode).toBe(200);
    }
  });
});

test('GET /metrics is answered without a token, while it starts too, until what it tells of is being closed', async () => {
  for (const phase of ['starting', 'serving'] as const) {
    const { statusCode, body } = await door({ phase }).inject('/metrics');
    expect([statusCode, body]).toEqual([200, 'up 1\n']);
  }
  expect((await door({ phase: 'stopping' }).inject('/metrics')).statusCode).toBe(503);
});

describe('/v1', () => {
  test('answers only while it serves', async () => {
    const request = { url: '/v1/volumes', headers: { authorization } };
    expect((await door().inject(request)).statusCode).toBe(200);
    const refused = await door({ phase: 'stopping' }).inject(request);
    expect(refused.statusCode).toBe(503);
    expect(refused.json()).toMatchObject({ error: { code: 'Starting', exitCode: 5 } });
  });

  test.each<[string, object, number]>([
    ['what it does not know', { name: 'a-volume', owner: 'root', colour: 'red' }, 400],
    ['what is missing', { name: 'a-volume' }, 400],
    ['a bug of ours', { name: 'a-volume', owner: 'root' }, 500],
  ])('%s is told apart', async (_name, payload, status) => {
    const url = '/v1/volumes';
    const reply = await door().inject({ method: 'POST', url, headers: { authorization }, payload });
    expect(reply.statusCode).toBe(status);
    expect(reply.json()).toMatchObject({ error: { exitCode: status === 400 ? 2 : 1 } });
  });

  test('a body that is not JSON, or too long, is the caller’s mistake', async () => {
    const post = (payload: string) =>
      door().inject({
        method: 'POST',
        url: '/v1/keys',
        headers: { authorization, 'content-type': 'application/json' },
        payload,
      });
    expect((await post('{')).statusCode).toBe(400);
    expect((await post(`{"account":"${'a'.repeat(100_000)}"}`)).statusCode).toBe(400);
  });
});
