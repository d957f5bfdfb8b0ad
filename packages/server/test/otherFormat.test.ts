/** A store that an older version wrote: whatever would read it says so, with one exit code, and leaves its format as it is. */
import { expect, test } from 'vitest';
import { storeLayout } from '../src/store/layout.ts';
import { openMetadata } from '../src/store/metadata.ts';
import { facet, serve, stop, temporaryDirectory } from './facetProcess.ts';

/** The record that says which format a store has, of flags that are set in three words. */
const FORMAT_KEY = Buffer.of(0x01);
const OLDER = Buffer.from('01000000000000000000000001', 'hex');

async function formatOf(data: string, changed?: Buffer): Promise<Buffer | undefined> {
  const { engine } = await openMetadata(storeLayout(data));
  try {
    if (changed) {
      await engine.write(function* (tx) {
        tx.put(FORMAT_KEY, changed);
        return yield* tx.get(FORMAT_KEY);
      });
    }
    const stored = await engine.read((tx) => tx.get(FORMAT_KEY));
    return stored && Buffer.from(stored);
  } finally {
    await engine.close();
  }
}

test('is refused by a start, by fsck and by a repair', async () => {
  const data = temporaryDirectory();
  await stop(await serve({ data }));
  const newer = await formatOf(data);
  expect(newer).toHaveLength(OLDER.length);
  expect(newer).not.toEqual(OLDER);
  await formatOf(data, OLDER);
  for (const words of [
    ['serve', '--s3', '127.0.0.1:0', '--admin', '127.0.0.1:0', '--nfs', 'off'],
    ['fsck'],
    ['fsck', '--full'],
    ['fsck', '--repair'],
    ['fsck', '--repair', '--dry-run'],
  ]) {
    const { code, stderr } = await facet([...words, '--data', data]);
    expect([words.join(' '), code, stderr]).toEqual([
      words.join(' '),
      2,
      expect.stringContaining('written by an older version'),
    ]);
  }
  expect(await formatOf(data)).toEqual(OLDER);
});
