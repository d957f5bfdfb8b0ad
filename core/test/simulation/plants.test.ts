import { describe, expect, it } from 'vitest';
import { brokenBy } from './invariants.ts';
import { PLANTS } from './plants/all.ts';
import { simulate } from './simulate.ts';

/** In so many worlds at most each is found. */
const SEEDS = 30;

describe('a bug in a world is found:', () => {
  it.each(Object.entries(PLANTS))('%s', async (_name, plant) => {
    let found: unknown;
    for (let seed = 1; seed <= SEEDS && found === undefined; seed += 1) {
      await simulate({ seed, plant }).catch((error: unknown) => {
        found = error;
      });
    }
    const broken = brokenBy(found);
    expect(
      broken.filter((invariant) => plant.breaks.includes(invariant)),
      `${broken}: ${found}`,
    ).not.toEqual([]);
  });
});
