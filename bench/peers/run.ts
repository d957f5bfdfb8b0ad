/**
 * `npm run bench:peers`: Facet and other servers on the same disk, one after another in the same run, asked the same by
 * the same client.
 *
 *   --quick           some minutes: one round, short, 16 connections, a directory of 10,000
 *   --rounds N        how often each group of rows is measured on each server (default 3)
 *   --data DIR        where all servers keep their data: the disk that is measured
 *   --only WORDS      only servers and groups with one of these in their name, as in --only 'Facet,MinIO,4 KiB'
 *   --results DIR     where peers.json, peers.md and peers.svg go (default bench/results; without --quick and --only)
 *   --again           keeps what the results there have of other rows, which were measured on this machine with the same
 *                     versions: for a group that a neighbour disturbed
 *
 * `FACET_NFS_CLIENT` and `FACET_PEER_GANESHA` are for small files by NFS, as for bench:nfs: there the server has one core,
 * and the client's virtual machine the other. `FACET_BENCH_PROFILE` names a folder for CPU profiles of Facet.
 *
 * Servers, and warp, are built from their Go modules into ~/.cache/facet-bench when they are first asked for. One that
 * cannot be had is left out, and the results say why. A group has a server that was just started on an empty folder and warmed up; groups are
 * measured on all servers in turn, so that a neighbour's noise falls on all. Server and client share the machine's
 * cores; of the server's CPU time and memory all its processes count.
 *
 * What the figures cannot show: a network, a cold page cache, more cores, a disk slower than this one.
 */

import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { optionsOf } from '../load/options.ts';
import { whyNoGanesha } from '../nfs/ganesha.ts';
import { GROUPS, type Group } from './groups.ts';
import { type GoProgram, installGoProgram, Unavailable } from './install.ts';
import { machineOf } from './machine.ts';
import { facetByNfs, ganeshaByNfs } from './nfs.ts';
import { printLines } from './report/table.ts';
import { readReport, writeReport } from './report/write.ts';
import { joined, mustBeOfSame, type Place, placeOf, Results } from './results.ts';
import { warp } from './rows/warp.ts';
import { facet } from './servers/facet.ts';
import { juicefs } from './servers/juicefs.ts';
import { minio } from './servers/minio.ts';
import { seaweedfs } from './servers/seaweedfs.ts';
import type { SetupIdentity } from './servers/server.ts';
import { versitygw } from './servers/versitygw.ts';
import { visit } from './visit.ts';
import type { Pace } from './world.ts';

const values = optionsOf(import.meta, {
  quick: { type: 'boolean', default: false },
  rounds: { type: 'string' },
  data: { type: 'string', default: tmpdir() },
  only: { type: 'string', default: '' },
  results: { type: 'string' },
  again: { type: 'boolean', default: false },
});
const WHOLE: Pace = { measured: 3, warmUp: 3, directoryObjects: 100_000, connections: [1, 16, 64] };
const QUICK: Pace = { measured: 1, warmUp: 1, directoryObjects: 10_000, connections: [16] };
const pace = values.quick ? QUICK : WHOLE;
const rounds = Number(values.rounds ?? (values.quick ? 1 : 3));
const RESULTS = fileURLToPath(new URL('../results', import.meta.url));
const REASON_CHARACTERS_MAX = 500;

const tell = (line: string): void => void process.stderr.write(`${line}\n`);
const words = values.only.toLowerCase().split(',').filter(Boolean);

/** Those that were asked for, or all where none was. */
function chosen<T extends { readonly name: string }>(all: readonly T[]): T[] {
  const named = all.filter(({ name }) => words.some((word) => name.toLowerCase().includes(word)));
  return named.length > 0 ? named : [...all];
}

/** Without those that the machine cannot have, which the results say. */
async function installed<T extends { readonly program?: GoProgram }>(all: readonly T[]): Promise<T[]> {
  const programs = new Map(all.flatMap(({ program }) => (program ? [[program.name, program]] : [])));
  const lacking = new Set<string>();
  for (const [name, program] of programs) {
    try {
      await installGoProgram(program, tell);
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      results.lack({ program: name, why: error.message });
      tell(`left out: ${error.message}`);
      lacking.add(name);
    }
  }
  return all.filter(({ program }) => !lacking.has(program?.name ?? ''));
}

const results = new Results();
/** It has servers and a client of its own. */
const NFS_GROUP = 'NFS';
const everyGroup: readonly Group[] = [...GROUPS, warp];
const everySetup = [...(await facet()), ...minio(), ...seaweedfs(), ...juicefs(), ...versitygw()];
const names = [...everyGroup.map(({ name }) => ({ name })), { name: NFS_GROUP }];
for (const word of words) {
  if (![...names, ...everySetup].some(({ name }) => name.toLowerCase().includes(word)))
    throw new Error(`no server, and no group, is called ${word}`);
}
// One that cannot be had is asked for all the same: then it is none, not all.
const askedGroups = chosen(names).map(({ name }) => name);
const wantedGroups = everyGroup.filter(({ name }) => askedGroups.includes(name));
const wantedSetups = chosen(everySetup);
const [groups, setups] = [await installed(wantedGroups), await installed(wantedSetups)];
const asked = [
  ...askedGroups,
  ...[...wantedGroups, ...wantedSetups].map(({ program }) => program?.name ?? ''),
];
// What is under way has its servers told to end, and its folders removed, when this process ends.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

const facts = {
  machine: machineOf(values.data),
  clients: [
    `bench/load, Node ${process.version}`,
    ...groups.flatMap(({ program }) => (program ? [`${program.name} ${program.version}`] : [])),
  ],
  asked: [...new Set(asked.filter(Boolean))],
};
const isWhole = !values.quick && words.length === 0;
const folder = values.results ?? (isWhole || values.again ? RESULTS : undefined);
const earlier = values.again && folder !== undefined ? await readReport(folder) : undefined;
// Now, not after an hour.
if (earlier) mustBeOfSame(earlier, results.document(facts, setups));

await visitAll();
const byNfs = askedGroups.includes(NFS_GROUP) ? await askByNfs() : [];
const document = results.document(facts, [...setups, ...byNfs]);
printLines(document);
if (folder !== undefined) await writeReport(folder, earlier ? joined(earlier, document) : document);

/** Each group on all servers, before the next. */
async function visitAll(): Promise<void> {
  for (let round = 1; round <= rounds; round += 1) {
    for (const group of groups) {
      for (const setup of setups) {
        await timed({ round, group: group.name, setup: setup.name }, () =>
          visit({ setup, group, parent: values.data }, pace, results.sinkOf(setup)),
        );
      }
    }
  }
}

/** @returns the peers that were asked beside Facet */
async function askByNfs(): Promise<SetupIdentity[]> {
  const client = process.env['FACET_NFS_CLIENT'];
  if (client === undefined) {
    results.skip('small files by NFS: FACET_NFS_CLIENT names no program that boots a Linux kernel client');
    return [];
  }
  const places = { client, parent: values.data, sinkOf: (setup: SetupIdentity) => results.sinkOf(setup) };
  const ours = setups.find(({ name }) => name === 'Facet');
  /** By round; undefined where that failed. */
  const peers: (readonly SetupIdentity[] | undefined)[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    const measured = await timed({ round, group: NFS_GROUP }, async () => {
      if (ours) await facetByNfs(ours, places, pace);
      return ganeshaByNfs(places, pace);
    });
    peers.push(measured);
  }
  if (peers.some((measured) => measured?.length === 0)) {
    results.skip(`NFS-Ganesha: ${whyNoGanesha()}`);
  }
  return [...(peers.find((measured) => measured?.length) ?? [])];
}

/** @returns undefined where it failed, which is in the results and does not keep the rest from being measured */
async function timed<T>(place: Place, work: () => Promise<T>): Promise<T | undefined> {
  const what = placeOf(place);
  const began = performance.now();
  try {
    return await work();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    results.fail({ ...place, why: reason.slice(0, REASON_CHARACTERS_MAX) });
    tell(`FAILED ${what}: ${reason}`);
    return undefined;
  } finally {
    tell(`${what}: ${((performance.now() - began) / 1000).toFixed(0)} s`);
  }
}
