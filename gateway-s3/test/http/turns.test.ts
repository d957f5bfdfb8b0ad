import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';
import { Turns } from '../../src/http/turns.ts';

/** Asks for so many bytes at a time, all at once, and says in which turn of the event loop each was let go, from 0. */
async function turnsOf(turns: Turns, lengths: readonly number[]): Promise<readonly number[]> {
  let turn = 0;
  let done = false;
  // Asked for first, so each turn begins with it.
  const count = (): void => {
    turn += 1;
    if (!done) setImmediate(count);
  };
  setImmediate(count);
  const went = await Promise.all(
    lengths.map(async (lengthBytes) => {
      await turns.take(lengthBytes);
      return turn;
    }),
  );
  done = true;
  return went;
}

it('lets go of so many bytes a turn, first come, first served', async () => {
  const went = await turnsOf(new Turns(100), [40, 40, 40, 10, 100, 1]);
  expect(went).toEqual([...went].sort((a, b) => a - b));
  const bytesOf = new Map<number, number>();
  for (const [at, lengthBytes] of [40, 40, 40, 10, 100, 1].entries()) {
    const turn = went[at] ?? -1;
    bytesOf.set(turn, (bytesOf.get(turn) ?? 0) + lengthBytes);
  }
  expect([...bytesOf.values()]).toEqual([80, 50, 100, 1]);
});

it('lets one transfer go that is larger than a turn', async () => {
  expect(new Set(await turnsOf(new Turns(10), [50, 50])).size).toBe(2);
});

it('does not wait, nor promise, within the turn', () => {
  const turns = new Turns(100);
  expect(turns.take(60)).toBeUndefined();
  expect(turns.take(40)).toBeUndefined();
  expect(turns.take(1)).toBeInstanceOf(Promise);
});

it('has others wait for a millisecond of hashing, not for ten', () => {
  const turns = new Turns();
  const pieceBytes = 64 << 10;
  let movedBytes = 0;
  while (turns.take(pieceBytes) === undefined) movedBytes += pieceBytes;
  expect(movedBytes).toBe(512 << 10);
});

it('leaves the event loop alone once nobody moves anything', async () => {
  const turns = new Turns(10);
  await turnsOf(turns, [10, 10, 10]);
  await nextTurn();
  const spy = vi.spyOn(globalThis, 'setImmediate');
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(spy).not.toHaveBeenCalled();
  expect(turns.take(10)).toBeUndefined();
  expect(spy).toHaveBeenCalledOnce();
  spy.mockRestore();
});
