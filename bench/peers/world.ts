/** What a group of rows works with: one started server, and the clock and meters around what is asked of it. */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { closedLoop, type Operation } from '../load/closedLoop.ts';
import { sending } from '../load/drive.ts';
import { Meter } from '../load/meter.ts';
import { type ReadyRequest, type RequestPlan, ready } from '../load/request.ts';
import { metered } from './metered.ts';
import { BUCKET, CREDENTIALS, type Running } from './servers/server.ts';

/** How long things are done, in seconds. */
export interface Pace {
  readonly measured: number;
  readonly warmUp: number;
  /** Objects of the directory that is listed and renamed. */
  readonly directoryObjects: number;
  readonly connections: readonly number[];
}

export interface Cell {
  readonly row: string;
  readonly connections: number;
  readonly operations: number;
  readonly operationsPerSecond: number;
  readonly bytesPerSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** Of all the server's processes. */
  readonly cpuMicrosPerOperation: number;
  readonly peakAnonymousBytes: number;
  /** What the client's one thread was busy: near 1, the client is what was measured. */
  readonly clientBusy: number;
  /** Cache flushes that the disk was asked for, by whomever, an operation. */
  readonly flushesPerOperation: number;
  /** Fewer were done than the row says, and the time is scaled. */
  readonly scaled?: true;
}

/** Of objects. */
export interface Size {
  readonly name: string;
  readonly bytes: number;
}

export interface DiskUse {
  /** So many were put. */
  readonly objects: number;
  /** Allocated on the disk for each byte that was put, with the room that the server keeps in advance. */
  readonly bytesPerByte: number;
}

/** Where results go as they come. */
export interface Sink {
  cell(cell: Cell): void;
  /** @param size of objects, in words */
  disk(size: string, use: DiskUse): void;
}

/** Prepared before the clock starts, so that signing is not measured: not more than these. */
const PREPARED_MAX = 120_000;
const PREPARED_MIN = 200;
/** Over what the pace of the warm-up lets expect. */
const PREPARED_MARGIN = 1.6;

export class World {
  readonly running: Running;
  readonly pace: Pace;
  readonly folder: string;
  readonly #meter: Meter;
  readonly #sink: Sink;

  /** @param place its folder, all of which counts as disk use */
  constructor(place: { readonly running: Running; readonly folder: string }, pace: Pace, sink: Sink) {
    this.running = place.running;
    this.pace = pace;
    this.folder = place.folder;
    this.#meter = new Meter(place.running.pid);
    this.#sink = sink;
  }

  stop(): void {
    this.#meter.stop();
  }

  ready(plan: RequestPlan): ReadyRequest {
    return ready(this.running.endpoint, { ...plan, path: `/${BUCKET}${plan.path}` }, CREDENTIALS);
  }

  copy(from: string, to: string): ReadyRequest {
    const headers = { 'X-Amz-Copy-Source': `/${BUCKET}${from}` };
    return this.ready({ method: 'PUT', path: to, headers, body: Buffer.alloc(0) });
  }

  /** Of a plan a number. @param operationsPerSecond that are to be expected */
  prepare(plan: (at: number) => RequestPlan, operationsPerSecond: number): ReadyRequest[] {
    const wanted = operationsPerSecond * this.pace.measured * PREPARED_MARGIN;
    const count = Math.ceil(Math.min(PREPARED_MAX, Math.max(PREPARED_MIN, wanted)));
    return Array.from({ length: count }, (_, at) => this.ready(plan(at)));
  }

  /** Not measured: how many a second there were. */
  async warmUp(requests: readonly ReadyRequest[], connections: number): Promise<number> {
    const { endpoint } = this.running;
    const next = once(requests);
    const done = await closedLoop({ endpoint, connections, next, secondsMax: this.pace.warmUp });
    return done.operations / done.seconds;
  }

  async all(requests: readonly ReadyRequest[], connections: number): Promise<void> {
    const { endpoint } = this.running;
    await closedLoop({ endpoint, connections, next: once(requests), secondsMax: Number.POSITIVE_INFINITY });
  }

  async measure(
    row: string,
    connections: number,
    next: () => Operation | undefined,
    secondsMax = this.pace.measured,
  ): Promise<Cell> {
    const { endpoint } = this.running;
    const loop = () => closedLoop({ endpoint, connections, next, secondsMax });
    return { row, connections, ...(await metered(this.#meter, loop)) };
  }

  /** Tells of a cell that counts. */
  tell(cell: Cell): void {
    this.#sink.cell(cell);
  }

  /** What `put` takes on the disk, which puts so many objects. */
  async diskUse(size: Size, objects: number, put: () => Promise<void>): Promise<void> {
    const before = await allocatedBytes(this.folder);
    await put();
    const taken = (await allocatedBytes(this.folder)) - before;
    this.#sink.disk(size.name, { objects, bytesPerByte: taken / (objects * size.bytes) });
  }
}

/** Each once. */
export function once(requests: readonly ReadyRequest[]): () => Operation | undefined {
  const left = requests.values();
  return () => {
    const request = left.next().value;
    return request && sending(request);
  };
}

/** Round and round. */
export function again(operations: readonly Operation[]): () => Operation | undefined {
  let at = 0;
  return () => {
    const operation = operations[at % operations.length];
    at += 1;
    return operation;
  };
}

/** After what is only in the page cache has found its place. */
async function allocatedBytes(folder: string): Promise<number> {
  const run = promisify(execFile);
  await run('sync', ['-f', folder]);
  const { stdout } = await run('du', ['--summarize', '--block-size=1', folder]);
  return Number.parseInt(stdout, 10);
}
