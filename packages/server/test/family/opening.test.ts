/** The store holds still while a worker opens the metadata, and not for one that is gone. */
import { expect, test, vi } from 'vitest';
import { answersToOpening } from '../../src/serve/family/processes/opening.ts';

function opening(openingMsMax?: number) {
  const over = Promise.withResolvers<void>();
  const held = { now: 0, begun: 0 };
  const gate = Promise.withResolvers<void>();
  const error = vi.fn();
  const killed: number[] = [];
  const answers = answersToOpening({
    holdStill: async () => {
      held.begun += 1;
      await gate.promise;
      held.now += 1;
      return () => {
        held.now -= 1;
      };
    },
    over: over.promise,
    logger: { error },
    kill: (pid) => killed.push(pid),
    ...(openingMsMax !== undefined && { openingMsMax }),
  });
  return { answers, over, gate, held, error, killed };
}

test('it holds until the worker has opened them', async () => {
  const { answers, gate, held, killed } = opening(20);
  gate.resolve();
  expect(await answers.holdStill({ pid: 1 })).toBeNull();
  expect(held.now).toBe(1);
  expect(await answers.goOn(null)).toBeNull();
  expect(held.now).toBe(0);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(killed).toEqual([]);
});

test.each(['while it waits', 'while it opens them'])('and not for one that ends %s', async (when) => {
  const { answers, over, gate, held } = opening();
  const holding = answers.holdStill({ pid: 1 });
  if (when === 'while it opens them') {
    gate.resolve();
    await holding;
    expect(held.now).toBe(1);
  }
  over.resolve();
  gate.resolve();
  await holding;
  await expect.poll(() => held).toEqual({ now: 0, begun: 1 });
});

test('one that is stuck is killed, and nothing goes on before it is gone', async () => {
  const { answers, over, gate, held, error, killed } = opening(20);
  gate.resolve();
  await answers.holdStill({ pid: 77 });
  await expect.poll(() => killed).toEqual([77]);
  expect(error).toHaveBeenCalledOnce();
  expect(held.now).toBe(1);
  over.resolve();
  await expect.poll(() => held.now).toBe(0);
});
