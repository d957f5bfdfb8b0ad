import { expect, test } from 'vitest';
import { closeDoors } from '../src/serve/closeDoors.ts';

function doorOf(work: string) {
  const finished = Promise.withResolvers<void>();
  let isOpen = true;
  const close = (): Promise<void> => {
    isOpen = false;
    return finished.promise;
  };
  return { work, close, isOpen: () => isOpen, finish: finished.resolve };
}

test('no door takes what is new while another finishes what is old', async () => {
  const doors = [doorOf('requests'), doorOf('NFS calls')];
  let areClosed = false;
  const logger = { warn: () => expect.unreachable() };
  const closing = closeDoors(doors, { graceMs: 60_000, logger }).then(() => {
    areClosed = true;
  });
  expect(doors.map((door) => door.isOpen())).toEqual([false, false]);
  doors[0]?.finish();
  await new Promise(setImmediate);
  expect(areClosed).toBe(false);
  doors[1]?.finish();
  await closing;
});

test('what does not end is told of when its grace is over', async () => {
  const said: string[] = [];
  const logger = { warn: (_fields: object, message: string) => said.push(message) };
  const doors = [doorOf('requests'), doorOf('NFS calls')];
  doors[0]?.finish();
  await closeDoors(doors, { graceMs: 1, logger });
  expect(said).toEqual(['NFS calls in flight took too long and are cut off']);
});
