/**
 * `npm run bench:latency`: how long a GET of 4 KiB takes, by itself and beside eight large transfers, four up and four
 * down, in the same server.
 *
 *   --rounds N      how often both are measured, in turns (default 5)
 *   --size BYTES    of each large object (default 1 GiB)
 *   --rate N        GETs a second (default 200)
 *   --seconds N     of each measurement (default 10)
 *   --workers N     as for `facet serve` (default 1: that process and the store's serve S3; 0: one serves everything)
 *   --data DIR      where the server keeps its data: the disk that is measured
 *
 * With one process GETs and transfers share its event loop. With several each has its share of both: a connection goes to that
 * which has the fewest, and GETs go round as many connections as there are processes. The loop lag is that of the latest of those
 * that serve S3.
 *
 * The transfers' client has the lowest priority, so that it gives way to the server and to the one that measures; all
 * three share the machine's cores. What the figures cannot show: a network, clients slower than the server; and where
 * anything else runs beside, they show that.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Connection } from '../load/connection.ts';
import { drive } from '../load/drive.ts';
import { optionsOf } from '../load/options.ts';
import { ALL_CORES } from '../load/process.ts';
import { type ReadyRequest, ready } from '../load/request.ts';
import { median, printTable } from '../s3/report.ts';
import { type Subject, startFacet } from '../s3/servers.ts';
import { createBucket, PROBE_BYTES, PROBE_KEYS, probe } from './plan.ts';
import type { TransferOrder } from './transfers.ts';

const values = optionsOf(import.meta, {
  rounds: { type: 'string', default: '5' },
  size: { type: 'string', default: String(2 ** 30) },
  rate: { type: 'string', default: '200' },
  seconds: { type: 'string', default: '10' },
  workers: { type: 'string', default: '1' },
  data: { type: 'string' },
});
const rounds = Number(values.rounds);
const sizeBytes = Number(values.size);
const intervalMs = 1000 / Number(values.rate);
const workers = Number(values.workers);
/** A single worker shares S3 with the store's process. */
const storeServes = workers === 1;
const serving = storeServes ? 2 : Math.max(1, workers);
const samples = Number(values.seconds) * Number(values.rate);

/** How much longer the p99 may be beside the transfers. */
const RATIO_MAX = 5;
const WARM_UP_MS = 2000;
/** What the transfers leave behind is written to the disk, and given back. */
const SETTLE_MS = 4000;

interface Measured {
  readonly p50: number;
  readonly p99: number;
  readonly worst: number;
  /** Milliseconds that the server's event loop was late by, 99 times of 100 and at the most. */
  readonly lag99: number;
  readonly lagMax: number;
}

/**
 * One GET every so often, each sent when its time has come even if others are still under way: one that is late does
 * not put the next off, or the worst would be measured least.
 */
async function atFixedRate(
  { endpoint }: Subject,
  requests: readonly ReadyRequest[],
): Promise<readonly number[]> {
  const idle: Connection[] = [];
  for (let at = 0; at < serving; at += 1) idle.push(await Connection.open(endpoint));
  const took: number[] = [];
  const pending = new Set<Promise<void>>();
  const began = performance.now();
  for (let at = 0; at < samples; at += 1) {
    const due = began + at * intervalMs;
    const waitMs = due - performance.now();
    if (waitMs > 0) await sleep(waitMs);
    const request = requests[at % requests.length];
    if (!request) throw new Error('no requests');
    const one = async (): Promise<void> => {
      const connection = idle.shift() ?? (await Connection.open(endpoint));
      const sent = performance.now();
      const answer = await connection.send(request);
      took.push(performance.now() - sent);
      idle.push(connection);
      if (answer.bodyBytes !== PROBE_BYTES) throw new Error(`a GET was answered ${answer.status}`);
    };
    const running: Promise<void> = one().finally(() => pending.delete(running));
    pending.add(running);
  }
  await Promise.all(pending);
  for (const connection of idle) connection.close();
  return took.sort((one, other) => one - other);
}

/** Since the look before this one. */
async function eventLoopLag({ adminPort }: Subject): Promise<[number, number]> {
  const text = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
  const of = (name: string): number => {
    const lines = new RegExp(
      `^nodejs_eventloop_lag_${name}_seconds\\{worker="(?:server|${storeServes ? 'store|' : ''}s3-\\d+)"\\} (\\S+)$`,
      'gm',
    );
    return 1000 * Math.max(...Array.from(text.matchAll(lines), ([, seconds]) => Number(seconds)));
  };
  return [of('p99'), of('max')];
}

async function measure(subject: Subject, requests: readonly ReadyRequest[]): Promise<Measured> {
  await eventLoopLag(subject);
  const took = await atFixedRate(subject, requests);
  const [lag99, lagMax] = await eventLoopLag(subject);
  const at = (share: number): number => took[Math.min(took.length - 1, Math.floor(took.length * share))] ?? 0;
  return { p50: at(0.5), p99: at(0.99), worst: at(1), lag99, lagMax };
}

function startTransfers(subject: Subject, prepare: boolean): ChildProcess {
  if (subject.credentials === undefined) throw new Error('Facet takes signed requests');
  const { endpoint, credentials } = subject;
  const script = fileURLToPath(new URL('transfers.ts', import.meta.url));
  const child = spawn('nice', ['-n', '19', process.execPath, script], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const order: TransferOrder = { endpoint, credentials, sizeBytes, prepare };
  child.stdin.write(`${JSON.stringify(order)}\n`);
  return child;
}

async function prepareObjects(subject: Subject): Promise<void> {
  const preparing = startTransfers(subject, true);
  const ended = once(preparing, 'exit');
  if (preparing.stdout) await once(preparing.stdout, 'data');
  preparing.stdin?.end();
  await ended;
}

interface Loaded extends Measured {
  readonly mebibytesPerSecond: number;
  readonly cpuMsPerMebibyte: number;
}

/** Beside the transfers, once they are at their pace. */
async function measureLoaded(subject: Subject, requests: readonly ReadyRequest[]): Promise<Loaded> {
  const transfers = startTransfers(subject, false);
  const ended = once(transfers, 'exit');
  const moved: number[] = [];
  if (transfers.stdout === null) throw new Error('the transfers say nothing');
  createInterface({ input: transfers.stdout }).on('line', (line) => moved.push(Number(line)));
  await sleep(WARM_UP_MS);
  const first = moved.length;
  const before = subject.server.usage().cpuSeconds;
  const began = performance.now();
  const measured = await measure(subject, requests);
  const seconds = (performance.now() - began) / 1000;
  const cpuSeconds = subject.server.usage().cpuSeconds - before;
  const mebibytesPerSecond = median(moved.slice(first)) / 2 ** 20;
  transfers.stdin?.end();
  await ended;
  await sleep(SETTLE_MS);
  const cpuMsPerMebibyte = (1000 * cpuSeconds) / (mebibytesPerSecond * seconds);
  return { ...measured, mebibytesPerSecond, cpuMsPerMebibyte };
}

const subject = await startFacet(values.data, { cores: ALL_CORES, workers });
try {
  const as = subject.credentials;
  const body = Buffer.alloc(PROBE_BYTES, 'small ');
  const keys = Array.from({ length: PROBE_KEYS }, (_, at) => at);
  await drive(subject.endpoint, [ready(subject.endpoint, createBucket, as)], 1);
  await drive(
    subject.endpoint,
    keys.map((at) => ready(subject.endpoint, probe(at, body), as)),
    16,
  );
  const gets = keys.map((at) => ready(subject.endpoint, probe(at), as));
  for (let times = 0; times < 20; times += 1) await drive(subject.endpoint, gets, 16);
  await prepareObjects(subject);
  const lines = [];
  for (let round = 0; round < rounds; round += 1) {
    const idle = await measure(subject, gets);
    const loaded = await measureLoaded(subject, gets);
    lines.push({ idle, loaded, ratio: loaded.p99 / idle.p99 });
  }
  const ms = (value: number): string => value.toFixed(2);
  printTable(
    lines.map(({ idle, loaded, ratio }, round) => ({
      round: round + 1,
      'idle p50 ms': ms(idle.p50),
      'idle p99': ms(idle.p99),
      'loaded p50': ms(loaded.p50),
      'loaded p99': ms(loaded.p99),
      worst: ms(loaded.worst),
      ratio: ratio.toFixed(1),
      'loop lag p99': ms(loaded.lag99),
      'lag max': ms(loaded.lagMax),
      'MiB/s': loaded.mebibytesPerSecond.toFixed(0),
      'CPU ms/MiB': ms(loaded.cpuMsPerMebibyte),
    })),
  );
  const ratio = median(lines.map((line) => line.ratio));
  process.stdout.write(`\np99 beside the transfers: ${ratio.toFixed(1)} times the idle one (median)\n`);
  process.exitCode = ratio < RATIO_MAX ? 0 : 1;
} finally {
  await subject.stop();
}
