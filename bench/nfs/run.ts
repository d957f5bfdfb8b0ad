/**
 * `npm run bench:nfs`: Facet's NFS door against NFS-Ganesha (VFS on the same disk), both mounted by the same Linux
 * kernel, step by step in turns.
 *
 *   --rounds N        how often each step is measured (default 3)
 *   --files N         small files a step, in all rounds together (default 20000)
 *   --size BYTES      of the large file (default 1 GiB)
 *   --data DIR        where both servers keep their data: the disk that is measured
 *   --only WORDS      only groups whose name has this in it: large, small 1, empty 1, small 8, empty 8
 *
 * `FACET_NFS_CLIENT` names the program that boots the kernel (see kernelClient.ts), `FACET_PEER_GANESHA` the one that
 * runs the peer (see ganesha.ts; without it Facet is measured alone). `FACET_BENCH_PROFILE` names a folder for a CPU
 * profile of Facet.
 *
 * What is acknowledged when: Facet answers every WRITE as FILE_SYNC and every change of names when it is on stable
 * storage. Ganesha syncs a WRITE that asks for it, and on COMMIT; a change of names it answers from the page cache. So
 * steps that change names are also run in a directory whose changes the file system syncs (`chattr +D`): the same
 * durability as Facet's, and the ratio that counts. Steps on bytes end when the bytes are stable on both.
 *
 * "wait" is what the calls of an operation took, from their sending to their replies, the peer's at the same durability:
 * the server, the relay and what the client's kernel takes to notice. The rest of an operation's time, with one thread,
 * is the client's own, and no server's ratio gets past the peer's time over that.
 *
 * What the figures cannot show: a network, a client on a machine of its own and as fast as one (it is a virtual
 * machine on one core), a page cache of the server that is cold, a disk slower than this one.
 */

import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { optionsOf } from '../load/options.ts';
import { CLIENT_CORE } from '../load/process.ts';
import { startFacet } from './facet.ts';
import {
  findGanesha,
  ganeshaData,
  startGanesha,
  syncNames,
  versionOfGanesha,
  whyNoGanesha,
} from './ganesha.ts';
import { printRows, type Row } from './report.ts';
import { type Group, groupsOf, type Step } from './steps.ts';
import { type Cell, Subject } from './subject.ts';

const values = optionsOf(import.meta, {
  rounds: { type: 'string', default: '3' },
  files: { type: 'string', default: '20000' },
  size: { type: 'string', default: String(1 << 30) },
  data: { type: 'string' },
  only: { type: 'string', default: '' },
});
const rounds = Number(values.rounds);
const RANDOM_OPERATIONS = 2000;
const WARM_UP = { files: 10_000, sizeBytes: 64 << 20, operations: 4000 };
const SYNCED = 'synced';

/** Where a step is run: on which server, and below which folder of its mount. */
interface Place {
  readonly column: 'facet' | 'ganesha' | 'synced';
  readonly subject: Subject;
  readonly folder: string;
}

const has = (place: Place, step: Step): boolean => place.column !== 'synced' || step.changesNames;

/** Each step at each place in turn, so that a neighbour's noise falls on all. */
async function runGroup(
  group: Group,
  places: readonly Place[],
  tell: (step: Step, place: Place, cell: Cell) => void,
): Promise<void> {
  for (const step of group.steps) {
    for (const place of places.filter((one) => has(one, step))) {
      tell(
        step,
        place,
        await place.subject.measure(step, `${place.folder}${group.name.replaceAll(' ', '-')}`),
      );
    }
  }
}

function progress(when: string, step: Step, { column }: Place, cell: Cell): void {
  const { operationsPerSecond, cpuMicrosPerOperation } = cell;
  const figures = `${operationsPerSecond.toFixed(0)} op/s, ${cpuMicrosPerOperation.toFixed(0)} µs/op`;
  process.stderr.write(`${when}, ${step.name}, ${column}: ${figures}\n`);
}

const kindOf = ({ name }: Group): string | undefined => name.split(' ')[0];

async function measureAll(places: readonly Place[]): Promise<Row[]> {
  const { files, size } = values;
  const groups = groupsOf({
    files: Math.ceil(Number(files) / rounds),
    sizeBytes: Number(size),
    operations: RANDOM_OPERATIONS,
  });
  const chosen = groups.filter(({ name }) => name.includes(values.only));
  // V8 compiles for some ten thousand calls before it is at its pace, and a server runs for months.
  const kinds = new Set(chosen.map(kindOf));
  for (const group of groupsOf(WARM_UP).filter((one) => kinds.has(kindOf(one)) && !one.name.endsWith(' 1'))) {
    await runGroup(group, places, (step, place, cell) => progress('warm-up', step, place, cell));
  }
  const rows = new Map<string, Row>();
  for (let round = 0; round < rounds; round += 1) {
    for (const group of chosen) {
      await runGroup(group, places, (step, place, cell) => {
        progress(`round ${round + 1}`, step, place, cell);
        if (step.silent) return;
        const row = rows.get(step.name) ?? { name: step.name, facet: [], ganesha: [], synced: [] };
        row[place.column].push(cell);
        rows.set(step.name, row);
      });
    }
  }
  return [...rows.values()];
}

async function main(program: string): Promise<void> {
  const folder = await mkdtemp(join(values.data ?? tmpdir(), 'facet-bench-'));
  const subjects: Subject[] = [];
  const mount = async (name: string, address: string, server: Awaited<ReturnType<typeof startFacet>>) => {
    const stateFolder = join(folder, 'clients');
    const subject = await Subject.mount(server, { program, name, address, stateFolder });
    subjects.push(subject);
    return subject;
  };
  let stopping: Promise<void> | undefined;
  // Once: what a signal began, the failure of the step under way must wait for.
  const stop = () => {
    stopping ??= Promise.allSettled(subjects.map((subject) => subject.stop())).then(() =>
      rm(folder, { recursive: true, force: true }),
    );
    return stopping;
  };
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () => void stop().finally(() => process.exit(1)));
  }
  try {
    await mkdir(join(folder, 'facet'));
    const facet = await mount('facet', '127.0.0.81', await startFacet(join(folder, 'facet')));
    const places: Place[] = [{ column: 'facet', subject: facet, folder: '' }];
    const peer = await findGanesha();
    if (peer === undefined) {
      process.stdout.write(`Facet alone, without NFS-Ganesha: ${whyNoGanesha()}\n`);
    } else {
      const peerFolder = join(folder, 'ganesha');
      await mkdir(peerFolder);
      const ganesha = await mount('ganesha', '127.0.0.82', await startGanesha(peer, peerFolder));
      places.push({ column: 'ganesha', subject: ganesha, folder: '' });
      const synced = join(ganeshaData(peerFolder), SYNCED);
      await mkdir(synced);
      if (await syncNames(synced)) {
        places.push({ column: 'synced', subject: ganesha, folder: `${SYNCED}/` });
      } else {
        process.stdout.write(`the disk of ${folder} can not sync changes of names (chattr +D)\n`);
      }
    }
    process.stdout.write(`${versions()}, ${rounds} rounds\n\n`);
    printRows(await measureAll(places));
  } finally {
    await stop();
  }
}

function versions(): string {
  return `node ${process.version}, Ganesha ${versionOfGanesha() ?? '-'}, ${cpus()[0]?.model ?? 'unknown processor'}`;
}

const client = process.env['FACET_NFS_CLIENT'];
if (client === undefined) {
  process.stderr.write('bench:nfs: FACET_NFS_CLIENT names no program that boots a Linux kernel client\n');
  process.exitCode = 1;
} else {
  // The servers have the other core.
  spawnSync('taskset', ['-cp', String(CLIENT_CORE), String(process.pid)]);
  await main(client);
}
