/**
 * Which objects a content's bytes are of. Nothing leads from a content to its inodes, so the answer is a few walks
 * through the metadata, for many contents at a time.
 */

import { type Cookie, type InodeId, inodeId, type LayerId, ROOT_INODE } from '../ids.ts';
import {
  contentOfKey,
  cookieKey,
  inodeKey,
  inodeOfKey,
  layerOfKey,
  linksOf,
  placeOfLinkKey,
  SPACE,
  spaceBounds,
} from '../meta/keys.ts';
import { decodeMapEntry } from '../meta/records/content.ts';
import { decodeInode } from '../meta/records/inode.ts';
import { decodeEntryName } from '../meta/records/tree.ts';
import { decodePart, decodeUpload } from '../meta/records/upload.ts';
import type { AffectedObject } from './findings.ts';
import { decoded, type Inspection } from './store.ts';

/** Of one content, whatever it is shared by. */
const OBJECTS_PER_CONTENT_MAX = 1000;
/** No path is longer: what is damaged might lead round in a circle. */
const DEPTH_MAX = 10_000;

type Parts = Pick<Inspection, 'store' | 'layers'>;

/** For each content the objects whose bytes it has, itself or by a content that refers to it. */
export async function objectsOf(
  parts: Parts,
  contents: ReadonlySet<number>,
): Promise<ReadonlyMap<number, readonly AffectedObject[]>> {
  const origins = await referringContents(parts, contents);
  const found = new Map<number, AffectedObject[]>();
  const add = (holder: number, object: AffectedObject): void => {
    for (const content of origins.get(holder) ?? []) {
      const objects = found.get(content) ?? [];
      found.set(content, objects);
      if (objects.length < OBJECTS_PER_CONTENT_MAX) objects.push(object);
    }
  };
  for await (const { key, value } of parts.store.entries(spaceBounds(SPACE.inode))) {
    const body = decoded(value, decodeInode)?.body;
    if (body?.kind !== 'content' || !origins.has(body.content)) continue;
    for (const object of await namesOf(parts, key)) add(body.content, object);
  }
  await addUploads(parts, origins, add);
  return found;
}

/** Contents that have bytes of those asked for, these among them: for each, of which. */
async function referringContents(
  { store }: Parts,
  contents: ReadonlySet<number>,
): Promise<ReadonlyMap<number, ReadonlySet<number>>> {
  const origins = new Map<number, Set<number>>([...contents].map((content) => [content, new Set([content])]));
  for (let grown = true; grown; ) {
    grown = false;
    for await (const { key, value } of store.entries(spaceBounds(SPACE.contentMap))) {
      const entry = decoded(value, decodeMapEntry);
      const through = entry?.kind === 'ref' ? origins.get(entry.content) : undefined;
      if (!through) continue;
      const holder = contentOfKey(key);
      const known = origins.get(holder) ?? new Set<number>();
      origins.set(holder, known);
      for (const content of through) {
        if (known.has(content)) continue;
        known.add(content);
        grown = true;
      }
    }
  }
  return origins;
}

/** Every name of the inode that a key of its is of. A directory's is that of its object, and ends in a slash. */
async function namesOf({ store, layers }: Parts, key: Uint8Array): Promise<readonly AffectedObject[]> {
  const id = inodeId(inodeOfKey(key));
  const volume = [...layers.values()].find(({ layer }) => layer === layerOfKey(key));
  if (!volume) return [];
  const { layer } = volume;
  const inode = decoded(await store.get(inodeKey(layer, id)), decodeInode);
  if (!inode) return [];
  const places: { readonly parent: number; readonly cookie: Cookie | number }[] =
    inode.nlink > 0 || inode.type === 'directory' ? [inode.place] : [];
  for await (const link of store.entries(linksOf(layer, id))) places.push(placeOfLinkKey(link.key));
  const objects: AffectedObject[] = [];
  for (const { parent, cookie } of places) {
    const path = await pathTo({ store, layers }, { layer, parent: inodeId(parent), cookie });
    if (!path) continue;
    objects.push({ volume: volume.name, key: inode.type === 'directory' ? `${path}/` : path });
  }
  return objects;
}

/** From the root to a name; undefined where the way is broken. */
async function pathTo(
  { store }: Parts,
  start: { readonly layer: LayerId; readonly parent: InodeId; readonly cookie: Cookie | number },
): Promise<string | undefined> {
  const { layer } = start;
  const names: string[] = [];
  let { parent, cookie } = start;
  while (names.length < DEPTH_MAX) {
    const entry = decoded(await store.get(cookieKey(layer, parent, cookie)), decodeEntryName);
    if (!entry) return undefined;
    names.unshift(entry.name.toString('utf8'));
    if (parent === ROOT_INODE) return names.join('/');
    const directory = decoded(await store.get(inodeKey(layer, parent)), decodeInode);
    if (!directory) return undefined;
    ({ parent, cookie } = directory.place);
  }
  return undefined;
}

/** Parts of uploads under way. */
async function addUploads(
  { store, layers }: Parts,
  origins: ReadonlyMap<number, unknown>,
  add: (holder: number, object: AffectedObject) => void,
): Promise<void> {
  const holders = new Map<string, number[]>();
  for await (const { key, value } of store.entries(spaceBounds(SPACE.part))) {
    const content = decoded(value, decodePart)?.content;
    if (content === undefined || !origins.has(content)) continue;
    const upload = Buffer.from(key.subarray(1, 17)).toString('hex');
    holders.set(upload, [...(holders.get(upload) ?? []), content]);
  }
  if (holders.size === 0) return;
  for await (const { key, value } of store.entries(spaceBounds(SPACE.upload))) {
    const upload = decoded(value, decodeUpload);
    const volume = [...layers.values()].find(({ layer }) => layer === layerOfKey(key));
    if (!upload || !volume) continue;
    const object = {
      volume: volume.name,
      key: Buffer.from(upload.key).toString('utf8'),
      upload: upload.upload,
    };
    for (const content of holders.get(upload.upload) ?? []) add(content, object);
  }
}
