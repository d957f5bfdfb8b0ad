import { type Engine, MemoryEngine } from '@facet/engine';
import { expect, it } from 'vitest';
import { fillLostRanges } from '../../src/backup/lostRanges.ts';
import { contentId } from '../../src/ids.ts';
import { contentMapKey, prefixBounds, SPACE } from '../../src/meta/keys.ts';

const ENTRIES = 2500;
const PER_TRANSACTION = 1000;

it('a restore that is ended while it fills what was lost ends behind the transaction under way', async () => {
  const engine = new MemoryEngine();
  const keys = Array.from({ length: ENTRIES }, (_, at) => contentMapKey(contentId(1), at * 4096));
  await engine.write(function* (tx) {
    for (const key of keys) tx.put(key, Buffer.from('damaged'));
    return yield* tx.getMany([]);
  });
  const ending = new AbortController();
  const writing: Engine = {
    read: (op) => engine.read(op),
    spareBytes: () => engine.spareBytes(),
    close: () => engine.close(),
    write: async (op) => {
      const result = await engine.write(op);
      ending.abort();
      return result;
    },
  };
  await expect(fillLostRanges(writing, keys, ending.signal)).rejects.toMatchObject({ code: 'Closed' });
  const bounds = { ...prefixBounds(Buffer.of(SPACE.contentMap)), limit: ENTRIES };
  expect(await engine.read((tx) => tx.range(bounds))).toHaveLength(ENTRIES - PER_TRANSACTION);
  await engine.close();
});
