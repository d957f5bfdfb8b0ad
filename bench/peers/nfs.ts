/**
 * Small files by NFS: Facet and NFS-Ganesha (VFS on the same disk), mounted by a Linux kernel, one after the other; the
 * steps, the servers and the client are those of bench:nfs. And the rename of a directory on Ganesha, as on Facet.
 */

import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startFacet } from '../nfs/facet.ts';
import { findGanesha, ganeshaData, startGanesha, syncNames } from '../nfs/ganesha.ts';
import type { NfsServer } from '../nfs/server.ts';
import { type Group, groupsOf } from '../nfs/steps.ts';
import { Subject } from '../nfs/subject.ts';
import { NfsCalls } from './nfsCalls.ts';
import { renameRow } from './rows/directory.ts';
import type { SetupIdentity } from './servers/server.ts';
import type { Cell, Pace, Sink } from './world.ts';

const THREADS = 8;
const FILES_A_SECOND = 1000;
const SYNCED = 'synced';
const ganesha = {
  version: versionOfGanesha(),
  renames: 'RENAME by NFS, rename() of the file system',
} as const;

export const GANESHA_SYNCED: SetupIdentity = {
  ...ganesha,
  name: 'Ganesha, names synced',
  durability: 'everything',
  how: 'COMMIT of bytes, and chattr +D for names',
};
export const GANESHA: SetupIdentity = {
  ...ganesha,
  name: 'Ganesha',
  durability: 'the bytes',
  how: 'as it comes: COMMIT of bytes, not of names',
};

export interface NfsPlaces {
  /** That boots the client: see bench/nfs/kernelClient.ts. */
  readonly client: string;
  readonly parent: string;
  readonly sinkOf: (setup: SetupIdentity) => Sink;
}

export async function facetByNfs(facet: SetupIdentity, places: NfsPlaces, pace: Pace): Promise<void> {
  await inFolder(places.parent, async (folder) => {
    const server = await startFacet(folder);
    await mounted(server, { ...places, folder, address: '127.0.0.81' }, async (subject) => {
      await files(subject, '', places.sinkOf(facet), pace);
    });
  });
}

function versionOfGanesha(): string {
  const { stdout } = spawnSync('ganesha.nfsd', ['-v'], { encoding: 'utf8' });
  return /Release = (\S+)/.exec(stdout ?? '')?.[1] ?? 'unknown';
}

/** @returns whether there is a Ganesha on this machine */
export async function ganeshaByNfs(places: NfsPlaces, pace: Pace): Promise<boolean> {
  const program = await findGanesha();
  if (program === undefined) return false;
  await inFolder(places.parent, async (folder) => {
    const server = await startGanesha(program, folder);
    const data = ganeshaData(folder);
    await mounted(server, { ...places, folder, address: '127.0.0.82' }, async (subject) => {
      await files(subject, '', places.sinkOf(GANESHA), pace);
      await mkdir(join(data, SYNCED));
      if (await syncNames(join(data, SYNCED))) {
        await files(subject, `${SYNCED}/`, places.sinkOf(GANESHA_SYNCED), pace);
      }
      await fill(join(data, 'directory'), pace.directoryObjects);
      await renames(server, places.sinkOf(GANESHA), pace);
      // Of names in the root: those below are not changed.
      if (await syncNames(data)) await renames(server, places.sinkOf(GANESHA_SYNCED), pace);
    });
  });
  return true;
}

async function inFolder(parent: string, work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(parent, 'facet-bench-'));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function mounted(
  server: NfsServer,
  place: { readonly client: string; readonly folder: string; readonly address: string },
  work: (subject: Subject) => Promise<void>,
): Promise<void> {
  const { client: program, folder, address } = place;
  const subject = await Subject.mount(server, {
    ...{ program, name: 'peers', address },
    stateFolder: join(folder, 'client'),
  });
  try {
    await work(subject);
  } finally {
    await subject.stop();
  }
}

async function files(subject: Subject, folder: string, sink: Sink, pace: Pace): Promise<void> {
  const small = (seconds: number): Group[] =>
    groupsOf({ files: FILES_A_SECOND * seconds, sizeBytes: 0, operations: 0 }).filter(
      ({ name }) => name === `small ${THREADS}`,
    );
  for (const { steps } of small(pace.warmUp)) {
    for (const step of steps) await subject.measure(step, `${folder}warm-up`);
  }
  for (const { steps } of small(pace.measured)) {
    for (const step of steps) {
      const cell = await subject.measure(step, `${folder}measured`);
      sink.cell({ ...UNKNOWN, ...cell, row: `NFS: ${step.name.split(',')[0]}`, connections: THREADS });
    }
  }
}

/** What a step in a guest does not tell. */
const UNKNOWN: Pick<Cell, 'p50' | 'p99' | 'clientBusy' | 'flushesPerOperation'> = {
  p50: Number.NaN,
  p99: Number.NaN,
  clientBusy: Number.NaN,
  flushesPerOperation: Number.NaN,
};

async function fill(folder: string, count: number): Promise<void> {
  await mkdir(folder);
  for (let at = 0; at < count; at += 1) await writeFile(join(folder, String(at).padStart(7, '0')), 'x');
}

async function renames(server: NfsServer, sink: Sink, pace: Pace): Promise<void> {
  using calls = await NfsCalls.mount(server);
  let [from, to] = ['directory', 'renamed'];
  const renamed = async (): Promise<number> => {
    const began = performance.now();
    await calls.rename(from, to);
    [from, to] = [to, from];
    return performance.now() - began;
  };
  await during(pace.warmUp, renamed);
  const took = await during(pace.measured, renamed);
  // So that it is found again.
  if (from !== 'directory') await renamed();
  const sorted = took.sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
  const seconds = took.reduce((sum, ms) => sum + ms, 0) / 1000;
  sink.cell({
    ...UNKNOWN,
    row: renameRow(pace.directoryObjects),
    connections: 1,
    operations: took.length,
    operationsPerSecond: took.length / seconds,
    bytesPerSecond: 0,
    p50: at(0.5),
    p99: at(0.99),
    cpuMicrosPerOperation: Number.NaN,
    peakAnonymousBytes: Number.NaN,
  });
}

/** @returns the milliseconds that each took, one after the other, of which none is begun after so many seconds */
async function during(seconds: number, work: () => Promise<number>): Promise<number[]> {
  const took: number[] = [];
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) took.push(await work());
  return took;
}
