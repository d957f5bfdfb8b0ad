import { expect, it, onTestFinished } from 'vitest';
import { startWorld } from './world.ts';

it.each(['200-ok', '200', 'peace'])('an expectation of %s is ignored', async (expectation) => {
  const world = await startWorld();
  onTestFinished(() => world.close());
  await world.alice.put('/first');
  const put = await world.alice.put('/first/a', 'bytes', { expect: expectation });
  expect(put.status).toBe(200);
  expect(await world.alice.get('/first/a')).toMatchObject({ status: 200, text: 'bytes' });
});
