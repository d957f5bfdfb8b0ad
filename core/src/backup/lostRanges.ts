/**
 * Where an entry of a map was lost there is a hole, and a hole reads as zeros. When such a map is brought back, a part of an
 * extent that is nowhere takes its place: all doors and checks take that for what it is, bytes that are gone, and what is
 * written there anew mends it.
 *
 * How long the entry was nobody knows; and what was damaged may have been its key, so that it was lost elsewhere in the map,
 * or in another. So every hole of the content may be the one, unless it counts its bytes and has them all.
 */

import type { Bytes, Engine, Op, OwnWrite, ReadTx } from '@facet/engine';
import { containerId, type Location, physicalLength } from '@facet/extents';
import { take } from '../commands/counter.ts';
import { walkBack } from '../contents/mapWalk.ts';
import type { PlacedEntry } from '../contents/plan.ts';
import { type ContentId, contentId } from '../ids.ts';
import { contentKey, contentMapKey, contentOfKey } from '../meta/keys.ts';
import { type Content, decodeContent, encodeContent, encodeMapEntry } from '../meta/records/content.ts';
import { CONTAINER_IDS } from '../recovery/leases.ts';
import { writeChanges } from './changes.ts';
import { ended } from './ended.ts';

const CHANGES_PER_TRANSACTION = 1000;

interface Gap {
  readonly offset: number;
  readonly lengthBytes: number;
}

/**
 * Puts what is nowhere in the place of entries, and of the holes beside them.
 * @param lost keys of maps, with anything there. @throws FsError Closed (ended)
 */
export async function fillLostRanges(
  engine: Engine,
  lost: readonly Bytes[],
  signal: AbortSignal | undefined,
): Promise<void> {
  if (lost.length === 0) return;
  for (let at = 0; at < lost.length; at += CHANGES_PER_TRANSACTION) {
    const some = lost.slice(at, at + CHANGES_PER_TRANSACTION);
    await write(
      engine,
      some.map((key) => ({ key, value: undefined })),
      signal,
    );
  }
  // What was damaged may have been the key: then it is of no content.
  const contents = new Set(lost.map(contentOfKey).filter((id) => Number.isSafeInteger(id) && id > 0));
  // Nobody leases them again: of those containers there will never be a file. One a content, since files are long: no
  // place in it is beyond what a number holds.
  const first = await engine.write((tx) => take(tx, { name: CONTAINER_IDS, count: contents.size }));
  for (const [at, id] of [...contents].map(contentId).entries()) {
    const container = containerId(first + at);
    let offset = 0;
    const nowhere = (length: number): Location => {
      const location = { store: 0, container, offset, length };
      offset += physicalLength(location);
      return location;
    };
    const entryOf = ({ offset: start, lengthBytes }: Gap): OwnWrite => ({
      key: contentMapKey(id, start),
      value: encodeMapEntry({ kind: 'data', lengthBytes, start: 0, location: nowhere(lengthBytes) }),
    });
    const content = await engine.read((tx) => withMap(tx, id));
    if (!content || (await hasAll(engine, id, content))) continue;
    for await (const gaps of gapsOf(engine, id, content)) await write(engine, gaps.map(entryOf), signal);
    if (content.mappedBytes === undefined) continue;
    const filled = { ...content, mappedBytes: content.lengthBytes };
    await write(engine, [{ key: contentKey(id), value: encodeContent(filled) }], signal);
  }
}

/** The entries that there are, are of as many bytes as it counts. */
async function hasAll(engine: Engine, id: ContentId, content: Content): Promise<boolean> {
  let mappedBytes = content.lengthBytes;
  for await (const gaps of gapsOf(engine, id, content)) {
    for (const { lengthBytes } of gaps) mappedBytes -= lengthBytes;
  }
  return mappedBytes === content.mappedBytes;
}

/** The last ones first, as many at a time as fit a transaction, in which they may be filled. */
async function* gapsOf(
  engine: Engine,
  id: ContentId,
  { lengthBytes }: Content,
): AsyncGenerator<readonly Gap[]> {
  for (let end = lengthBytes; end > 0; ) {
    const before = end;
    const last = await engine.read((tx) => lastGaps(tx, id, before));
    yield last.gaps;
    end = last.start;
  }
}

async function write(
  engine: Engine,
  changes: readonly OwnWrite[],
  signal: AbortSignal | undefined,
): Promise<void> {
  if (signal?.aborted) throw ended();
  await writeChanges(engine, changes);
}

/** @returns undefined where the key was what was damaged, or the content is lost, too */
function* withMap(tx: ReadTx, id: ContentId): Op<Content | undefined> {
  const stored = yield* tx.get(contentKey(id));
  const content = stored && decodeContent(stored);
  return content?.shape.kind === 'map' ? content : undefined;
}

/** The last ones before `end`, as many as fit a transaction. @returns also where those before them end; 0: there are none */
function* lastGaps(
  tx: ReadTx,
  id: ContentId,
  end: number,
): Op<{ readonly gaps: readonly Gap[]; readonly start: number }> {
  const gaps: Gap[] = [];
  let start = end;
  const isEnough = ({ offset, entry }: PlacedEntry): boolean => {
    const entryEnd = offset + entry.lengthBytes;
    if (entryEnd < start) gaps.push({ offset: entryEnd, lengthBytes: start - entryEnd });
    start = offset;
    return gaps.length >= CHANGES_PER_TRANSACTION;
  };
  if (yield* walkBack({ tx }, id, { span: { start: 0, lengthBytes: end }, isEnough })) return { gaps, start };
  if (start > 0) gaps.push({ offset: 0, lengthBytes: start });
  return { gaps, start: 0 };
}
