/** The frames on disk against the metadata: each is mapped, or handed back by the collector, and that once. */

import type { Engine } from '@facet/engine';
import type { ExtentStore, PhysicalRun } from '@facet/extents';
import { expect } from 'vitest';
import { SPACE, spaceBounds } from '../../src/meta/keys.ts';
import { decodeContent, decodeMapEntry } from '../../src/meta/records/content.ts';
import { decodeReclaim } from '../../src/meta/records/space.ts';
import { framesTouching, runOfFrames, wholeRun } from '../../src/space/frames.ts';

const placeOf = (run: { readonly container: number; readonly offset: number }): string =>
  `${run.container}@${run.offset}`;

export async function checkFrames(
  engine: Engine,
  extents: ExtentStore,
): Promise<{ readonly mapped: number }> {
  const all = async (space: number) => {
    const entries = await engine.read((tx) => tx.range({ ...spaceBounds(space), limit: 1_000_000 }));
    return entries.map(({ value }) => value);
  };
  const mapped: PhysicalRun[] = [];
  for (const { refs, shape } of (await all(SPACE.content)).map(decodeContent)) {
    if (refs > 0 && shape.kind === 'single') mapped.push(wholeRun(shape.location));
  }
  for (const entry of (await all(SPACE.contentMap)).map(decodeMapEntry)) {
    if (entry.kind !== 'data') continue;
    mapped.push(runOfFrames(entry.location, framesTouching(entry)));
  }
  const back = (await all(SPACE.reclaim)).flatMap((value) => decodeReclaim(value).runs);
  const holds = (runs: readonly PhysicalRun[], frame: PhysicalRun): number =>
    runs.filter(
      (run) =>
        run.container === frame.container &&
        run.offset <= frame.offset &&
        run.offset + run.length >= frame.offset + frame.length,
    ).length;
  for (const { container } of await extents.list()) {
    for await (const { offset, physicalLength } of extents.scan(container)) {
      const frame = { container, offset, length: physicalLength };
      const alive = holds(mapped, frame) > 0;
      expect([placeOf(frame), alive, holds(back, frame)]).toEqual([placeOf(frame), alive, alive ? 0 : 1]);
    }
  }
  return { mapped: mapped.length };
}
