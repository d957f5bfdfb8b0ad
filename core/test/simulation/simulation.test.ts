import { describe, expect, it } from 'vitest';
import { KINDS, type Kind, kindOf } from './kinds.ts';
import { LIVES, type Outcome } from './simulate.ts';

/** FACET_SEED=n runs the world of that seed again; FACET_SEEDS=n runs n worlds, of the seeds from FACET_FIRST_SEED on. */
const { FACET_SEED, FACET_SEEDS = '250', FACET_FIRST_SEED = '1' } = process.env;
const TIMEOUT_MS = 3_600_000;
/** Of the default number of worlds those of all kinds but the rarest. */
const OUTCOMES_TO_JUDGE = 6;

const SEEDS: readonly number[] = FACET_SEED
  ? [Number(FACET_SEED)]
  : Array.from({ length: Number(FACET_SEEDS) }, (_, at) => Number(FACET_FIRST_SEED) + at);

async function play(kind: Kind, seed: number): Promise<Outcome> {
  try {
    return await kind.play(seed);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const command = `FACET_SEED=${seed} npx vitest run core/test/simulation/simulation.test.ts`;
    throw new Error(`seed ${seed}: ${message.slice(0, 500)}\nrun it again with ${command}`, { cause: error });
  }
}

const played = KINDS.map((kind) => ({ kind, seeds: SEEDS.filter((seed) => kindOf(seed) === kind) }));

describe('a world holds what was committed and nothing else when', () => {
  // Of few seeds some kinds have none.
  it.each(played.filter(({ seeds }) => seeds.length > 0))(
    '$kind.name',
    async ({ kind, seeds }) => {
      const outcomes: Outcome[] = [];
      for (const seed of seeds) outcomes.push(await play(kind, seed));
      // Of few nothing is to be expected.
      if (outcomes.length < OUTCOMES_TO_JUDGE) return;
      const { most = () => true, some = ({ cutShort }) => cutShort < LIVES } = kind;
      expect(outcomes.filter(most).length).toBeGreaterThan(outcomes.length / 2);
      expect(outcomes.some(some)).toBe(true);
    },
    TIMEOUT_MS,
  );
});

describe('of every hundred seeds that follow one another', () => {
  it.each(['1', '777'])('each kind has its share, from %s on', (first) => {
    const kinds = Array.from({ length: 100 }, (_, at) => kindOf(Number(first) + at));
    for (const kind of KINDS)
      expect([kind.name, kinds.filter((other) => other === kind).length]).toEqual([kind.name, kind.share]);
  });
});
