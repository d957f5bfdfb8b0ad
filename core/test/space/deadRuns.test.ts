import { MemoryEngine } from '@facet/engine';
import { containerId, type PhysicalRun } from '@facet/extents';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { containerKey, deadRunsOf, offsetOfRunKey } from '../../src/meta/keys.ts';
import { decodeContainer, decodeDeadRun } from '../../src/meta/records/space.ts';
import { buryRun, findPunchable, markPunched } from '../../src/space/deadRuns.ts';

const CONTAINER = containerId(7);
const UNITS = 64;
const UNIT_BYTES = 1000;

const runOf = (start: number, length: number): PhysicalRun => ({
  container: CONTAINER,
  offset: start * UNIT_BYTES,
  length: length * UNIT_BYTES,
});

interface Known {
  readonly start: number;
  readonly end: number;
  readonly punched: boolean;
}

async function known(engine: MemoryEngine): Promise<readonly Known[]> {
  const entries = await engine.read((tx) => tx.range({ ...deadRunsOf(CONTAINER), limit: 10_000 }));
  return entries.map(({ key, value }) => {
    const { length, punched } = decodeDeadRun(value);
    const start = offsetOfRunKey(key) / UNIT_BYTES;
    return { start, end: start + length / UNIT_BYTES, punched };
  });
}

type State = 'alive' | 'dead' | 'punched';

/** One run for each longest stretch of units in the same state. */
function expected(units: readonly State[]): readonly Known[] {
  const runs: Known[] = [];
  for (const [at, state] of units.entries()) {
    if (state === 'alive') continue;
    const last = runs.at(-1);
    const punched = state === 'punched';
    if (last && last.end === at && last.punched === punched) runs[runs.length - 1] = { ...last, end: at + 1 };
    else runs.push({ start: at, end: at + 1, punched });
  }
  return runs;
}

const step = fc.oneof(
  fc.record({
    kind: fc.constant('bury' as const),
    start: fc.nat(UNITS - 1),
    length: fc.integer({ min: 1, max: 20 }),
  }),
  fc.record({ kind: fc.constant('punch' as const), pick: fc.nat() }),
);

describe('dead runs', () => {
  it('are each byte once, neighbours as one, whatever comes in whatever order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const engine = new MemoryEngine();
        const units: State[] = Array.from({ length: UNITS + 20 }, () => 'alive');
        for (const one of steps) {
          if (one.kind === 'bury') {
            const run = runOf(one.start, one.length);
            const { addedBytes } = await engine.write((tx) => buryRun(tx, run));
            let added = 0;
            for (let at = one.start; at < one.start + one.length; at += 1) {
              if (units[at] !== 'alive') continue;
              units[at] = 'dead';
              added += 1;
            }
            expect(addedBytes).toBe(added * UNIT_BYTES);
          } else {
            const waiting = (await known(engine)).filter(({ punched }) => !punched);
            const picked = waiting[one.pick % waiting.length];
            if (!picked) continue;
            const run = runOf(picked.start, picked.end - picked.start);
            expect(await engine.write((tx) => markPunched(tx, run))).toEqual({ found: true });
            units.fill('punched', picked.start, picked.end);
          }
          expect(await known(engine)).toEqual(expected(units));
        }
        const record = await engine.read((tx) => tx.get(containerKey(CONTAINER)));
        const dead = units.filter((state) => state !== 'alive').length * UNIT_BYTES;
        expect(record ? decodeContainer(record).deadBytes : 0).toBe(dead);
      }),
      { numRuns: 100 },
    );
  });

  it('takes a run in steps when very many lie in its way', async () => {
    const engine = new MemoryEngine();
    for (let at = 0; at < 600; at += 2) {
      await engine.write((tx) => buryRun(tx, runOf(at, 1)));
      await engine.write((tx) => markPunched(tx, runOf(at, 1)));
    }
    let left: PhysicalRun | undefined = runOf(0, 600);
    let steps = 0;
    while (left) {
      const run: PhysicalRun = left;
      left = (await engine.write((tx) => buryRun(tx, run))).left;
      steps += 1;
    }
    expect(steps).toBe(2);
    const record = await engine.read((tx) => tx.get(containerKey(CONTAINER)));
    expect(record && decodeContainer(record).deadBytes).toBe(600 * UNIT_BYTES);
  });

  it('does not take a run for punched that grew after its punch', async () => {
    const engine = new MemoryEngine();
    await engine.write((tx) => buryRun(tx, runOf(10, 5)));
    await engine.write((tx) => buryRun(tx, runOf(15, 1)));
    expect(await engine.write((tx) => markPunched(tx, runOf(10, 5)))).toEqual({ found: false });
    expect(await known(engine)).toEqual([{ start: 10, end: 16, punched: false }]);
  });

  it('finds what to punch, with the punched runs beside it', async () => {
    const engine = new MemoryEngine();
    for (const [start, length] of [
      [0, 10],
      [30, 10],
    ] as const) {
      await engine.write((tx) => buryRun(tx, runOf(start, length)));
      await engine.write((tx) => markPunched(tx, runOf(start, length)));
    }
    await engine.write((tx) => buryRun(tx, runOf(10, 20)));
    await engine.write((tx) => buryRun(tx, runOf(45, 3)));
    for (const limit of [1, 2, 100]) {
      for (const within of [runOf(12, 1), runOf(29, 1), runOf(10, 20), runOf(0, 40)]) {
        const found = [];
        for (let at: PhysicalRun | undefined = within; at; ) {
          const place: PhysicalRun = at;
          const page = await engine.read((tx) => findPunchable(tx, place, { leastBytes: 5000, limit }));
          found.push(...page.found);
          at = page.next;
        }
        expect(found).toEqual([{ run: runOf(10, 20), stretch: runOf(0, 40) }]);
      }
    }
    const page = await engine.read((tx) => findPunchable(tx, runOf(40, 10), { leastBytes: 5000, limit: 10 }));
    expect(page).toEqual({ found: [] });
  });
});
