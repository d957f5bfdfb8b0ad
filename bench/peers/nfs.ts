/**
 * Small files by NFS: Facet and NFS-Ganesha (VFS on the same disk), mounted by a Linux kernel, one after the other; the
 * steps, the servers and the client are those of bench:nfs. And the rename of a directory on Ganesha, as on Facet.
 */

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type LoopResult, loopResult } from '../load/closedLoop.ts';
import { Meter } from '../load/meter.ts';
import { startFacet } from '../nfs/facet.ts';
import { findGanesha, ganeshaData, startGanesha, syncNames, versionOfGanesha } from '../nfs/ganesha.ts';
import type { NfsServer } from '../nfs/server.ts';
import { type Group, groupsOf } from '../nfs/steps.ts';
import { Subject } from '../nfs/subject.ts';
import { metered } from './metered.ts';
import { NfsCalls } from './nfsCalls.ts';
import { renameRow } from './rows/directory.ts';
import type { SetupIdentity } from './servers/server.ts';
import type { Cell, Pace, Sink } from './world.ts';

const THREADS = 8;
const FILES_A_SECOND = 1000;
const SYNCED = 'synced';
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

/** @returns the setups that were measured: none where there is no Ganesha on this machine */
export async function ganeshaByNfs(places: NfsPlaces, pace: Pace): Promise<readonly SetupIdentity[]> {
  const program = await findGanesha();
  if (program === undefined) return [];
  const setups = ganeshaSetups();
  const [synced, asItComes] = [places.sinkOf(setups[0]), places.sinkOf(setups[1])];
  await inFolder(places.parent, async (folder) => {
    const server = await startGanesha(program, folder);
    const data = ganeshaData(folder);
    await mounted(server, { ...places, folder, address: '127.0.0.82' }, async (subject) => {
      await files(subject, '', asItComes, pace);
      await mkdir(join(data, SYNCED));
      if (await syncNames(join(data, SYNCED))) await files(subject, `${SYNCED}/`, synced, pace);
      await fill(join(data, 'directory'), pace.directoryObjects);
      await renames(server, asItComes, pace);
      // Of names in the root: those below are not changed.
      if (await syncNames(data)) await renames(server, synced, pace);
    });
  });
  return setups;
}

/** Once it is installed. */
function ganeshaSetups(): readonly [synced: SetupIdentity, asItComes: SetupIdentity] {
  const same = {
    version: versionOfGanesha() ?? 'unknown',
    renames: 'RENAME by NFS, rename() of the file system',
  };
  const names = { name: 'Ganesha, names synced', how: 'COMMIT of bytes, and chattr +D for names' };
  const bytes = { name: 'Ganesha', how: 'as it comes: COMMIT of bytes, not of names' };
  return [
    { ...same, ...names, durability: 'everything' },
    { ...same, ...bytes, durability: 'the bytes' },
  ];
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
const UNKNOWN: Pick<Cell, 'clientBusy' | 'flushesPerOperation'> = {
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
  const meter = new Meter(server.pid);
  try {
    await during(pace.warmUp, renamed);
    const figures = await metered(meter, () => during(pace.measured, renamed));
    sink.cell({ ...figures, row: renameRow(pace.directoryObjects), connections: 1 });
  } finally {
    meter.stop();
  }
  // So that it is found again.
  if (from !== 'directory') await renamed();
}

/** One after the other, of which none is begun after so many seconds. @param work tells how many milliseconds it took */
async function during(secondsMax: number, work: () => Promise<number>): Promise<LoopResult> {
  const took: number[] = [];
  const began = performance.now();
  const end = began + secondsMax * 1000;
  while (performance.now() < end) took.push(await work());
  return loopResult(took, { seconds: (performance.now() - began) / 1000, bytes: 0 });
}
