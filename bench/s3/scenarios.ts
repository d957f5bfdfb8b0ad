/** What is asked of both servers. */

import { randomBytes } from 'node:crypto';
import type { RequestPlan } from '../load/request.ts';

const KiB = 1024;
const MiB = 1024 * KiB;

export interface Size {
  readonly name: string;
  readonly bytes: number;
  /** Operations by number of connections. */
  readonly operations: Readonly<Record<number, number>>;
}

export const CONNECTIONS = [1, 16, 64] as const;
export const SIZES: readonly Size[] = [
  { name: '4 KiB', bytes: 4 * KiB, operations: { 1: 1500, 16: 16_000, 64: 40_000 } },
  { name: '128 KiB', bytes: 128 * KiB, operations: { 1: 500, 16: 2500, 64: 3000 } },
  { name: '64 MiB', bytes: 64 * MiB, operations: { 1: 8, 16: 24, 64: 64 } },
];

export interface Scenario {
  readonly name: string;
  readonly connections: number;
  readonly plans: readonly RequestPlan[];
}

const PREFIX = '/bench/';

/** The size is also in the query, for the floor, which keeps nothing by name. */
const getPlan = (key: string, bytes: number): RequestPlan => ({
  method: 'GET',
  path: `${PREFIX}${key}?bytes=${bytes}`,
});

function keysOf(size: Size, connections: number): string[] {
  return keysIn(`${size.bytes}/${connections}`, size.operations[connections] ?? 0);
}

function keysIn(folder: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${folder}/${String(i).padStart(6, '0')}`);
}

export const CREATE_BUCKET: RequestPlan = { method: 'PUT', path: '/bench' };

const WARM_UP_OPERATIONS = 40_000;

/**
 * Asked of both servers before the clock starts: a server runs for months, and V8 compiles for some ten thousand
 * requests before it is at its pace. Large bodies are not bound by it.
 */
export function warmUpOf(size: Size): Scenario[] {
  if (size.bytes > 4 * KiB) return [];
  const body = randomBytes(size.bytes);
  const keys = keysIn('warm-up', WARM_UP_OPERATIONS);
  const each = (method: string, plan: (key: string) => RequestPlan): Scenario => ({
    name: `warm-up ${method}`,
    connections: 64,
    plans: keys.map((key) => ({ ...plan(key), method })),
  });
  return [
    each('PUT', (key) => ({ method: 'PUT', path: `${PREFIX}${key}`, body })),
    each('GET', (key) => getPlan(key, size.bytes)),
    each('HEAD', (key) => getPlan(key, size.bytes)),
    each('DELETE', (key) => ({ method: 'DELETE', path: `${PREFIX}${key}` })),
  ];
}

/** For one size: PUT, GET, then HEAD of the small ones, a mix of them, DELETE; in an order in which each finds its objects. */
export function scenariosOf(size: Size): Scenario[] {
  const body = randomBytes(size.bytes);
  const small = size.bytes <= 4 * KiB;
  const scenarios: Scenario[] = [];
  for (const connections of CONNECTIONS) {
    const keys = keysOf(size, connections);
    const put = keys.map((key) => ({ method: 'PUT', path: `${PREFIX}${key}`, body }));
    const get = keys.map((key) => getPlan(key, size.bytes));
    scenarios.push({ name: `PUT ${size.name}`, connections, plans: put });
    scenarios.push({ name: `GET ${size.name}`, connections, plans: get });
    if (small && connections > 1) {
      const head = keys.map((key) => ({ ...getPlan(key, size.bytes), method: 'HEAD' }));
      scenarios.push({ name: `HEAD ${size.name}`, connections, plans: head });
      // Seven reads, two writes and one HEAD of ten.
      const mix = keys.flatMap((_, i) => (i % 10 < 7 ? get[i] : i % 10 < 9 ? put[i] : head[i]) ?? []);
      scenarios.push({ name: `mixed ${size.name}`, connections, plans: mix });
    }
    const remove = keys.map((key) => ({ method: 'DELETE', path: `${PREFIX}${key}` }));
    scenarios.push({ name: `DELETE ${size.name}`, connections, plans: remove });
  }
  return scenarios;
}
