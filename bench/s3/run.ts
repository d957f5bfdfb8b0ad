/**
 * `npm run bench:s3`: Facet's S3 door, one worker, against a floor in the same run.
 *
 *   --rounds N        how often each case is measured (default 5)
 *   --data DIR        where both servers keep their data: the disk that is measured
 *   --only WORDS      only cases whose name has this in it, as in --only '4 KiB'
 *   --list N          objects of the large listing (default 1000000; 0 leaves listings out)
 *   --no-floor        Facet alone
 *
 * What the figures cannot show: a network, more than one worker, a cold page cache, a disk slower than this one.
 */

import { spawnSync } from 'node:child_process';
import { cpus } from 'node:os';
import { drive } from '../load/drive.ts';
import { optionsOf, wrongUsage } from '../load/options.ts';
import { CLIENT_CORE } from '../load/process.ts';
import { benchList } from './list.ts';
import { type Cell, measure, prepare } from './measure.ts';
import { printRows, type Row } from './report.ts';
import { CREATE_BUCKET, type Scenario, SIZES, scenariosOf, warmUpOf } from './scenarios.ts';
import { type Subject, startFacet, startFloor } from './servers.ts';

const values = optionsOf(import.meta, {
  rounds: { type: 'string', default: '5' },
  data: { type: 'string' },
  only: { type: 'string', default: '' },
  list: { type: 'string', default: '1000000' },
  'no-floor': { type: 'boolean', default: false },
});
const rounds = Number(values.rounds);
const SMALL_LISTING = 10_000;
const sizes = SIZES.filter(({ name }) => name.includes(values.only));
if (sizes.length === 0) {
  wrongUsage(
    `no case has '${values.only}' in its name; there are ${SIZES.map(({ name }) => name).join(', ')}`,
  );
}

async function runSubject(
  start: () => Promise<Subject>,
  warmUp: readonly Scenario[],
  scenarios: readonly Scenario[],
): Promise<Cell[]> {
  const subject = await start();
  try {
    if (subject.credentials) await measure(subject, prepare(subject, [CREATE_BUCKET]), 1);
    for (const { plans, connections } of warmUp) {
      await drive(subject.endpoint, prepare(subject, plans), connections);
    }
    const cells: Cell[] = [];
    for (const scenario of scenarios) {
      cells.push(await measure(subject, prepare(subject, scenario.plans), scenario.connections));
    }
    return cells;
  } finally {
    await subject.stop();
  }
}

spawnSync('taskset', ['-cp', String(CLIENT_CORE), String(process.pid)]);
process.stdout.write(
  `node ${process.version}, ${cpus()[0]?.model ?? 'unknown processor'}, ${rounds} rounds, one worker\n\n`,
);

for (const size of sizes) {
  const warmUp = warmUpOf(size);
  const scenarios = scenariosOf(size);
  const facet: Cell[][] = [];
  const floor: Cell[][] = [];
  for (let round = 0; round < rounds; round += 1) {
    // Taking turns, so that a neighbour's noise falls on both.
    facet.push(await runSubject(() => startFacet(values.data), warmUp, scenarios));
    if (!values['no-floor']) floor.push(await runSubject(() => startFloor(values.data), warmUp, scenarios));
  }
  const rows = scenarios.map((scenario, i): Row => {
    const column = (cells: readonly Cell[][]) => cells.flatMap((round) => round[i] ?? []);
    return {
      name: scenario.name,
      connections: scenario.connections,
      facet: column(facet),
      floor: column(floor),
    };
  });
  printRows(rows);
  process.stdout.write('\n');
}
const large = Number(values.list);
if (large > 0) await benchList({ data: values.data, small: SMALL_LISTING, large, rounds });
