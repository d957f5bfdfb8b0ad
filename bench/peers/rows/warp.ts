/**
 * The same servers asked by another's client, MinIO's warp: a check on what the bench's own client says. Its report tells of
 * each kind of request how many there were and how long they took; the server's CPU time would count its preparations, too.
 */

import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { zstdDecompress } from 'node:zlib';
import type { Group } from '../groups.ts';
import { pathOf } from '../install.ts';
import { CREDENTIALS } from '../servers/server.ts';
import type { Cell, World } from '../world.ts';

const PROGRAM = {
  name: 'warp',
  module: 'github.com/minio/warp',
  version: 'v1.6.2-0.20260817003345-d06f8e658763',
};
const SIZE = { name: '4 KiB', warp: '4KiB' };
const CONNECTIONS = 16;
/** That are put before a mix. */
const OBJECTS = 2000;
/** More than a measured time: it takes seconds to come up to its pace. */
const SECONDS = 10;
/** It clears its bucket before and after. */
const RUN_MS_MAX = 300_000;

/** By its own name, and as the rows have it. */
const OPERATIONS = { PUT: 'PUT', GET: 'GET', STAT: 'HEAD', DELETE: 'DELETE' } as const;
type WarpOperation = keyof typeof OPERATIONS;

/** Of warp's report of a run, what is used. */
interface OperationReport {
  readonly total_requests: number;
  readonly total_errors: number;
  readonly total_bytes: number;
  readonly start_time: string;
  readonly end_time: string;
  readonly requests_by_client: Readonly<Record<string, readonly { single_sized_requests: RequestTimes }[]>>;
}

interface RequestTimes {
  readonly dur_median_millis: number;
  readonly dur_99_millis: number;
}

export const warp: Group = {
  name: 'warp',
  program: PROGRAM,
  async run(world) {
    for (const { operation, report } of await runOf(world, 'put', [])) {
      world.tell(cellOf(`${operation} ${SIZE.name}, by warp`, report));
    }
    for (const { operation, report } of await runOf(world, 'mixed', [`--objects=${OBJECTS}`])) {
      world.tell(cellOf(`${operation} ${SIZE.name} of a mix, by warp`, report));
    }
  },
};

async function runOf(
  world: World,
  kind: 'put' | 'mixed',
  more: readonly string[],
): Promise<{ operation: string; report: OperationReport }[]> {
  const { host, port } = world.running.endpoint;
  const data = join(world.folder, `warp-${kind}`);
  const words = [
    ...[kind, `--host=${host}:${port}`, '--bucket=warp', '--no-color', '--autocompletion=false'],
    ...[`--access-key=${CREDENTIALS.accessKeyId}`, `--secret-key=${CREDENTIALS.secretAccessKey}`],
    ...[`--obj.size=${SIZE.warp}`, `--concurrent=${CONNECTIONS}`, `--duration=${SECONDS}s`],
    ...[`--benchdata=${data}`, ...more],
  ];
  await promisify(execFile)(pathOf(PROGRAM), words, {
    cwd: world.folder,
    timeout: RUN_MS_MAX,
    maxBuffer: 1 << 24,
  });
  const packed = await readFile(`${data}.json.zst`);
  const { by_op_type: reports }: { by_op_type: Partial<Record<WarpOperation, OperationReport>> } = JSON.parse(
    (await promisify(zstdDecompress)(packed)).toString(),
  );
  return Object.entries(OPERATIONS).flatMap(([name, operation]) => {
    const report = reports[name as WarpOperation];
    return report ? [{ operation, report }] : [];
  });
}

/** @throws Error where a request failed: those that fail are fast */
function cellOf(row: string, report: OperationReport): Cell {
  if (report.total_errors > 0) throw new Error(`${row}: ${report.total_errors} requests failed`);
  const seconds = (Date.parse(report.end_time) - Date.parse(report.start_time)) / 1000;
  const times = Object.values(report.requests_by_client)[0]?.[0]?.single_sized_requests;
  return {
    row,
    connections: CONNECTIONS,
    operations: report.total_requests,
    operationsPerSecond: report.total_requests / seconds,
    bytesPerSecond: report.total_bytes / seconds,
    p50: times?.dur_median_millis ?? Number.NaN,
    p99: times?.dur_99_millis ?? Number.NaN,
    cpuMicrosPerOperation: Number.NaN,
    peakAnonymousBytes: Number.NaN,
    clientBusy: Number.NaN,
    flushesPerOperation: Number.NaN,
  };
}
