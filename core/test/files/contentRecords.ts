/** What the metadata has of the bytes of files. */

import type { Engine } from '@facet/engine';
import { contentOfKey, freeKey, SPACE, spaceBounds } from '../../src/meta/keys.ts';
import { decodeContent } from '../../src/meta/records/content.ts';
import { decodeFree, type FreeRecord } from '../../src/meta/records/space.ts';

interface Kept {
  readonly engine: Engine;
}

/** How many entries the maps of all contents have. */
export async function mapEntries({ engine }: Kept): Promise<number> {
  const entries = await engine.read((tx) => tx.range({ ...spaceBounds(SPACE.contentMap), limit: 100_000 }));
  return entries.length;
}

/** Contents that something refers to. */
export async function contents({ engine }: Kept): Promise<number[]> {
  const records = await engine.read((tx) => tx.range({ ...spaceBounds(SPACE.content), limit: 100_000 }));
  return records.filter(({ value }) => decodeContent(value).refs > 0).map(({ key }) => contentOfKey(key));
}

/** What waits in the free queue, in order. */
export async function freed({ engine }: Kept): Promise<FreeRecord[]> {
  const records = await engine.read((tx) =>
    tx.range({ start: freeKey(0), end: spaceBounds(SPACE.free).end, limit: 100_000 }),
  );
  return records.map(({ value }) => decodeFree(value));
}
