/** Who asks a door of the store's process while that is replaced waits, and is answered by the next one. */

import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { serve, stop, temporaryDirectory } from '../facetProcess.ts';
import { NfsClient } from '../nfsClient.ts';
import { childrenOf, FLAGS } from './processes.ts';

const PORTMAP = { program: 100_000, version: 2 };
/** A process that was asked just before it closes its store says so. */
const METRICS = /^200 [\s\S]*^process_resident_memory_bytes|^503 {"status":"stopping"}$/m;
/** One that waits for longer was forgotten. */
const ANSWER_MS_MAX = 30_000;

/** Asks again and again, each time on a connection of its own, until told to stop. */
class Poller {
  answered = 0;
  /** What was answered otherwise than it is to be, and codes of errors. */
  readonly failures: unknown[] = [];
  #goesOn = true;
  readonly #done: Promise<void>;

  /** @param ask resolves with what is wrong with the answer, if anything is */
  constructor(ask: () => Promise<unknown>) {
    onTestFinished(() => this.stop());
    this.#done = this.#run(ask);
  }

  async #run(ask: () => Promise<unknown>): Promise<void> {
    for (; this.#goesOn; await delay(5)) {
      const failure = await ask().catch((error) => error.code ?? error);
      if (failure === undefined) this.answered += 1;
      else this.failures.push(failure);
    }
  }

  async stop(): Promise<void> {
    this.#goesOn = false;
    await this.#done;
  }
}

async function begin() {
  const flags = [...FLAGS, '--portmap', '127.0.0.1:0'];
  const server = await serve({ data: temporaryDirectory(), flags });
  const { admin, nfs } = server.serving;
  const portmap = nfs?.portmap;
  if (typeof portmap !== 'object') throw new Error('there is no port mapper');

  const wrongAnswer = async (path: string, right: RegExp): Promise<unknown> => {
    const signal = AbortSignal.timeout(ANSWER_MS_MAX);
    const request = get({ host: '127.0.0.1', port: admin.port, path, agent: false, signal });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const body = await text(response);
    return right.test(`${response.statusCode} ${body}`) ? undefined : [path, response.statusCode, body];
  };
  const noMapper = async (): Promise<undefined> => {
    for (let isAnswered = false; !isAnswered; ) {
      const client = await NfsClient.connect(portmap.port);
      // One that is cut off comes again, as clients of NFS do.
      isAnswered = await client.ping(PORTMAP).catch(() => false);
      client.close();
    }
  };
  const pollers = {
    live: new Poller(() => wrongAnswer('/health/live', /^200 {"status":"live"}$/)),
    metrics: new Poller(() => wrongAnswer('/metrics', METRICS)),
    portmap: new Poller(noMapper),
  };
  const all = Object.values(pollers);
  return {
    server,
    all,
    ready: () => wrongAnswer('/health/ready', /^200 {"status":"ready"}$/),
    /** Each has an answer that was asked for from now on. */
    goesOn: async () => {
      const before = all.map(({ answered }) => answered + 1);
      await expect
        .poll(() => all.every(({ answered }, n) => answered > (before[n] ?? 0)), { timeout: ANSWER_MS_MAX })
        .toBe(true);
    },
    end: () => Promise.all(all.map((poller) => poller.stop())),
  };
}

test('SIGHUP, twice: everybody is answered, and right', async () => {
  const { server, all, ready, goesOn, end } = await begin();
  for (let times = 1; times <= 2; times += 1) {
    await goesOn();
    const before = childrenOf(server).store;
    server.child.kill('SIGHUP');
    await server.wrote('stderr', new RegExp(`(every process was replaced"[\\s\\S]*){${times}}`));
    expect(childrenOf(server).store).not.toBe(before);
    expect(await ready()).toBe(undefined);
  }
  await goesOn();
  await end();
  expect(all.map(({ failures }) => failures)).toEqual([[], [], []]);
  expect((await stop(server)).code).toBe(0);
}, 60_000);

test('the store’s process is killed: nobody is refused', async () => {
  const { server, all, ready, goesOn, end } = await begin();
  await goesOn();
  process.kill(childrenOf(server).store, 'SIGKILL');
  await server.wrote('stderr', /the process of the store ended, and is started again/);
  await goesOn();
  await expect.poll(ready, { timeout: ANSWER_MS_MAX }).toBe(undefined);
  await end();
  // Who was being answered when it was killed is cut off.
  const failures = all.flatMap((poller) => poller.failures);
  expect(failures.filter((failure) => failure !== 'ECONNRESET')).toEqual([]);
  expect((await stop(server)).code).toBe(0);
}, 60_000);
