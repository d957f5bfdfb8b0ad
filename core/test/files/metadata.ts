/** What must hold of all metadata, looked at whole: names, cookies, places, counts, maps, usage. */

import type { Engine, Entry, Op } from '@facet/engine';
import { expect } from 'vitest';
import type { VolumeUsage } from '../../src/index.ts';
import {
  contentOfKey,
  cookieOfKey,
  entryOfDentryKey,
  inodeOfKey,
  layerOfKey,
  offsetOfMapKey,
  placeOfLinkKey,
  SPACE,
  spaceBounds,
} from '../../src/meta/keys.ts';
import {
  type Content,
  decodeContent,
  decodeMapEntry,
  type MapEntry,
} from '../../src/meta/records/content.ts';
import { type BodyRef, decodeInode, type Inode } from '../../src/meta/records/inode.ts';
import { decodeTags, objectOf } from '../../src/meta/records/object.ts';
import { decodeDentry, decodeDirectoryState, decodeEntryName } from '../../src/meta/records/tree.ts';
import { decodePart } from '../../src/meta/records/upload.ts';
import { decodeUsage } from '../../src/meta/records/volume.ts';

type Spaces = ReadonlyMap<number, readonly Entry[]>;

export async function checkMetadata(engine: Engine): Promise<void> {
  const spaces = await engine.read(function* (tx): Op<Spaces> {
    const found = new Map<number, readonly Entry[]>();
    for (const space of Object.values(SPACE)) {
      found.set(space, yield* tx.range({ ...spaceBounds(space), limit: 1_000_000 }));
    }
    return found;
  });
  const all = (space: number): readonly Entry[] => spaces.get(space) ?? [];
  const inodes = new Map(all(SPACE.inode).map(({ key, value }) => [idOf(key), decodeInode(value)]));
  checkTree(all, inodes);
  checkBodies(all, inodes);
  checkUsage(all, inodes);
}

type All = (space: number) => readonly Entry[];
type Inodes = ReadonlyMap<string, Inode>;

const idOf = (key: Uint8Array): string => `${layerOfKey(key)}/${inodeOfKey(key)}`;

function checkTree(all: All, inodes: Inodes): void {
  const names = new Map<string, string[]>();
  const cookies = new Map(
    all(SPACE.cookie).map(({ key, value }) => [`${idOf(key)}#${cookieOfKey(key)}`, decodeEntryName(value)]),
  );
  const forms = new Map<string, number>();
  for (const { key } of all(SPACE.dentry)) {
    const at = `${idOf(key)}:${entryOfDentryKey(key).name.toString('hex')}`;
    forms.set(at, (forms.get(at) ?? 0) + 1);
  }
  const counted = new Map<string, { entries: number; subdirectories: number }>();
  for (const { key, value } of all(SPACE.dentry)) {
    const parent = idOf(key);
    const { name, directory } = entryOfDentryKey(key);
    const dentry = decodeDentry(value);
    const child = `${layerOfKey(key)}/${dentry.inode}`;
    const inode = inodes.get(child);
    expect(inode?.type).toBe(dentry.type);
    expect(dentry.type === 'directory').toBe(directory);
    expect(dentry.twin).toBe(forms.get(`${parent}:${name.toString('hex')}`) === 2);
    const place = `${parent}#${dentry.cookie}`;
    const indexed = cookies.get(place);
    expect(indexed?.directory).toBe(directory);
    expect(indexed?.name.equals(name)).toBe(true);
    cookies.delete(place);
    names.set(child, [...(names.get(child) ?? []), place]);
    const count = counted.get(parent) ?? { entries: 0, subdirectories: 0 };
    counted.set(parent, {
      entries: count.entries + 1,
      subdirectories: count.subdirectories + (directory ? 1 : 0),
    });
  }
  expect([...cookies.keys()]).toEqual([]);
  const states = new Map(
    all(SPACE.directory).map(({ key, value }) => [idOf(key), decodeDirectoryState(value)]),
  );
  for (const [id, state] of states) {
    const { entries, subdirectories } = state;
    expect({ id, entries, subdirectories }).toEqual({
      id,
      entries: 0,
      subdirectories: 0,
      ...counted.get(id),
    });
    for (const place of [...names.values()].flat().filter((at) => at.startsWith(`${id}#`))) {
      expect(Number(place.split('#')[1])).toBeLessThan(state.nextCookie);
    }
  }
  const links = new Map<string, string[]>();
  for (const { key } of all(SPACE.link)) {
    const { parent, cookie } = placeOfLinkKey(key);
    links.set(idOf(key), [...(links.get(idOf(key)) ?? []), `${layerOfKey(key)}/${parent}#${cookie}`]);
  }
  for (const [id, inode] of inodes) {
    const layer = id.split('/')[0];
    const first = `${layer}/${inode.place.parent}#${inode.place.cookie}`;
    expect(states.has(id)).toBe(inode.type === 'directory');
    if (id.endsWith('/1')) continue;
    expect([first, ...(links.get(id) ?? [])].toSorted()).toEqual((names.get(id) ?? []).toSorted());
    if (inode.type !== 'directory') expect(inode.nlink).toBe(names.get(id)?.length);
    links.delete(id);
  }
  expect([...links.keys()]).toEqual([]);
}

function checkBodies(all: All, inodes: Inodes): void {
  const contents = new Map(
    all(SPACE.content).map(({ key, value }) => [contentOfKey(key), decodeContent(value)]),
  );
  const inline = new Map(all(SPACE.inline).map(({ key, value }) => [idOf(key), value.length]));
  const tags = new Map(all(SPACE.tags).map(({ key, value }) => [idOf(key), decodeTags(value).length]));
  const references = new Map<number, number>();
  const count = (content: number): void => {
    references.set(content, (references.get(content) ?? 0) + 1);
  };
  const checkBody = (id: string, body: BodyRef, sizeBytes: number): void => {
    if (body.kind === 'content') {
      count(body.content);
      expect(contents.get(body.content)?.lengthBytes).toBe(sizeBytes);
    }
    if (body.kind !== 'inline') return;
    expect(inline.get(id)).toBeGreaterThan(0);
    expect(inline.get(id)).toBeLessThanOrEqual(sizeBytes);
    inline.delete(id);
  };
  for (const [id, inode] of inodes) {
    checkBody(id, inode.body, inode.sizeBytes);
    const object = objectOf(inode);
    if (inode.type !== 'directory') expect(object.checksum === undefined).toBe(inode.checksum === undefined);
    expect({ id, tags: tags.get(id) ?? 0 }).toEqual({ id, tags: object.tagCount });
    tags.delete(id);
  }
  expect([...tags.keys()]).toEqual([]);
  expect([...inline.keys()]).toEqual([]);
  for (const { value } of all(SPACE.part)) {
    const { content } = decodePart(value);
    if (content !== undefined) count(content);
  }
  const maps = new Map<number, { offset: number; entry: MapEntry }[]>();
  for (const { key, value } of all(SPACE.contentMap)) {
    const entries = maps.get(contentOfKey(key)) ?? [];
    entries.push({ offset: offsetOfMapKey(key), entry: decodeMapEntry(value) });
    maps.set(contentOfKey(key), entries);
  }
  for (const [id, content] of contents) checkMap(content, maps.get(id) ?? [], { contents, maps, count });
  for (const id of maps.keys()) expect(contents.has(id)).toBe(true);
  for (const [id, { refs }] of contents) expect({ id, refs }).toEqual({ id, refs: references.get(id) ?? 0 });
}

interface Store {
  readonly contents: ReadonlyMap<number, Content>;
  readonly maps: ReadonlyMap<number, readonly { offset: number; entry: MapEntry }[]>;
  readonly count: (content: number) => void;
}

function checkMap(
  content: Content,
  entries: readonly { offset: number; entry: MapEntry }[],
  { contents, maps, count }: Store,
): void {
  if (content.shape.kind === 'single') {
    expect(entries).toEqual([]);
    expect(content.shape.location.length).toBe(content.lengthBytes);
  }
  let end = 0;
  for (const { offset, entry } of entries) {
    expect(offset).toBeGreaterThanOrEqual(end);
    expect(entry.lengthBytes).toBeGreaterThan(0);
    end = offset + entry.lengthBytes;
    if (entry.kind === 'data') {
      expect(entry.start + entry.lengthBytes).toBeLessThanOrEqual(entry.location.length);
    }
    if (entry.kind !== 'ref') continue;
    expect(content.selfContained).toBe(undefined);
    count(entry.content);
    const from = entry.start;
    const to = entry.start + entry.lengthBytes;
    expect(contents.get(entry.content)?.lengthBytes).toBeGreaterThanOrEqual(to);
    // References go one level deep.
    const within = (maps.get(entry.content) ?? []).filter(
      (inner) => inner.offset < to && inner.offset + inner.entry.lengthBytes > from,
    );
    expect(within.filter((inner) => inner.entry.kind === 'ref')).toEqual([]);
  }
  expect(end).toBeLessThanOrEqual(content.lengthBytes);
  // The entries of one on its way out go before it does.
  if (content.shape.kind === 'single' || content.refs === 0) return;
  expect(entries.reduce((sum, { entry }) => sum + entry.lengthBytes, 0)).toBe(content.mappedBytes);
}

function checkUsage(all: All, inodes: Inodes): void {
  const used = new Map<number, VolumeUsage>();
  const add = (layer: number, bytes: number, count: number): void => {
    const before = used.get(layer) ?? { bytes: 0, inodes: 0 };
    used.set(layer, { bytes: before.bytes + bytes, inodes: before.inodes + count });
  };
  for (const [id, inode] of inodes) add(Number(id.split('/')[0]), inode.sizeBytes, 1);
  for (const { key, value } of all(SPACE.usage)) {
    expect(decodeUsage(value)).toEqual(used.get(layerOfKey(key)));
  }
}
