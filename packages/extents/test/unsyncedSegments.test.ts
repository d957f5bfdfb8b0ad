import { expect, test } from 'vitest';
import type { DiskFile } from '../src/disk.ts';
import { UnsyncedSegments } from '../src/unsyncedSegments.ts';

/** One whose sync ends when it is told to. */
function slowFile() {
  const seen: string[] = [];
  let end = Promise.withResolvers<void>();
  const file: Pick<DiskFile, 'sync' | 'close'> = {
    sync: async () => {
      seen.push('sync begins');
      await end.promise;
      end = Promise.withResolvers();
      seen.push('sync ends');
    },
    close: async () => void seen.push('closed'),
  };
  return { file: file as DiskFile, seen, endSync: () => end.resolve() };
}

test('a segment that is sealed while it is synced is closed after that', async () => {
  const { file, seen, endSync } = slowFile();
  const segments = new UnsyncedSegments();
  segments.written(file);
  const settled = segments.settle();
  await expect.poll(() => seen).toEqual(['sync begins']);
  await segments.end(file);
  expect(seen).toEqual(['sync begins']);
  endSync();
  await settled;
  expect(seen).toEqual(['sync begins', 'sync ends', 'closed']);
});

test('one that was written to meanwhile is synced once more before it is closed', async () => {
  const { file, seen, endSync } = slowFile();
  const segments = new UnsyncedSegments();
  segments.written(file);
  const settled = segments.settle();
  await expect.poll(() => seen).toEqual(['sync begins']);
  segments.written(file);
  await segments.end(file);
  endSync();
  await settled;
  expect(seen).toEqual(['sync begins', 'sync ends']);
  const again = segments.settle();
  await expect.poll(() => seen.length).toBe(3);
  endSync();
  await again;
  expect(seen.slice(2)).toEqual(['sync begins', 'sync ends', 'closed']);
});

test('one to which nothing was written since is closed at once', async () => {
  const { file, seen, endSync } = slowFile();
  const segments = new UnsyncedSegments();
  segments.written(file);
  endSync();
  await segments.settle();
  await segments.end(file);
  expect(seen).toEqual(['sync begins', 'sync ends', 'closed']);
});
