import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Outcome, playOnLmdb, type SimulationOptions, simulate } from './simulate.ts';

/** FACET_SEED=n runs the worlds of that seed again; FACET_SEEDS=n runs worlds of so many, from FACET_FIRST_SEED on. */
const { FACET_SEED, FACET_SEEDS = '100', FACET_FIRST_SEED = '1' } = process.env;
/** Of one world. */
const LIVES = 3;
const TIMEOUT_MS = 3_600_000;
const OUTCOMES_TO_JUDGE = 10;

/** A part of the seeds, or the one that was asked for. */
function seeds(share: number): readonly number[] {
  if (FACET_SEED) return [Number(FACET_SEED)];
  const count = Math.ceil(Number(FACET_SEEDS) * share);
  return Array.from({ length: count }, (_, at) => Number(FACET_FIRST_SEED) + at);
}

async function again<T>(seed: number, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const command = `FACET_SEED=${seed} npx vitest run core/test/simulation/simulation.test.ts`;
    throw new Error(`seed ${seed}: ${message.slice(0, 500)}\nrun it again with ${command}`, { cause: error });
  }
}

describe('a world on LMDB', () => {
  it(
    'follows the model through both views',
    async () => {
      for (const seed of seeds(0.03)) {
        const lmdbFolder = await mkdtemp(join(tmpdir(), 'facet-simulation-'));
        onTestFinished(() => rm(lmdbFolder, { recursive: true }));
        const commits = await again(seed, () => playOnLmdb({ seed, actions: 150, lmdbFolder }));
        expect(commits).toBeGreaterThan(100);
      }
    },
    TIMEOUT_MS,
  );
});

interface Kind {
  readonly share: number;
  readonly world: Omit<SimulationOptions, 'seed'>;
  /** What most worlds of the kind must have met. */
  readonly met?: (outcome: Outcome) => boolean;
}

const KINDS: Readonly<Record<string, Kind>> = {
  'the power goes, or the process': { share: 0.4, world: {}, met: ({ cutShort }) => cutShort > 0 },
  'there is a journal': { share: 0.4, world: { journal: 'whole' }, met: ({ cutShort }) => cutShort > 0 },
  'the disk fails at random moments': { share: 0.2, world: { faults: true } },
  'the disk fails, and there is a journal': { share: 0.2, world: { faults: true, journal: 'whole' } },
  'the disk is full at random moments': {
    share: 0.2,
    world: { fills: true },
    met: ({ noSpace }) => noSpace > 0,
  },
  'the disk is full at random moments, and there is a journal': {
    share: 0.2,
    world: { fills: true, journal: 'whole' },
    met: ({ noSpace }) => noSpace > 0,
  },
  'other processes serve by key': {
    share: 0.1,
    // Fewer: each takes more steps, and some lives are to come to their end.
    world: { workers: 2, journal: 'whole', actions: 12 },
    met: ({ killed }) => killed > 0,
  },
  'another process serves by key, and there is no journal': { share: 0.03, world: { workers: 1 } },
  'other processes serve by key, and the disk is full at random moments': {
    share: 0.03,
    world: { workers: 2, journal: 'whole', fills: true },
  },
  'other processes serve by key, and the disk fails at random moments': {
    share: 0.03,
    world: { workers: 2, journal: 'whole', faults: true },
  },
  'the volume has a quota': {
    share: 0.15,
    world: { quota: { bytes: 100_000, inodes: 12 } },
    met: ({ overQuota }) => overQuota > 0,
  },
};

describe('a world holds what was committed and nothing else when', () => {
  it.each(Object.entries(KINDS))(
    '%s',
    async (_name, { share, world, met = () => true }) => {
      const outcomes: Outcome[] = [];
      for (const seed of seeds(share)) outcomes.push(await again(seed, () => simulate({ seed, ...world })));
      // Of few nothing is to be expected.
      if (outcomes.length < OUTCOMES_TO_JUDGE) return;
      expect(outcomes.filter(met).length).toBeGreaterThan(outcomes.length / 2);
      // Some are done with what they set out to do: nobody waits for ever.
      expect(outcomes.some(({ cutShort }) => cutShort < LIVES)).toBe(true);
    },
    TIMEOUT_MS,
  );
});
