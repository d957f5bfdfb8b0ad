import { describe, expect, it } from 'vitest';
import { KINDS, type Kind, kindOf } from './kinds.ts';
import { type Outcome, simulate } from './simulate.ts';
import { onAStarvedMachine } from './starved.ts';

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

const EVENTS_PER_STALL = 500;

/** The first of that kind. */
function seedOf(kind: Kind): number {
  let seed = 1;
  while (kindOf(seed) !== kind) seed += 1;
  return seed;
}

describe('a seed is one world, on a machine that is starved, too, where', () => {
  it.each(KINDS)('$name', async (kind) => {
    const seed = seedOf(kind);
    const events: string[] = [];
    const outcome = await kind.play(seed, (event) => events.push(event));
    const others: string[] = [];
    const other = await onAStarvedMachine((stall) =>
      kind.play(seed, (event) => {
        others.push(event);
        if (others.length % EVENTS_PER_STALL === 0) stall();
      }),
    );
    const parting = events.findIndex((event, at) => event !== others[at]);
    const around = (of: readonly string[]) => of.slice(Math.max(0, parting - 20), parting + 5);
    expect(around(others), `event ${parting} of ${events.length}`).toEqual(around(events));
    expect(other).toEqual(outcome);
  });
});
