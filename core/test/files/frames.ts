/**
 * The frames on disk against the metadata: each is mapped by the content it names, where it says, or handed back by
 * the collector, and that once.
 */

import type { Engine, Entry } from '@facet/engine';
import type { ExtentStore, PhysicalRun } from '@facet/extents';
import { expect } from 'vitest';
import { contentOfKey, offsetOfMapKey, SPACE, spaceBounds } from '../../src/meta/keys.ts';
import { decodeContent, decodeMapEntry } from '../../src/meta/records/content.ts';
import { decodeReclaim } from '../../src/meta/records/space.ts';
import { framesTouching, runOfFrames } from '../../src/space/frames.ts';

/** Where frames of an extent lie that a content maps, and what they should say. */
interface Mapped {
  readonly run: PhysicalRun;
  readonly content: number;
  /** Of the extent's first byte. */
  readonly fileOffset: number;
  readonly extentOffset: number;
}

export async function checkFrames(
  engine: Engine,
  extents: ExtentStore,
): Promise<{ readonly mapped: number }> {
  const all = (space: number): Promise<readonly Entry[]> =>
    engine.read((tx) => tx.range({ ...spaceBounds(space), limit: 1_000_000 }));
  const mapped: Mapped[] = [];
  for (const { key, value } of await all(SPACE.content)) {
    const { refs, shape, lengthBytes } = decodeContent(value);
    if (refs === 0 || shape.kind === 'map') continue;
    const { location } = shape;
    const run = runOfFrames(location, framesTouching({ start: 0, lengthBytes }));
    mapped.push({ run, content: contentOfKey(key), fileOffset: 0, extentOffset: location.offset });
  }
  for (const { key, value } of await all(SPACE.contentMap)) {
    const entry = decodeMapEntry(value);
    if (entry.kind !== 'data') continue;
    mapped.push({
      run: runOfFrames(entry.location, framesTouching(entry)),
      content: contentOfKey(key),
      fileOffset: offsetOfMapKey(key) - entry.start,
      extentOffset: entry.location.offset,
    });
  }
  const back = (await all(SPACE.reclaim)).flatMap(({ value }) => decodeReclaim(value).runs);
  const within = (run: PhysicalRun, frame: PhysicalRun): boolean =>
    run.container === frame.container &&
    run.offset <= frame.offset &&
    run.offset + run.length >= frame.offset + frame.length;
  for (const { container } of await extents.list()) {
    for await (const { offset, physicalLength, owner } of extents.scan(container)) {
      const frame = { container, offset, length: physicalLength };
      const alive = mapped.filter(({ run }) => within(run, frame));
      const given = back.filter((run) => within(run, frame)).length;
      const place = `${container}@${offset}`;
      expect([place, alive.length > 0, given]).toEqual([place, given === 0, alive.length > 0 ? 0 : 1]);
      for (const { content, fileOffset, extentOffset } of alive) {
        expect(owner.contentId).toBe(content);
        if (offset === extentOffset) expect(owner.fileOffset).toBe(fileOffset);
      }
    }
  }
  return { mapped: mapped.length };
}
