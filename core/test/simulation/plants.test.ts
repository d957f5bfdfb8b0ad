import { describe, expect, it } from 'vitest';
import { brokenBy } from './invariants.ts';
import { PLANTS } from './plants/all.ts';
import { simulate } from './simulate.ts';

/** In so many worlds at most each is found. */
const SEEDS = 120;

describe('a bug in a world is found:', () => {
  it.each(Object.entries(PLANTS))('%s', async (_name, plant) => {
    const others: string[] = [];
    let isFound = false;
    for (let seed = 1; seed <= SEEDS && !isFound; seed += 1) {
      await simulate({ seed, plant }).catch((error: unknown) => {
        const broken = brokenBy(error);
        isFound = broken.some((invariant) => plant.breaks.includes(invariant));
        // The store may meet it before a check does: an assertion names no invariant.
        if (!isFound) others.push(`seed ${seed}: ${broken}: ${error}`);
      });
    }
    expect(isFound, others.join('\n')).toBe(true);
  });
});
