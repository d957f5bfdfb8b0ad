import { describe, expect, it } from 'vitest';
import { type Outcome, simulate } from './simulate.ts';

describe('a world whose devices fail', () => {
  it('shows that to clients now and then, and ends with a journal that fails', async () => {
    const outcomes: Outcome[] = [];
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      outcomes.push(await simulate({ seed, faults: true }));
      outcomes.push(await simulate({ seed, faults: true, journal: 'whole' }));
    }
    expect(outcomes.some(({ failed }) => failed > 0)).toBe(true);
    expect(outcomes.some(({ died }) => died > 0)).toBe(true);
  });
});

describe('a world', () => {
  it.each([
    ['without a journal', {}],
    ['with one', { journal: 'whole' }],
    ['of several processes', { journal: 'whole', workers: 2 }],
  ] as const)('is the same whenever it is run, %s', async (_how, world) => {
    const options = { seed: 7, ...world };
    expect(await simulate(options)).toEqual(await simulate(options));
  });
});
