/** Contents and their maps: shapes, lengths, and how references go from one to the other. */

import { CONTENT_IDS } from '../contents/bodies.ts';
import { mapEntries, type Span } from '../contents/plan.ts';
import { type ContentId, contentId } from '../ids.ts';
import { InvariantError } from '../invariant.ts';
import { contentKey, contentMapOf, contentOfKey, offsetOfMapKey, SPACE, spaceBounds } from '../meta/keys.ts';
import { type Content, decodeContent, decodeMapEntry, type MapEntry } from '../meta/records/content.ts';
import { frees, hasNoParts, unmarks } from './mends/contents.ts';
import type { Waiting } from './queue.ts';
import { decoded, type Inspection, readable } from './store.ts';

/**
 * An object made by a multipart upload refers to its parts, and a part copied from an object to the contents that
 * own its bytes; what a part refers to is resolved, so that nothing refers further.
 */
const REFERENCE_DEPTH_MAX = 2;
const CONTENTS = 'the contents';

const placeOf = (id: number) => ({ what: `content ${id}`, where: CONTENTS, contents: [id] });

/** @returns how many there are */
export async function checkContents(inspection: Inspection, waiting: Waiting): Promise<number> {
  const { store, report, maxima } = inspection;
  let count = 0;
  for await (const page of store.pages(spaceBounds(SPACE.content))) {
    for (const entry of page) {
      const id = contentId(contentOfKey(entry.key));
      count += 1;
      maxima.note(CONTENT_IDS, id);
      const content = readable(inspection, entry, { ...placeOf(id), decode: decodeContent });
      if (!content) continue;
      if (content.refs === 0 && !waiting.contents.has(id)) {
        report(
          'zeroReferencesNotFreed',
          placeOf(id),
          'nothing refers to it, and it is not in the free queue',
          frees(id),
        );
      }
      if (content.shape.kind === 'map') await checkMapIsThere(inspection, id, content);
      if (content.shape.kind !== 'single') continue;
      const { location } = content.shape;
      if (location.length !== content.lengthBytes || content.hasParts) {
        const detail = `it has ${content.lengthBytes} bytes, its one extent has ${location.length}`;
        if (content.hasParts)
          report('contentShapeWrong', placeOf(id), 'one extent has no parts', hasNoParts(id));
        else report('contentShapeWrong', placeOf(id), detail);
      }
    }
  }
  await checkMaps(inspection);
  return count;
}

/** One of which all entries were lost is not met where maps are walked through. */
async function checkMapIsThere(
  { store, report }: Inspection,
  id: ContentId,
  content: Content,
): Promise<void> {
  const { mappedBytes = 0 } = content;
  if (mappedBytes === 0 || isOnItsWayOut(content)) return;
  if (await store.first(contentMapOf(id))) return;
  report('mappedBytesWrong', placeOf(id), `its map has none of the ${mappedBytes} bytes that it had`);
}

/** Its entries go before it does. */
const isOnItsWayOut = ({ refs }: Content): boolean => refs === 0;

interface Mapped {
  readonly offset: number;
  readonly entry: MapEntry;
}

/** Walks all maps, entry by entry. */
async function checkMaps(inspection: Inspection): Promise<void> {
  const { store } = inspection;
  let current: MapCheck | undefined;
  for await (const page of store.pages(spaceBounds(SPACE.contentMap))) {
    const references: { readonly check: MapCheck; readonly mapped: Mapped }[] = [];
    for (const stored of page) {
      const id = contentId(contentOfKey(stored.key));
      if (current?.id !== id) {
        current?.end();
        const content = await store.get(contentKey(id));
        current = new MapCheck(inspection, id, content && decoded(content, decodeContent));
        if (!content) inspection.report('mapWithoutContent', placeOf(id), 'it has a map and no record');
      }
      const offset = offsetOfMapKey(stored.key);
      const what = `map entry ${offset} of content ${id}`;
      const entry = readable(inspection, stored, { what, where: CONTENTS, decode: decodeMapEntry });
      if (!entry) continue;
      current.add({ offset, entry });
      if (entry.kind === 'ref') references.push({ check: current, mapped: { offset, entry } });
    }
    const targets = await store.getMany(
      references.map(({ mapped }) =>
        mapped.entry.kind === 'ref' ? contentKey(mapped.entry.content) : SOME_KEY,
      ),
    );
    for (const [index, { check, mapped }] of references.entries()) {
      const target = decoded(targets[index], decodeContent);
      // One that does not exist is found where references are counted.
      if (target) await check.follow(mapped, target);
    }
  }
  current?.end();
}

const SOME_KEY = Buffer.of(0);

class MapCheck {
  readonly id: ContentId;
  readonly #inspection: Inspection;
  readonly #content: Content | undefined;
  #end = 0;
  #mappedBytes = 0;

  constructor(inspection: Inspection, id: ContentId, content: Content | undefined) {
    this.#inspection = inspection;
    this.id = id;
    this.#content = content;
  }

  add({ offset, entry }: Mapped): void {
    const { report } = this.#inspection;
    const content = this.#content;
    const place = { what: `map entry ${offset} of content ${this.id}`, where: CONTENTS, contents: [this.id] };
    if (content?.shape.kind === 'single' && this.#end === 0) {
      report('contentShapeWrong', placeOf(this.id), 'it is one extent, and has a map');
    }
    const end = offset + entry.lengthBytes;
    if (offset < this.#end) report('mapOverlap', place, `the one before ends at ${this.#end}`);
    if (entry.lengthBytes === 0) report('mapOverlap', place, 'it is empty');
    this.#end = Math.max(this.#end, end);
    this.#mappedBytes += entry.lengthBytes;
    if (content && end > content.lengthBytes) {
      report('mapBeyondLength', place, `it ends at ${end}, the content at ${content.lengthBytes}`);
    }
    if (entry.kind === 'data' && entry.start + entry.lengthBytes > entry.location.length) {
      const detail = `it is of bytes up to ${entry.start + entry.lengthBytes} of an extent`;
      report('mapOutsideExtent', place, `${detail} of ${entry.location.length}`);
    }
    if (content?.selfContained && entry.kind === 'ref') {
      const mend = unmarks(this.id, 'selfContained');
      report('selfContainedWrong', placeOf(this.id), 'it says that it refers to no other, and does', mend);
    }
    if (content?.hasParts && !entry.part) {
      report('partMarkMissing', place, 'the content says that its entries are parts');
    }
  }

  /** After the last entry. */
  end(): void {
    const content = this.#content;
    const { mappedBytes: said } = content ?? {};
    const found = this.#mappedBytes;
    if (!content || said === undefined || said === found || isOnItsWayOut(content)) return;
    const detail = `the entries of its map are of ${found} bytes, of ${said} it says`;
    // Fewer: some were lost, and what they were of must not become a hole.
    const mend = found > said ? unmarks(this.id, 'mappedBytes') : undefined;
    this.#inspection.report('mappedBytesWrong', placeOf(this.id), detail, mend);
  }

  /** A reference lies within what it refers to, and what that refers to in turn ends soon. */
  async follow({ offset, entry }: Mapped, target: Content): Promise<void> {
    if (entry.kind !== 'ref') return;
    const { report } = this.#inspection;
    const place = { what: `map entry ${offset} of content ${this.id}`, where: CONTENTS, contents: [this.id] };
    const span = { start: entry.start, lengthBytes: entry.lengthBytes };
    if (span.start + span.lengthBytes > target.lengthBytes) {
      const detail = `it is of bytes up to ${span.start + span.lengthBytes} of content ${entry.content}`;
      report('referenceOutOfRange', place, `${detail}, which has ${target.lengthBytes}`);
      return;
    }
    const depth = await depthOf(this.#inspection, { id: entry.content, content: target }, span, 1);
    if (depth <= REFERENCE_DEPTH_MAX) return;
    report(
      'referenceTooDeep',
      place,
      `it leads through more than ${REFERENCE_DEPTH_MAX} references to bytes`,
    );
  }
}

/** None where one of them cannot be read, which is found where it is checked. */
async function entriesIn({ store }: Inspection, id: ContentId, span: Span): Promise<readonly Mapped[]> {
  try {
    return await store.read((tx) => mapEntries({ tx }, id, span));
  } catch (error) {
    if (error instanceof InvariantError) return [];
    throw error;
  }
}

/** How many references lead to the bytes of a span, `so` many having led to this content; no more than too many. */
async function depthOf(
  inspection: Inspection,
  at: { readonly id: ContentId; readonly content: Content },
  span: Span,
  so: number,
): Promise<number> {
  const { id, content } = at;
  if (so > REFERENCE_DEPTH_MAX || content.shape.kind === 'single' || content.selfContained) return so;
  let deepest = so;
  for (const { offset, entry } of await entriesIn(inspection, id, span)) {
    if (entry.kind !== 'ref') continue;
    const stored = decoded(await inspection.store.get(contentKey(entry.content)), decodeContent);
    if (!stored) continue;
    const from = Math.max(offset, span.start);
    const to = Math.min(offset + entry.lengthBytes, span.start + span.lengthBytes);
    const inner = { start: entry.start + from - offset, lengthBytes: to - from };
    const next = { id: entry.content, content: stored };
    deepest = Math.max(deepest, await depthOf(inspection, next, inner, so + 1));
  }
  return deepest;
}
