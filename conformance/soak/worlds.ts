/** Many worlds, each of a seed of its own: the simulation of the core's tests, for as long as there is time. */

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SIMULATION = 'core/test/simulation/simulation.test.ts';
/** In one run of the tests: of all kinds, and what they print then is not much. */
const WORLDS_PER_RUN = 100;
const SEED_MAX = 2 ** 31;

export interface SoakWorlds {
  readonly worlds: number;
  /** No run is begun after that, or Infinity. */
  readonly minutes: number;
  /** The first one is drawn from it. */
  readonly seed: string;
  readonly log: (line: string) => void;
}

/** How many worlds there was time for, and the runs of tests among them that failed. */
export async function soakWorlds({
  worlds,
  minutes,
  seed,
  log,
}: SoakWorlds): Promise<{ worlds: number; faults: number }> {
  const first = 1 + (createHash('md5').update(seed).digest().readUInt32BE() % (SEED_MAX - worlds));
  const until = Date.now() + minutes * 60_000;
  let done = 0;
  let faults = 0;
  while (done < worlds && Date.now() < until) {
    const count = Math.min(WORLDS_PER_RUN, worlds - done);
    const told = await runTests({ first: first + done, count });
    done += count;
    if (told === undefined) continue;
    faults += 1;
    const lines = told.split('\n').filter((line) => /seed \d+:|run it again with/.test(line));
    for (const line of lines.length > 0 ? lines : [told]) log(`  ${line.trim()}`);
  }
  return { worlds: done, faults };
}

/** @returns what they print when they fail */
function runTests({ first, count }: { first: number; count: number }): Promise<string | undefined> {
  const vitest = spawn(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', SIMULATION], {
    cwd: ROOT,
    env: { ...process.env, NO_COLOR: '1', FACET_SEEDS: String(count), FACET_FIRST_SEED: String(first) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const told: Buffer[] = [];
  vitest.stdout.on('data', (chunk: Buffer) => told.push(chunk));
  vitest.stderr.on('data', (chunk: Buffer) => told.push(chunk));
  return new Promise((resolve, reject) => {
    vitest.on('error', reject);
    vitest.on('close', (code) => resolve(code === 0 ? undefined : Buffer.concat(told).toString()));
  });
}
