/**
 * Who refers to which content, counted and compared. Contents are taken a window of ids at a time, each of which
 * costs a walk through all that refers, so that memory has a bound whatever the store's size.
 */

import { contentId } from '../ids.ts';
import {
  contentOfKey,
  inodeOfKey,
  layerOfKey,
  offsetOfMapKey,
  partNumberOfKey,
  SPACE,
  spaceBounds,
} from '../meta/keys.ts';
import { decodeContent, decodeMapEntry } from '../meta/records/content.ts';
import { type BodyRef, decodeInode } from '../meta/records/inode.ts';
import { decodePart } from '../meta/records/upload.ts';
import { countsReferences } from './mends/contents.ts';
import { decoded, type Inspection } from './store.ts';

/** Twenty bytes each. */
const CONTENTS_PER_WALK = 1 << 22;

export async function checkReferences(
  inspection: Inspection,
  contentsPerWalk = CONTENTS_PER_WALK,
): Promise<void> {
  let window = new Window(0);
  for await (const { key, value } of inspection.store.entries(spaceBounds(SPACE.content))) {
    if (window.ids.length === contentsPerWalk) {
      const id = contentOfKey(key);
      await window.compare(inspection, id);
      window = new Window(id);
    }
    window.add(contentOfKey(key), decoded(value, decodeContent)?.refs);
  }
  await window.compare(inspection, Number.POSITIVE_INFINITY);
}

/** The contents from one id on, and what is said and counted of them. */
class Window {
  readonly ids: number[] = [];
  readonly #first: number;
  /** Not a number where the record cannot be read. */
  readonly #said: number[] = [];

  constructor(first: number) {
    this.#first = first;
  }

  add(id: number, refs: number | undefined): void {
    this.ids.push(id);
    this.#said.push(refs ?? Number.NaN);
  }

  async compare(inspection: Inspection, end: number): Promise<void> {
    const { report } = inspection;
    const counts = new Uint32Array(this.ids.length);
    for await (const { content, from } of references(inspection)) {
      if (content < this.#first || content >= end) continue;
      const index = this.#indexOf(content);
      if (this.ids[index] === content) counts[index] = (counts[index] ?? 0) + 1;
      else report('contentMissing', from, `content ${content} does not exist`);
    }
    for (const [index, id] of this.ids.entries()) {
      const said = this.#said[index] ?? Number.NaN;
      if (Number.isNaN(said) || said === counts[index]) continue;
      const place = { what: `content ${id}`, where: 'the contents', contents: [id] };
      const refs = counts[index] ?? 0;
      const mend = countsReferences(contentId(id), { said, refs });
      report('referenceCountWrong', place, `it says ${said} references, there are ${refs}`, mend);
    }
  }

  #indexOf(id: number): number {
    let low = 0;
    let high = this.ids.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.ids[middle] ?? 0) < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

interface Reference {
  readonly content: number;
  readonly from: { readonly what: string; readonly where: string };
}

async function* references({ store, layers }: Inspection): AsyncGenerator<Reference> {
  const names = new Map<number, string>([...layers].map(([layer, { name }]) => [layer, name]));
  const where = (key: Uint8Array): string => `volume ${names.get(layerOfKey(key)) ?? 'unknown'}`;
  const ofBody = (key: Uint8Array, body: BodyRef | undefined): Reference | undefined =>
    body?.kind === 'content'
      ? { content: body.content, from: { what: `inode ${inodeOfKey(key)}`, where: where(key) } }
      : undefined;
  for await (const { key, value } of store.entries(spaceBounds(SPACE.inode))) {
    const reference = ofBody(key, decoded(value, decodeInode)?.body);
    if (reference) yield reference;
  }
  for await (const { key, value } of store.entries(spaceBounds(SPACE.part))) {
    const content = decoded(value, decodePart)?.content;
    const upload = Buffer.from(key.subarray(1, 17)).toString('hex');
    if (content) yield { content, from: { what: `part ${partNumberOfKey(key)}`, where: `upload ${upload}` } };
  }
  for await (const { key, value } of store.entries(spaceBounds(SPACE.contentMap))) {
    const entry = decoded(value, decodeMapEntry);
    if (entry?.kind !== 'ref') continue;
    const what = `map entry ${offsetOfMapKey(key)} of content ${contentOfKey(key)}`;
    yield { content: entry.content, from: { what, where: 'the contents' } };
  }
}
