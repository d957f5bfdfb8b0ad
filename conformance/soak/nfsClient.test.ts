/** What a server says that it may not say is a finding at once; only a call that nobody answered is unanswered. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import {
  type CallMessage,
  NFS_PROGRAM,
  opaque,
  readCall,
  replyRecord,
  takeRecord,
  WrongReply,
  words,
} from '@facet/nfs-client';
import { describe, expect, test } from 'vitest';
import { plainVersion } from './bodies.ts';
import { create, overwrite } from './files.ts';
import { Ledger } from './ledger.ts';
import { runLoad } from './load.ts';
import { NfsClient } from './nfsClient.ts';
import { clientsOf, put } from './objects.ts';
import { Random } from './random.ts';
import { PutOff, Silence, Unanswered } from './unanswered.ts';

const HOST = '127.0.0.1';
const OK = words(0);
const STALE = words(70);
const NOENT = words(2);
const JUKEBOX = words(10_008);
const NO_WCC_DATA = words(0, 0);
const VERIFIER = Buffer.from('verifier');
const FILE = Buffer.from('file');
const FOUND = Buffer.concat([OK, opaque(FILE), words(0, 0)]);
const READ_BYTES = 64 << 10;
/** It is waited for where nothing is to come. */
const SHORT_MS = 200;

type Answer = (call: CallMessage, socket: Socket) => void;

/** With these results, the status among them. */
const results =
  (...parts: readonly Buffer[]): Answer =>
  ({ xid }, socket) =>
    void socket.write(replyRecord({ xid, results: Buffer.concat(parts) }));

/** With a message of these words. */
const message =
  (...said: readonly (number | 'xid')[]): Answer =>
  ({ xid }, socket) => {
    const body = words(...said.map((word) => (word === 'xid' ? xid : word)));
    socket.write(Buffer.concat([words(0x8000_0000 | body.length), body]));
  };

const mounts = results(OK, opaque('root'), words(1, 1));
const hangsUp: Answer = (_, socket) => void socket.end();
const resets: Answer = (_, socket) => void socket.resetAndDestroy();
const saysNothing: Answer = () => undefined;

interface Small extends AsyncDisposable {
  readonly port: number;
}

/** A server that has all to say in `take`. */
async function serve(take: (socket: Socket) => void): Promise<Small> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    take(socket);
  }).listen(0, HOST);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await once(server.close(), 'close');
    },
  };
}

function serveNfs(answer: Answer, mount = mounts): Promise<Small> {
  return serve((socket) => {
    let received: Buffer = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      for (let taken = takeRecord(received); taken; taken = takeRecord(received)) {
        received = taken.rest;
        const call = readCall(taken.record);
        (call.program === NFS_PROGRAM ? answer : mount)(call, socket);
      }
    });
  });
}

type Ask = (client: NfsClient) => Promise<unknown>;

/** @returns what is thrown */
async function thrownBy(ask: Ask, answer: Answer, mount?: Answer): Promise<unknown> {
  await using server = await serveNfs(answer, mount);
  const client = new NfsClient({ host: HOST, port: server.port }, '/soak', SHORT_MS);
  try {
    return await ask(client).catch((error: unknown) => error);
  } finally {
    client.close();
  }
}

const find: Ask = (client) => client.find('name');
const make: Ask = (client) => client.create('name');
const read: Ask = (client) => client.read(FILE);
const bytes = Buffer.from('bytes');
const writeStable: Ask = (client) => client.write(FILE, { offset: 0, bytes, isStable: true });
const commit: Ask = (client) => client.commit(FILE);
const truncate: Ask = (client) => client.truncate(FILE, 1);
const rename: Ask = (client) => client.rename('from', 'to');
const remove: Ask = (client) => client.remove('name');

const data = (count: number, isEnd: number, of: Buffer): Answer =>
  results(OK, words(0, count, isEnd), opaque(of));

test('what is said as it should be is taken', async () => {
  expect(await thrownBy(find, results(FOUND))).toEqual(FILE);
  expect(await thrownBy(find, results(NOENT, words(0)))).toBeUndefined();
  expect(await thrownBy(make, results(OK, words(1), opaque(FILE), words(0, 0, 0)))).toEqual(FILE);
  expect(await thrownBy(read, data(5, 1, bytes))).toEqual(bytes);
  const written = results(OK, NO_WCC_DATA, words(5, 2), VERIFIER);
  expect(await thrownBy(writeStable, written)).toEqual({ isStable: true, verifier: VERIFIER });
  expect(await thrownBy(commit, results(OK, NO_WCC_DATA, VERIFIER))).toEqual(VERIFIER);
  expect(await thrownBy(truncate, results(OK, NO_WCC_DATA))).toBeUndefined();
  expect(await thrownBy(rename, results(OK, NO_WCC_DATA, NO_WCC_DATA))).toBeUndefined();
});

describe('a finding', () => {
  test.each<readonly [string, Ask, Answer, RegExp]>([
    ['a reply to another call', find, message(1, 1, 0, 0, 0, 0, 0), /was answered as 1$/],
    ['a call for a reply', find, message('xid', 0, 2, 100003, 3, 3), /message type 0/],
    ['a call that is denied', find, message('xid', 1, 1, 1, 1), /denied/],
    ['a call that is not done', find, message('xid', 1, 0, 0, 0, 4), /accept_stat 4/],
    ['a reply that ends in its head', find, message('xid', 1), /ends after 8 bytes/],
    ['a verifier that ends nowhere', find, message('xid', 1, 0, 0, 401), /401 bytes/],
    ['a reply without a status', find, results(), /ends after 0 bytes/],
    ['a record without an end', find, (_, socket) => void socket.write(words(0xffff_ffff)), /2097152/],
    ['a handle that ends too early', find, results(OK, words(32), FILE), /ends after/],
    ['a handle that is too long', find, results(OK, opaque(Buffer.alloc(65)), words(0, 0)), /65 bytes/],
    ['a bool of 2', find, results(OK, opaque(FILE), words(2, 0)), /bool is 2/],
    ['what follows the end', find, results(FOUND, words(0)), /4 bytes follow/],
    ['a LOOKUP that is stale', find, results(STALE, words(0)), /^LOOKUP: .* 70$/],
    ['a status that is none', find, results(words(9999), words(0)), /9999/],
    ['a CREATE without a handle', make, results(OK, words(0, 0, 0, 0)), /no handle/],
    ['a CREATE that tells of one directory too few', make, results(OK, words(1), opaque(FILE)), /ends after/],
    ['a READ with fewer bytes than it says', read, data(100, 1, bytes), /of 100 bytes/],
    ['a READ with more bytes than it says', read, data(2, 1, bytes), /5 bytes, of at most 2/],
    [
      'a READ of more than was asked',
      read,
      data(READ_BYTES + 4, 1, Buffer.alloc(READ_BYTES + 4)),
      /of 65536 asked/,
    ],
    ['a READ of nothing before the end', read, data(0, 0, Buffer.alloc(0)), /read nothing at 0/],
    ['a WRITE of fewer bytes', writeStable, results(OK, NO_WCC_DATA, words(4, 2), VERIFIER), /4 of 5 bytes/],
    ['a WRITE less stable than asked', writeStable, results(OK, NO_WCC_DATA, words(5, 0), VERIFIER), /and 0/],
    [
      'a WRITE as stable as nothing is',
      writeStable,
      results(OK, NO_WCC_DATA, words(5, 3), VERIFIER),
      /way 3/,
    ],
    ['a COMMIT without a verifier', commit, results(OK, NO_WCC_DATA), /ends after/],
    ['a RENAME that tells of one directory', rename, results(OK, NO_WCC_DATA), /ends after/],
    ['a REMOVE of what is there, as of nothing', remove, results(NOENT, NO_WCC_DATA), /^REMOVE: .* 2$/],
  ])('%s', async (_, ask, answer, why) => {
    const thrown = await thrownBy(ask, answer);
    expect(thrown).toBeInstanceOf(WrongReply);
    expect(thrown).toHaveProperty('message', expect.stringMatching(why));
  });

  test.each<readonly [string, Answer]>([
    ['refused', results(NOENT)],
    ['refused to this host', results(words(13))],
    ['answered as another call', message(2, 1, 0, 0, 0, 0, 0)],
    ['answered without a handle', results(OK)],
    ['answered with too many flavors', results(OK, opaque('root'), words(9, 1))],
    ['not known', message('xid', 1, 0, 0, 0, 1)],
  ])('a MOUNT that is %s', async (_, mount) => {
    expect(await thrownBy(find, results(FOUND), mount)).toBeInstanceOf(WrongReply);
  });
});

describe('unanswered', () => {
  const half: Answer = ({ xid }, socket) =>
    void socket.end(replyRecord({ xid, results: FOUND }).subarray(0, 20));

  test.each<readonly [string, Answer, Answer]>([
    ['a connection that ends', hangsUp, mounts],
    ['a connection that is reset', resets, mounts],
    ['a connection that ends in mid-reply', half, mounts],
    ['a connection that ends before it is mounted', results(FOUND), hangsUp],
    ['a connection that is reset before it is mounted', results(FOUND), resets],
  ])('%s', async (_, answer, mount) => {
    const thrown = await thrownBy(find, answer, mount);
    expect(thrown).toBeInstanceOf(Unanswered);
    expect(thrown).not.toBeInstanceOf(Silence);
  });

  test('a connection that is refused', async () => {
    const gone = await serveNfs(mounts);
    await gone[Symbol.asyncDispose]();
    const client = new NfsClient({ host: HOST, port: gone.port }, '/soak');
    await expect(client.find('name')).rejects.toThrow(Unanswered);
  });

  test('but not a call that is to come again', async () => {
    const thrown = await thrownBy(find, results(JUKEBOX, words(0)));
    expect(thrown).toBeInstanceOf(PutOff);
    expect(thrown).not.toBeInstanceOf(Unanswered);
  });

  test('a call that nothing comes to', async () => {
    expect(await thrownBy(find, saysNothing)).toBeInstanceOf(Silence);
    expect(await thrownBy(find, results(FOUND), saysNothing)).toBeInstanceOf(Silence);
  });
});

describe('the soak', () => {
  /** Of a server that says the same at both doors. */
  function worldOf(port: number) {
    const endpoint = { host: HOST, port };
    const credentials = { accessKeyId: 'a key', secretAccessKey: 'a secret' };
    const faults: string[] = [];
    const clients = clientsOf({ endpoint, nfsEndpoint: endpoint, credentials }, SHORT_MS);
    return { ...clients, ledger: new Ledger(), onFault: (fault: string) => void faults.push(fault), faults };
  }

  test('tells of a change that was answered wrongly, and not of one that was not answered', async () => {
    await using wrong = await serveNfs(message(1, 1, 0, 0, 0, 0, 0));
    using told = worldOf(wrong.port);
    await create(told, { op: '1', key: 'name' });
    expect(told.faults).toEqual([
      expect.stringMatching(/^NFS create of name \(1\): WrongReply: CREATE: call/),
    ]);
    expect(told.ledger.open()).toBe(1);
    await using broken = await serveNfs(resets);
    using untold = worldOf(broken.port);
    await expect(create(untold, { op: '1', key: 'name' })).rejects.toThrow(Unanswered);
    expect(untold.faults).toEqual([]);
    expect(untold.ledger.open()).toBe(1);
  });

  test('holds a server to it that what it put off was not done', async () => {
    await using busy = await serveNfs(results(JUKEBOX, NO_WCC_DATA));
    using world = worldOf(busy.port);
    await expect(create(world, { op: '1', key: 'name' })).rejects.toThrow(PutOff);
    expect([world.ledger.open(), world.ledger.certain('name'), world.faults]).toEqual([0, null, []]);
    for (const [code, thrown, open] of [
      ['SlowDown', PutOff, 0],
      ['ServiceUnavailable', Unanswered, 1],
    ] as const) {
      const body = `<Error><Code>${code}</Code></Error>`;
      const text = `HTTP/1.1 503 Service Unavailable\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
      await using unavailable = await serve((socket) => void socket.once('data', () => socket.end(text)));
      using told = worldOf(unavailable.port);
      await expect(put(told, { op: '1', key: 'name', kind: 'put', lengthBytes: 1 })).rejects.toThrow(thrown);
      expect([told.ledger.open(), told.faults]).toEqual([open, []]);
    }
  });

  test('does not know what became of a WRITE whose COMMIT was put off', async () => {
    const written = results(OK, NO_WCC_DATA, words(5, 0), VERIFIER);
    const answers: Readonly<Record<number, Answer>> = { 3: results(FOUND), 7: written };
    const putOff = results(JUKEBOX, NO_WCC_DATA);
    await using server = await serveNfs((call, socket) => (answers[call.procedure] ?? putOff)(call, socket));
    using world = worldOf(server.port);
    const of = { op: '1', key: 'name', version: plainVersion('0', 5).version, start: 0, lengthBytes: 5 };
    await expect(overwrite(world, { ...of, isStable: false })).rejects.toThrow(Unanswered);
    expect([world.ledger.open(), world.faults]).toEqual([1, []]);
  });

  /** @returns how many clients got no answer, or what was thrown */
  async function loadOf(
    take: (socket: Socket) => void,
    options: { readonly isThere: boolean; readonly until?: AbortSignal },
  ): Promise<unknown> {
    await using server = await serve(take);
    using world = worldOf(server.port);
    const load = { round: '1', clients: 1, keysEach: 6, random: new Random('small') };
    const { until = new AbortController().signal, isThere } = options;
    return await runLoad({ ...world, ...load, until, isThere: () => isThere }).catch(
      (error: unknown) => error,
    );
  }

  test('ends at silence of a server that is there, and not of one that is gone', async () => {
    expect(await loadOf(() => undefined, { isThere: true })).toBeInstanceOf(Silence);
    expect(await loadOf(() => undefined, { isThere: false })).toBe(1);
  });

  test('tries again where the connection broke', async () => {
    let tries = 0;
    const end = new AbortController();
    const take = (socket: Socket): void => {
      tries += 1;
      if (tries === 3) end.abort();
      socket.resetAndDestroy();
    };
    expect(await loadOf(take, { isThere: true, until: end.signal })).toBe(1);
    expect(tries).toBeGreaterThanOrEqual(3);
  });

  test('ends at what is no HTTP, and not at an answer that breaks off', async () => {
    const saying = (text: string) => (socket: Socket) => void socket.once('data', () => socket.end(text));
    const thrown = await loadOf(saying('HELLO\r\n\r\n'), { isThere: true });
    expect(thrown).toBeInstanceOf(Error);
    expect(thrown).not.toBeInstanceOf(Unanswered);
    for (const text of ['HTTP/1.1 20', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf']) {
      expect(await loadOf(saying(text), { isThere: false })).toBe(1);
    }
  });
});
