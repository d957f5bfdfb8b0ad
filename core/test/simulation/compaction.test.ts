import { describe, expect, it } from 'vitest';
import { type Outcome, type SimulationOptions, simulate } from './simulate.ts';

/** FACET_SEED=n runs that one world again; FACET_SEEDS=n runs so many. */
const { FACET_SEED, FACET_SEEDS = '20' } = process.env;
const SEEDS = FACET_SEED
  ? [Number(FACET_SEED)]
  : Array.from({ length: Number(FACET_SEEDS) }, (_, i) => i + 1);

async function run(seed: number, options: Omit<SimulationOptions, 'seed'>): Promise<Outcome> {
  try {
    return await simulate({ seed, compacts: true, actions: 60, ...options });
  } catch (error) {
    throw new Error(
      `seed ${seed}: run again with FACET_SEED=${seed} npx vitest run core/test/simulation/compaction`,
      {
        cause: error,
      },
    );
  }
}

describe('worlds that are compacted while they are used', () => {
  it.each([
    ['', {}],
    [', with a journal', { journal: 'whole' }],
    [', on disks that are full at random moments', { fills: true }],
  ] as const)(
    'hold what was committed and nothing else after their power is cut%s',
    async (_how, options) => {
      const outcomes: Outcome[] = [];
      for (const seed of SEEDS) outcomes.push(await run(seed, options));
      if (FACET_SEED) return;
      expect(outcomes.filter(({ moved }) => moved > 0).length).toBeGreaterThan(outcomes.length / 4);
      // On full disks nobody comes to write a file to its end.
      if (!('fills' in options)) expect(outcomes.some(({ merged }) => merged > 0)).toBe(true);
    },
    300_000,
  );
});
