import { expect, test } from 'vitest';
import { introduce } from '../../src/serve/family/supervisor/introduction.ts';

const WORKER = { isOver: false };
/** More often nobody asks who is to end: what would go on for ever, ends. */
const PATIENCE = 100;

function storeThatEnded() {
  let asked = 0;
  const expectIt = () => {
    asked += 1;
    return asked < PATIENCE ? Promise.reject(new Error('it has ended')) : Promise.resolve();
  };
  return { ended: Promise.resolve(), expect: expectIt, asked: () => asked };
}

test('a worker is made known to the store that comes after one that ended', async () => {
  const known: object[] = [];
  const next = {
    ended: new Promise(() => undefined),
    expect: async (worker: object) => void known.push(worker),
  };
  const stores = [storeThatEnded(), next];
  await introduce(WORKER, { storeIsThere: async () => undefined, store: () => stores.shift() });
  expect(known).toEqual([WORKER]);
});

test('where no other store comes it is not waited for', async () => {
  const store = storeThatEnded();
  const parts = { storeIsThere: async () => undefined, store: () => store };
  await expect(introduce(WORKER, parts)).rejects.toThrow('there is no store to serve');
  expect(store.asked()).toBe(1);
});

test('one that ended is made known to nobody: it would be taken to read for ever', async () => {
  const store = storeThatEnded();
  const parts = { storeIsThere: async () => undefined, store: () => store };
  await expect(introduce({ isOver: true }, parts)).rejects.toThrow('ended before it began');
  expect(store.asked()).toBe(0);
});
