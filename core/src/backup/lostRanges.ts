/**
 * Where an entry of a map was lost there is a hole, and a hole reads as zeros. When such a map is brought back, a part of an
 * extent that is nowhere takes its place: all doors and checks take that for what it is, bytes that are gone, and what is
 * written there anew mends it.
 *
 * How long the entry was nobody knows; and what was damaged may have been its key, so that it was lost elsewhere in the map.
 * So every hole of the content may be the one.
 */

import type { Bytes, Engine, Op, OwnWrite, ReadTx } from '@facet/engine';
import { containerId, type Location, physicalLength } from '@facet/extents';
import { take } from '../commands/counter.ts';
import { mapEntries } from '../contents/plan.ts';
import { type ContentId, contentId } from '../ids.ts';
import { contentKey, contentMapKey, contentOfKey } from '../meta/keys.ts';
import { decodeContent, encodeMapEntry } from '../meta/records/content.ts';
import { CONTAINER_IDS } from '../recovery/leases.ts';
import { writeChanges } from './changes.ts';

const CHANGES_PER_TRANSACTION = 1000;

interface Gap {
  readonly offset: number;
  readonly lengthBytes: number;
}

/** Puts what is nowhere in the place of entries, and of the holes beside them. @param lost keys of maps, with anything there */
export async function fillLostRanges(engine: Engine, lost: readonly Bytes[]): Promise<void> {
  if (lost.length === 0) return;
  await write(
    engine,
    lost.map((key) => ({ key, value: undefined })),
  );
  // What was damaged may have been the key: then it is of no content.
  const contents = new Set(lost.map(contentOfKey).filter((id) => Number.isSafeInteger(id) && id > 0));
  // Nobody leases them again: of those containers there will never be a file. One a content, since files are long: no
  // place in it is beyond what a number holds.
  const first = await engine.write((tx) => take(tx, { name: CONTAINER_IDS, count: contents.size }));
  for (const [at, id] of [...contents].map(contentId).entries()) {
    const gaps = await engine.read((tx) => gapsOf(tx, id));
    const container = containerId(first + at);
    let offset = 0;
    const nowhere = (length: number): Location => {
      const location = { store: 0, container, offset, length };
      offset += physicalLength(location);
      return location;
    };
    await write(
      engine,
      gaps.map(({ offset: start, lengthBytes }) => ({
        key: contentMapKey(id, start),
        value: encodeMapEntry({ kind: 'data', lengthBytes, start: 0, location: nowhere(lengthBytes) }),
      })),
    );
  }
}

async function write(engine: Engine, changes: readonly OwnWrite[]): Promise<void> {
  for (let at = 0; at < changes.length; at += CHANGES_PER_TRANSACTION)
    await writeChanges(engine, changes.slice(at, at + CHANGES_PER_TRANSACTION));
}

function* gapsOf(tx: ReadTx, id: ContentId): Op<readonly Gap[]> {
  const stored = yield* tx.get(contentKey(id));
  const content = stored && decodeContent(stored);
  // Else it is the key that was damaged, or the content is lost, too.
  if (content?.shape.kind !== 'map') return [];
  const { lengthBytes } = content;
  const gaps: Gap[] = [];
  let at = 0;
  for (const { offset, entry } of yield* mapEntries({ tx }, id, { start: 0, lengthBytes })) {
    if (offset > at) gaps.push({ offset: at, lengthBytes: offset - at });
    at = offset + entry.lengthBytes;
  }
  if (at < lengthBytes) gaps.push({ offset: at, lengthBytes: lengthBytes - at });
  return gaps;
}
