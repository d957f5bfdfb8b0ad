import fc from 'fast-check';
import { beforeEach, expect, it } from 'vitest';
import type { Engine, KeyRange, Op, ReadTx, WriteTx } from '../src/index.ts';
import { bytes, everything, hex } from './shorthand.ts';

/** Random operations against a plain sorted map. */
export function randomSuite(current: () => Engine): void {
  let engine: Engine;
  beforeEach(() => {
    engine = current();
  });

  it('agrees with a plain sorted map under random operations', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 12 }), async (operations) => {
        await engine.write(function* (tx) {
          for (const { key } of yield* tx.range(everything)) tx.delete(key);
          return true;
        });
        let model = new Map<string, string>();
        for (const steps of operations) {
          const changed = new Map(model);
          const expected = steps.map((step) => applyToModel(changed, step));
          const failed = steps.some(({ kind }) => kind === 'throw');
          const outcome = engine.write((tx) => applyToTx(tx, steps));
          if (failed) await expect(outcome).rejects.toThrow('as the test says');
          else {
            expect(await outcome).toEqual(expected);
            model = changed;
          }
          const range = { ...everything, limit: 1000 };
          expect(await engine.read((tx) => readStep(tx, range))).toEqual(rangeOfModel(model, range));
        }
      }),
      { numRuns: 150 },
    );
  });

  it('runs random operations at once as if one after another, in some order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { minLength: 2, maxLength: 4 }), async (operations) => {
        await engine.write(function* (tx) {
          for (const { key } of yield* tx.range(everything)) tx.delete(key);
          tx.put(hex('00'), bytes('a'));
          tx.put(hex('7f80'), bytes('b'));
          return true;
        });
        const outcomes = await Promise.all(
          operations.map((steps) => engine.write((tx) => applyToTx(tx, steps)).catch(() => 'threw')),
        );
        const end = await engine.read((tx) => readStep(tx, everything));
        const histories = permutations(operations.map((_, at) => at)).map((order) => {
          const model = new Map([
            ['00', 'a'],
            ['7f80', 'b'],
          ]);
          const results: unknown[] = [];
          for (const at of order) results[at] = runOnModel(model, operations[at] ?? []);
          return { results, end: rangeOfModel(model, everything) };
        });
        const seen = JSON.stringify({ results: outcomes, end }, undefinedAsNull);
        expect(histories.map((history) => JSON.stringify(history, undefinedAsNull))).toContain(seen);
      }),
      { numRuns: 200 },
    );
  });
}

type Step =
  | { readonly kind: 'put'; readonly key: string; readonly value: string }
  | { readonly kind: 'delete' | 'get'; readonly key: string }
  | { readonly kind: 'range'; readonly range: KeyRange }
  | { readonly kind: 'throw' };

// Few bytes, so that keys meet; hex, so that the model's strings order as the bytes do.
const key = fc
  .array(fc.constantFrom('00', '01', '7f', '80', 'ff'), { minLength: 1, maxLength: 3 })
  .map((parts) => parts.join(''));
const bound = fc.oneof(key, fc.constantFrom('', 'ffffffff'));
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('put' as const), key, value: fc.string({ maxLength: 8 }) }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('delete' as const, 'get' as const), key }) },
  {
    weight: 4,
    arbitrary: fc
      .record({
        start: bound.map(hex),
        end: bound.map(hex),
        limit: fc.integer({ min: 0, max: 6 }),
        reverse: fc.boolean(),
      })
      .map((range) => ({ kind: 'range' as const, range })),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'throw' as const }) },
);
const operation = fc.array(step, { minLength: 1, maxLength: 12 });

function applyToModel(model: Map<string, string>, step: Step): unknown {
  switch (step.kind) {
    case 'put':
      return void model.set(step.key, step.value);
    case 'delete':
      return void model.delete(step.key);
    case 'get':
      return model.get(step.key);
    case 'range':
      return rangeOfModel(model, step.range);
    case 'throw':
      return undefined;
  }
}

/** Runs an operation as a whole: a throw leaves the model as it was. */
function runOnModel(model: Map<string, string>, steps: readonly Step[]): unknown {
  if (steps.some(({ kind }) => kind === 'throw')) return 'threw';
  return steps.map((step) => applyToModel(model, step));
}

function permutations(items: readonly number[]): number[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((item) =>
    permutations(items.filter((other) => other !== item)).map((rest) => [item, ...rest]),
  );
}

const undefinedAsNull = (_: string, value: unknown) => (value === undefined ? null : value);

function rangeOfModel(model: Map<string, string>, { start, end, limit, reverse = false }: KeyRange) {
  const [from, to] = [Buffer.from(start).toString('hex'), Buffer.from(end).toString('hex')];
  const within = [...model]
    .filter(([key]) => key >= from && key < to)
    .sort(([one], [other]) => (one < other ? -1 : 1));
  return (reverse ? within.reverse() : within).slice(0, limit);
}

function* applyToTx(tx: WriteTx, steps: readonly Step[]): Op<unknown[]> {
  const seen: unknown[] = [];
  for (const step of steps) {
    switch (step.kind) {
      case 'put':
        seen.push(tx.put(hex(step.key), bytes(step.value)));
        break;
      case 'delete':
        seen.push(tx.delete(hex(step.key)));
        break;
      case 'get': {
        const value = yield* tx.get(hex(step.key));
        seen.push(value && Buffer.from(value).toString());
        break;
      }
      case 'range':
        seen.push(yield* readStep(tx, step.range));
        break;
      case 'throw':
        throw new Error('as the test says');
    }
  }
  return seen;
}

function* readStep(tx: ReadTx, range: KeyRange): Op<[string, string][]> {
  const entries = yield* tx.range(range);
  return entries.map(({ key, value }) => [Buffer.from(key).toString('hex'), Buffer.from(value).toString()]);
}
