/** A server of several processes, and the processes that it has. */

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { type FacetProcess, type RunningServer, serve } from '../facetProcess.ts';

/** Of S3. */
export const WORKERS = 2;
export const FLAGS = ['--workers', String(WORKERS)];

export const start = (data: string): Promise<RunningServer> => serve({ data, flags: FLAGS });

/** Those that a supervisor started, in that order. */
export function pidsOf({ child: { pid } }: FacetProcess): readonly number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return children === '' ? [] : children.split(' ').map(Number);
}

/** What a process calls itself; undefined when it has ended. */
function titleOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replace(/\0+$/, '');
  } catch {
    return undefined;
  }
}

/** Those that a supervisor started and that call themselves so. */
export const childrenCalled = (server: FacetProcess, title: string): readonly number[] =>
  pidsOf(server).filter((pid) => titleOf(pid) === title);

interface Children {
  readonly store: number;
  /** Of S3. */
  readonly workers: readonly number[];
  readonly maintenance: number | undefined;
}

/** The processes that a supervisor started. */
export function childrenOf(server: FacetProcess): Children {
  const children = pidsOf(server);
  const store = children.find((child) => titleOf(child) === 'facet store');
  if (store === undefined) throw new Error(`no child has the store: ${children.map(titleOf)}`);
  const maintenance = children.find((child) => titleOf(child) === 'facet maintenance');
  return {
    store,
    workers: children.filter((child) => child !== store && child !== maintenance),
    maintenance,
  };
}

/** Whether it has LMDB's file open. */
export function readsMetadata(pid: number | undefined): boolean {
  if (pid === undefined) return false;
  return readdirSync(`/proc/${pid}/fd`).some((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`).endsWith('/data.mdb');
    } catch {
      // It was closed meanwhile.
      return false;
    }
  });
}

/** What it read through system calls. */
export const readBytesOf = (pid: number): number =>
  Number(/^rchar: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1]);

interface Log {
  readonly pid: number;
  readonly process?: string;
  readonly msg: string;
}

export const logOf = (server: FacetProcess): readonly Log[] =>
  server
    .stderr()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));
