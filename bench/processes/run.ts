/**
 * `npm run bench:processes`: small objects served by one process and by several, on the same cores.
 *
 *   --rounds N          how often each is measured, in turns (default 3)
 *   --workers N,N       numbers of workers to measure; 0: one process serves everything (default 0,1,2)
 *   --connections N,N   how many requests are under way at once (default 1,16,64)
 *   --seconds N         of each measurement (default 5)
 *   --data DIR          where the servers keep their data: the disk that is measured
 *
 * Each figure is the middle of the rounds. Server and client share the machine's cores. CPU time is that of all processes
 * of the server. What the figures cannot show: a network, and cores that nobody else uses.
 */

import { randomBytes } from 'node:crypto';
import { cpus } from 'node:os';
import { closedLoop } from '../load/closedLoop.ts';
import { drive, sending } from '../load/drive.ts';
import { optionsOf } from '../load/options.ts';
import { ALL_CORES } from '../load/process.ts';
import { type ReadyRequest, type RequestPlan, ready } from '../load/request.ts';
import { median, printTable } from '../s3/report.ts';
import { CREATE_BUCKET } from '../s3/scenarios.ts';
import { type Subject, startFacet } from '../s3/servers.ts';

const values = optionsOf(import.meta, {
  rounds: { type: 'string', default: '3' },
  workers: { type: 'string', default: '0,1,2' },
  connections: { type: 'string', default: '1,16,64' },
  seconds: { type: 'string', default: '5' },
  data: { type: 'string' },
});
const numbers = (text: string): readonly number[] => text.split(',').map(Number);
const ROUNDS = Number(values.rounds);
const SECONDS = Number(values.seconds);
const CONNECTIONS = numbers(values.connections);
const BODY = randomBytes(4096);
const KEYS = 10_000;
/** V8 compiles for some ten thousand requests before a server is at its pace. */
const WARM_UP_ROUNDS = 2;
const WARM_UP_CONNECTIONS = 64;

const path = (at: number): string => `/bench/${String(at % KEYS).padStart(6, '0')}`;
const put = (at: number): RequestPlan => ({ method: 'PUT', path: path(at), body: BODY });
const get = (at: number): RequestPlan => ({ method: 'GET', path: path(at) });

/** What is asked, by the number of the request. */
const KINDS: Readonly<Record<string, (at: number) => RequestPlan>> = {
  PUT: put,
  GET: get,
  'a PUT and two GETs': (at) => (at % 3 === 0 ? put(at) : get(at * 7919)),
};

interface Measured {
  readonly perSecond: number;
  readonly p99: number;
  readonly cpuMicros: number;
}

async function measure(
  subject: Subject,
  requests: readonly ReadyRequest[],
  connections: number,
): Promise<Measured> {
  let asked = 0;
  const next = () => {
    const request = requests[asked % requests.length];
    asked += 1;
    return request && sending(request);
  };
  const before = subject.server.usage().cpuSeconds;
  const { endpoint } = subject;
  const { operations, seconds, p99 } = await closedLoop({ endpoint, connections, next, secondsMax: SECONDS });
  const cpuSeconds = subject.server.usage().cpuSeconds - before;
  return { perSecond: operations / seconds, p99, cpuMicros: (cpuSeconds * 1e6) / operations };
}

/** By what is asked, and at how many connections. */
async function round(workers: number): Promise<ReadonlyMap<string, Measured>> {
  const subject = await startFacet(values.data, { cores: ALL_CORES, workers });
  try {
    const readyOnes = (plans: readonly RequestPlan[]) =>
      plans.map((plan) => ready(subject.endpoint, plan, subject.credentials));
    const all = Array.from({ length: KEYS }, (_, at) => at);
    await drive(subject.endpoint, readyOnes([CREATE_BUCKET]), 1);
    for (let times = 0; times < WARM_UP_ROUNDS; times += 1) {
      for (const plan of [put, get]) {
        await drive(subject.endpoint, readyOnes(all.map(plan)), WARM_UP_CONNECTIONS);
      }
    }
    const found = new Map<string, Measured>();
    for (const [kind, plan] of Object.entries(KINDS)) {
      const requests = readyOnes(all.map(plan));
      for (const connections of CONNECTIONS) {
        found.set(row(kind, connections), await measure(subject, requests, connections));
      }
    }
    return found;
  } finally {
    await subject.stop();
  }
}

const row = (kind: string, connections: number): string => `${kind}, ×${connections}`;
const nameOf = (workers: number): string =>
  workers === 0 ? 'one process' : `${workers} worker${workers === 1 ? '' : 's'}`;

process.stdout.write(
  `node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}, 4 KiB, ${ROUNDS} rounds\n` +
    'requests a second (p99 in ms, CPU of the server in µs a request)\n\n',
);
const configurations = numbers(values.workers);
const rounds = new Map<number, ReadonlyMap<string, Measured>[]>(configurations.map((n) => [n, []]));
for (let at = 0; at < ROUNDS; at += 1) {
  for (const workers of configurations) rounds.get(workers)?.push(await round(workers));
}
printTable(
  Object.keys(KINDS).flatMap((kind) =>
    CONNECTIONS.map((connections) => {
      const name = row(kind, connections);
      const cells = configurations.map((workers) => {
        const measured = (rounds.get(workers) ?? []).flatMap((found) => found.get(name) ?? []);
        const of = (pick: (one: Measured) => number) => median(measured.map(pick));
        const [perSecond, p99, cpu] = [of((m) => m.perSecond), of((m) => m.p99), of((m) => m.cpuMicros)];
        return [nameOf(workers), `${perSecond.toFixed(0)} (${p99.toFixed(1)}, ${cpu.toFixed(0)})`];
      });
      return { asked: name, ...Object.fromEntries(cells) };
    }),
  ),
);
