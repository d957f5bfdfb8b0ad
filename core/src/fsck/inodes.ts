/** The inodes of one volume: their names, where their bytes are, what belongs to them, and what they use. */

import type { Bytes } from '@facet/engine';
import { CONTENT_IDS } from '../contents/bodies.ts';
import { cookie, type InodeId, inodeId, ROOT_INODE } from '../ids.ts';
import {
  contentKey,
  cookieKey,
  dentryKey,
  directoryKey,
  inlineKey,
  inodeKey,
  inodeOfKey,
  layerBounds,
  linksOf,
  orphanKey,
  placeOfLinkKey,
  SPACE,
  tagsKey,
  usageKey,
} from '../meta/keys.ts';
import { decodeContent } from '../meta/records/content.ts';
import { type BodyRef, decodeInode, type Inode, type Place } from '../meta/records/inode.ts';
import { decodeObjectRecord, decodeTags, type ObjectRecord, objectOf } from '../meta/records/object.ts';
import { decodeDentry, decodeEntryName } from '../meta/records/tree.ts';
import { decodeUsage } from '../meta/records/volume.ts';
import type { Tags } from '../objects/types.ts';
import { CONTAINER_IDS } from '../recovery/leases.ts';
import type { Volume } from '../volumes/types.ts';
import {
  countsNames,
  countsTags,
  countsUsage,
  forgetsPlace,
  givesFurtherName,
  givesName,
  rescuesInline,
} from './mends/inodes.ts';
import { removal } from './mends/mend.ts';
import { makesState } from './mends/names.ts';
import { decoded, type Inspection, readable } from './store.ts';
import { inodeCounter } from './volumes.ts';

const SOME_KEY = Buffer.of(0);
/** There is no record of them. */
const NO_TAGS: Tags = [];

interface Held {
  readonly id: InodeId;
  readonly inode: Inode;
}

/** @returns how many there are */
export async function checkInodes(inspection: Inspection, volume: Volume): Promise<number> {
  const check = new InodeCheck(inspection, volume);
  const sizes = await check.inodes();
  await check.links();
  await check.inlineBytes();
  await check.tags();
  await check.orphans();
  await check.usage(sizes);
  return sizes.inodes;
}

class InodeCheck {
  readonly #inspection: Inspection;
  readonly #volume: Volume;
  readonly #where: string;

  constructor(inspection: Inspection, volume: Volume) {
    this.#inspection = inspection;
    this.#volume = volume;
    this.#where = `volume ${volume.name}`;
  }

  #place(id: number): { readonly what: string; readonly where: string } {
    return { what: `inode ${id}`, where: this.#where };
  }

  async inodes(): Promise<{ readonly bytes: number; readonly inodes: number }> {
    const { store, maxima } = this.#inspection;
    let bytes = 0;
    let inodes = 0;
    for await (const page of store.pages(layerBounds(SPACE.inode, this.#volume.layer))) {
      const held: Held[] = [];
      for (const entry of page) {
        const id = inodeId(inodeOfKey(entry.key));
        inodes += 1;
        maxima.note(inodeCounter(this.#volume.layer), id);
        const inode = readable(this.#inspection, entry, { ...this.#place(id), decode: decodeInode });
        if (!inode) continue;
        bytes += inode.sizeBytes;
        const { body } = inode;
        // An id that is given out again would be taken for that of the bytes which are remembered here.
        if (body.kind === 'content') maxima.note(CONTENT_IDS, body.content);
        if (body.kind === 'content' && body.at) maxima.note(CONTAINER_IDS, body.at.container);
        held.push({ id, inode });
      }
      await this.#checkNames(held);
      await this.#checkBodies(
        held.map(({ id, inode }) => ({ id, body: inode.body, bytes: inode.sizeBytes })),
      );
      await this.#checkStates(held);
      await this.#checkObjects(held);
    }
    return { bytes, inodes };
  }

  /** The first name leads back to the inode, and there are as many as it says. */
  async #checkNames(held: readonly Held[]): Promise<void> {
    const { report, store } = this.#inspection;
    const named = held.filter(({ id, inode }) => id !== ROOT_INODE && inode.nlink > 0);
    const found = await this.#inodesAt(named.map(({ inode }) => inode.place));
    for (const [index, { id, inode }] of named.entries()) {
      const { parent, cookie: at } = inode.place;
      if (found[index] !== id) {
        report(
          'inodeWithoutName',
          this.#place(id),
          `its name, cookie ${at} of directory ${parent}, is not there`,
          givesName(this.#volume, id),
        );
      }
      if (inode.nlink === 1) continue;
      let names = 1;
      for await (const _link of store.entries(linksOf(this.#volume.layer, id))) names += 1;
      if (inode.type === 'directory' || names !== inode.nlink) {
        report(
          'linkCountWrong',
          this.#place(id),
          `its nlink is ${inode.nlink}, it has ${names} names`,
          countsNames(this.#volume.layer, id, inode),
        );
      }
    }
    const orphans = held.filter(({ inode }) => inode.nlink === 0);
    const marks = await store.getMany(orphans.map(({ id }) => orphanKey(this.#volume.layer, id)));
    for (const [index, { id }] of orphans.entries()) {
      if (marks[index]) continue;
      const mend = givesName(this.#volume, id);
      report('orphanMarkWrong', this.#place(id), 'it has no name and is not marked', mend);
    }
  }

  /** Whether an entry that is no directory's is gone, and its cookie there still. */
  async #hasCookieAlone({ parent, cookie: at }: Place): Promise<boolean> {
    const { store } = this.#inspection;
    const { layer } = this.#volume;
    const [stored, state] = await store.getMany([cookieKey(layer, parent, at), directoryKey(layer, parent)]);
    const name = decoded(stored, decodeEntryName);
    if (!name || name.directory || !state) return false;
    return (await store.get(dentryKey(layer, parent, name))) === undefined;
  }

  /** The inodes that entries at these places lead to. */
  async #inodesAt(places: readonly Place[]): Promise<readonly (number | undefined)[]> {
    const { store } = this.#inspection;
    const { layer } = this.#volume;
    const names = (await store.getMany(places.map((at) => cookieKey(layer, at.parent, at.cookie)))).map(
      (stored) => decoded(stored, decodeEntryName),
    );
    const keys = places.map(({ parent }, index) => {
      const name = names[index];
      return name ? dentryKey(layer, parent, name) : undefined;
    });
    const stored = await store.getMany(keys.filter((key) => key !== undefined));
    let next = 0;
    return keys.map((key, index) => {
      if (!key) return undefined;
      const dentry = decoded(stored[next], decodeDentry);
      next += 1;
      return dentry && dentry.cookie === places[index]?.cookie ? dentry.inode : undefined;
    });
  }

  /** Bytes are where the body says, and as many. Contents that do not exist are found where references are counted. */
  async #checkBodies(
    bodies: readonly { readonly id: InodeId; readonly body: BodyRef; readonly bytes: number }[],
  ): Promise<void> {
    const { store, report } = this.#inspection;
    const keys = bodies.map(({ id, body }) =>
      body.kind === 'content' ? contentKey(body.content) : inlineKey(this.#volume.layer, id),
    );
    const stored = await store.getMany(keys);
    for (const [index, { id, body, bytes }] of bodies.entries()) {
      const found = stored[index];
      if (body.kind === 'content') this.#checkContent(id, body, { found, bytes });
      if (body.kind !== 'inline') continue;
      if (!found) report('inlineMissing', this.#place(id), 'its bytes are inline, and are not there');
      else if (found.length > bytes || found.length === 0) {
        report('inlineLengthWrong', this.#place(id), `it has ${bytes} bytes, inline are ${found.length}`);
      }
    }
  }

  /** A place that compaction moved the bytes from is no finding: whoever reads there sees it. */
  #checkContent(
    id: InodeId,
    { content, at }: Extract<BodyRef, { readonly kind: 'content' }>,
    { found, bytes }: { readonly found: Bytes | undefined; readonly bytes: number },
  ): void {
    const { report } = this.#inspection;
    const record = decoded(found, decodeContent);
    const length = record?.lengthBytes ?? bytes;
    if (length !== bytes) {
      const detail = `it has ${bytes} bytes, content ${content} has ${length}`;
      report('contentLengthWrong', this.#place(id), detail);
    }
    if (!at || record?.shape.kind !== 'map') return;
    const detail = `it remembers one place of content ${content}, which is in pieces`;
    const mend = forgetsPlace(this.#volume.layer, id, content);
    report('rememberedPlaceWrong', this.#place(id), detail, mend);
  }

  async #checkStates(held: readonly Held[]): Promise<void> {
    const { store, report } = this.#inspection;
    const { layer } = this.#volume;
    const directories = held.filter(({ inode }) => inode.type === 'directory');
    const states = await store.getMany(directories.map(({ id }) => directoryKey(layer, id)));
    for (const [index, { id }] of directories.entries()) {
      const mend = makesState({ layer, parent: id });
      if (!states[index]) report('directoryStateMissing', this.#place(id), 'it is a directory', mend);
    }
  }

  /** A file's checksum is also that of its object, and there are as many tags as that says. */
  async #checkObjects(held: readonly Held[]): Promise<void> {
    const { store, report } = this.#inspection;
    const { layer } = this.#volume;
    const tagged: { readonly id: InodeId; readonly object: ObjectRecord }[] = [];
    for (const { id, inode } of held) {
      const what = `object of inode ${id}`;
      const as = { what, where: this.#where, decode: decodeObjectRecord };
      const object = inode.object
        ? readable(this.#inspection, { key: inodeKey(layer, id), value: inode.object }, as)
        : objectOf(inode);
      if (!object) continue;
      if (object.tagCount > 0) tagged.push({ id, object });
      if (inode.type === 'directory') continue;
      const [one, other] = [inode.checksum, object.checksum];
      if (one?.algorithm === other?.algorithm && one?.type === other?.type) continue;
      const detail = `the inode says ${one?.algorithm ?? 'none'}, the object ${other?.algorithm ?? 'none'}`;
      report('checksumWrong', this.#place(id), detail);
    }
    const tags = await store.getMany(tagged.map(({ id }) => tagsKey(layer, id)));
    for (const [index, { id, object }] of tagged.entries()) {
      const stored = tags[index];
      this.#checkTagCount(id, object, stored ? decoded(stored, decodeTags) : NO_TAGS);
    }
  }

  #checkTagCount(id: InodeId, { tagCount: said }: ObjectRecord, tags: Tags | undefined): void {
    if (!tags || tags.length === said) return;
    const detail = `its object says ${said} tags, there are ${tags.length}`;
    // Tags that were lost must not become none.
    const mend =
      tags === NO_TAGS ? undefined : countsTags(this.#volume.layer, id, { said, tagCount: tags.length });
    this.#inspection.report('tagCountWrong', this.#place(id), detail, mend);
  }

  /** Every further name leads to the inode, which counts more than one. */
  async links(): Promise<void> {
    const { store, report } = this.#inspection;
    const { layer } = this.#volume;
    for await (const page of store.pages(layerBounds(SPACE.link, layer))) {
      const ids = page.map(({ key }) => inodeId(inodeOfKey(key)));
      const places = page.map(({ key }) => {
        const { parent, cookie: at } = placeOfLinkKey(key);
        return { parent: inodeId(parent), cookie: cookie(at) };
      });
      const inodes = await store.getMany(ids.map((id) => inodeKey(layer, id)));
      const found = await this.#inodesAt(places);
      for (const [index, id] of ids.entries()) {
        const at = places[index];
        const inode = decoded(inodes[index], decodeInode);
        const first = inode?.place.parent === at?.parent && inode?.place.cookie === at?.cookie;
        const name = `cookie ${at?.cookie} of directory ${at?.parent}`;
        const mend = removal(page[index]?.key ?? SOME_KEY, `${name} from the names of inode ${id}`);
        if (found[index] !== id) {
          const isFile = inode && inode.nlink > 0 && inode.type !== 'directory';
          const isLeft = at && isFile && (await this.#hasCookieAlone(at));
          const better = isLeft ? givesFurtherName(this.#volume, id, at) : mend;
          report('linkWrong', this.#place(id), `${name} does not lead to it`, better);
        } else if (first) report('linkWrong', this.#place(id), `${name} is its first name`, mend);
        else if (inode?.nlink === 1) {
          report(
            'linkCountWrong',
            this.#place(id),
            `its nlink is 1, and ${name} is one more name`,
            countsNames(layer, id, inode),
          );
        }
      }
    }
  }

  async inlineBytes(): Promise<void> {
    const { store, report } = this.#inspection;
    const { layer } = this.#volume;
    for await (const page of store.pages(layerBounds(SPACE.inline, layer))) {
      const ids = page.map(({ key }) => inodeId(inodeOfKey(key)));
      const inodes = await store.getMany(ids.map((id) => inodeKey(layer, id)));
      for (const [index, id] of ids.entries()) {
        const inode = decoded(inodes[index], decodeInode);
        if (inodes[index] && !inode) continue;
        if (inode?.body.kind === 'inline') continue;
        const mend = rescuesInline(this.#volume, id);
        report('inlineStray', this.#place(id), 'nothing says that it has inline bytes', mend);
      }
    }
  }

  /** Of nothing, or of an object that knows of none: what it counts was compared with its count. */
  async tags(): Promise<void> {
    const { store, report } = this.#inspection;
    const { layer } = this.#volume;
    for await (const page of store.pages(layerBounds(SPACE.tags, layer))) {
      const ids = page.map(({ key }) => inodeId(inodeOfKey(key)));
      const inodes = await store.getMany(ids.map((id) => inodeKey(layer, id)));
      for (const [index, entry] of page.entries()) {
        const id = ids[index] ?? ROOT_INODE;
        const what = `tags of inode ${id}`;
        const tags = readable(this.#inspection, entry, { what, where: this.#where, decode: decodeTags });
        if (!inodes[index]) {
          report('tagCountWrong', this.#place(id), 'it has tags, and is not there', removal(entry.key, what));
          continue;
        }
        const object = decoded(inodes[index], (stored) => objectOf(decodeInode(stored)));
        if (object?.tagCount === 0) this.#checkTagCount(id, object, tags);
      }
    }
  }

  async orphans(): Promise<void> {
    const { store, report } = this.#inspection;
    const { layer } = this.#volume;
    for await (const { key } of store.entries(layerBounds(SPACE.orphan, layer))) {
      const id = inodeId(inodeOfKey(key));
      const stored = await store.get(inodeKey(layer, id));
      const inode = decoded(stored, decodeInode);
      if (stored && (!inode || inode.nlink === 0)) continue;
      const mend = removal(key, `the mark of inode ${id}`);
      report('orphanMarkWrong', this.#place(id), inode ? 'it has a name' : 'it does not exist', mend);
    }
  }

  async usage(counted: { readonly bytes: number; readonly inodes: number }): Promise<void> {
    const { store, report } = this.#inspection;
    const key = usageKey(this.#volume.layer);
    const value = await store.get(key);
    const place = { what: 'usage', where: this.#where };
    const said = value
      ? readable(this.#inspection, { key, value }, { ...place, decode: decodeUsage })
      : { bytes: 0, inodes: 0 };
    if (!said || (said.bytes === counted.bytes && said.inodes === counted.inodes)) return;
    const detail = `it says ${said.bytes} bytes in ${said.inodes} inodes`;
    const mend = countsUsage(this.#volume.layer, counted, value !== undefined);
    report('usageWrong', place, `${detail}, there are ${counted.bytes} in ${counted.inodes}`, mend);
  }
}
