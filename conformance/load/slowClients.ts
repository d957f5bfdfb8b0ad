/** A thousand clients that take their time must not take anybody else's. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import type { Checks } from '../runner/suite.ts';
import { Connection } from '../wire/connection.ts';
import { requestBytes, signByHeader } from '../wire/request.ts';
import { sendExpectingSuccess, signingOf, textsOf } from '../wire/send.ts';
import { P99_MS_MAX, serveOrdinaryRequests } from './ordinary.ts';
import { type World, withinMemory } from './world.ts';

const CLIENTS = 1_000;
const TICK_MS = 5;
const CLIENTS_A_TICK = 10;
const WRITTEN_BYTES = 64 << 10;
const TRICKLE_BYTES = 64;
const READ_BYTES = 8 << 20;
const FINISHING_READERS = 10;
const WITHIN_MS = 120_000;
/** The server itself, what it keeps of each connection, and for each reader a piece of the object. */
const ANONYMOUS_MEBIBYTES_MAX = 300;

/** Calls `touch` for a few clients a tick, all in turn, until `work` is done. */
async function meanwhile(
  clients: number,
  touch: (client: number) => void,
  work: () => Promise<void>,
): Promise<void> {
  let next = 0;
  const timer = setInterval(() => {
    for (let count = 0; count < CLIENTS_A_TICK; count++) {
      touch(next % clients);
      next += 1;
    }
  }, TICK_MS);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
}

const bodyOf = (client: number): Buffer => Buffer.alloc(WRITTEN_BYTES, `${client} `);

async function slowWriters(world: World): Promise<void> {
  const { caller, bucket } = world;
  const writers = await Promise.all(Array.from({ length: CLIENTS }, () => Connection.open(caller.endpoint)));
  const requests = writers.map((_, client) => {
    const ask = { method: 'PUT', path: `/${bucket}/slow/${client}`, body: bodyOf(client) };
    return requestBytes(signByHeader(ask, signingOf(caller)));
  });
  const written = requests.map((bytes) => bytes.length - WRITTEN_BYTES);
  for (const [client, writer] of writers.entries()) {
    writer.write(requests[client]?.subarray(0, written[client]) ?? Buffer.alloc(0));
  }
  const trickle = (client: number): void => {
    const from = written[client] ?? 0;
    const to = Math.min(from + TRICKLE_BYTES, (requests[client]?.length ?? 0) - 1);
    writers[client]?.write(requests[client]?.subarray(from, to) ?? Buffer.alloc(0));
    written[client] = to;
  };
  await meanwhile(CLIENTS, trickle, () => serveOrdinaryRequests(world));
  const answers = await Promise.all(
    writers.map((writer, client) => {
      writer.write(requests[client]?.subarray(written[client]) ?? Buffer.alloc(0));
      return writer.answer({ method: 'PUT', withinMs: WITHIN_MS });
    }),
  );
  for (const writer of writers) writer.destroy();
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
  const listed = await sendExpectingSuccess(caller, { path: `/${bucket}?list-type=2&prefix=slow/` });
  assert.equal(textsOf(listed.text, 'Key').length, CLIENTS);
  const { body } = await sendExpectingSuccess(caller, { path: `/${bucket}/slow/777` });
  assert.deepEqual(body, bodyOf(777));
}

/** Reads nothing until it is told to, and then what one read gives. */
class SlowReader {
  readonly socket: net.Socket;
  readonly #pieces: Buffer[] = [];
  readonly #keep: boolean;

  constructor(socket: net.Socket, options: { readonly keep: boolean }) {
    this.socket = socket;
    this.#keep = options.keep;
    // With a listener for `readable` a socket does not flow by itself.
    socket.on('readable', () => undefined);
    socket.on('error', () => undefined);
  }

  /** Resolves when the first bytes are here. */
  async begun(): Promise<void> {
    if (this.socket.readableLength === 0) await once(this.socket, 'readable');
  }

  readOnce(): void {
    const piece: Buffer | null = this.socket.read();
    if (piece !== null && this.#keep) this.#pieces.push(piece);
  }

  /** Reads on, fast, until the server closes. */
  async rest(): Promise<Buffer> {
    for await (const piece of this.socket) this.#pieces.push(piece);
    return Buffer.concat(this.#pieces);
  }
}

async function slowReaders(world: World): Promise<void> {
  const { caller, bucket } = world;
  const path = `/${bucket}/read-slowly`;
  const body = Buffer.alloc(READ_BYTES, 'slow reader ');
  await sendExpectingSuccess(caller, { method: 'PUT', path, body });
  const get = requestBytes(signByHeader({ path, headers: [['Connection', 'close']] }, signingOf(caller)));
  const readers = await Promise.all(
    Array.from({ length: CLIENTS }, async (_, client) => {
      const socket = net.connect(caller.endpoint);
      await once(socket, 'connect');
      return new SlowReader(socket, { keep: client < FINISHING_READERS });
    }),
  );
  for (const { socket } of readers) socket.write(get);
  // From when each of them is being served: before that they are a thousand ordinary requests.
  await Promise.all(readers.map((reader) => reader.begun()));
  await meanwhile(
    CLIENTS,
    (client) => readers[client]?.readOnce(),
    () => serveOrdinaryRequests(world),
  );
  for (const { socket } of readers.slice(FINISHING_READERS)) socket.destroy();
  for (const reader of readers.slice(0, FINISHING_READERS)) {
    const answer = await reader.rest();
    assert.deepEqual(answer.subarray(answer.indexOf('\r\n\r\n') + 4), body);
  }
}

export const slowClients: Checks<World> = {
  [`${CLIENTS} slow writers: small requests have a p99 under ${P99_MS_MAX} ms`]: (world) =>
    withinMemory(world, ANONYMOUS_MEBIBYTES_MAX, () => slowWriters(world)),
  [`${CLIENTS} slow readers: small requests have a p99 under ${P99_MS_MAX} ms`]: (world) =>
    withinMemory(world, ANONYMOUS_MEBIBYTES_MAX, () => slowReaders(world)),
};
