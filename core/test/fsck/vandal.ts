/** Changes records and bytes behind the store's back. */

import { DamagedRecord, type Engine, type Entry, type KeyRange, type Op, type ReadTx } from '@facet/engine';
import type { ContainerId, Location } from '@facet/extents';
import { CONTENT_IDS } from '../../src/contents/bodies.ts';
import {
  type ContentId,
  contentId,
  type InodeId,
  layerId,
  ROOT_INODE,
  timestamp,
  type UploadId,
} from '../../src/ids.ts';
import {
  contentKey,
  cookieKey,
  counterKey,
  dentryKey,
  directoryKey,
  type EntryName,
  inodeKey,
  partKey,
  SPACE,
  spaceBounds,
  usageKey,
} from '../../src/meta/keys.ts';
import { type Content, decodeContent, encodeContent } from '../../src/meta/records/content.ts';
import { decodeInode, encodeInode, type Inode, type InodeType } from '../../src/meta/records/inode.ts';
import {
  type Dentry,
  type DirectoryState,
  decodeDentry,
  decodeDirectoryState,
  encodeDentry,
  encodeDirectoryState,
  encodeEntryName,
} from '../../src/meta/records/tree.ts';
import { decodeUpload, encodePart } from '../../src/meta/records/upload.ts';
import { decodeNumber, decodeUsage, encodeNumber, encodeUsage } from '../../src/meta/records/volume.ts';
import type { World } from '../space/world.ts';

export const LAYER = layerId(1);

export class Vandal {
  readonly world: World;

  constructor(world: World) {
    this.world = world;
  }

  async get(key: Uint8Array): Promise<Uint8Array> {
    const value = await this.world.life.engine.read((tx) => tx.get(key));
    if (!value) throw new Error(`there is nothing under ${Buffer.from(key).toString('hex')}`);
    return value;
  }

  async put(key: Uint8Array, value: Uint8Array): Promise<void> {
    // biome-ignore lint/correctness/useYield: it only writes.
    await this.world.life.engine.write(function* (tx) {
      tx.put(key, value);
      return undefined;
    });
  }

  async remove(...keys: readonly Uint8Array[]): Promise<void> {
    for (const key of keys) await this.get(key);
    // biome-ignore lint/correctness/useYield: it only writes.
    await this.world.life.engine.write(function* (tx) {
      for (const key of keys) tx.delete(key);
      return undefined;
    });
  }

  async all(space: number): Promise<readonly { readonly key: Buffer; readonly value: Uint8Array }[]> {
    const entries = await this.world.life.engine.read((tx) =>
      tx.range({ ...spaceBounds(space), limit: 10_000 }),
    );
    return entries.map(({ key, value }) => ({ key: Buffer.from(key), value }));
  }

  /** Takes the next number of a counter, so that what is planted does not break that too. */
  async take(counter: string): Promise<number> {
    const next = decodeNumber(await this.get(counterKey(counter)));
    await this.put(counterKey(counter), encodeNumber(next + 1));
    return next;
  }

  // ---- names ----

  async dentry(
    path: string,
  ): Promise<{ readonly parent: InodeId; readonly entry: EntryName; readonly dentry: Dentry }> {
    const directory = path.endsWith('/');
    const steps = (directory ? path.slice(0, -1) : path).split('/');
    let parent = ROOT_INODE;
    for (const step of steps.slice(0, -1)) {
      const key = dentryKey(LAYER, parent, { name: Buffer.from(step), directory: true });
      parent = decodeDentry(await this.get(key)).inode;
    }
    const entry = { name: Buffer.from(steps.at(-1) ?? ''), directory };
    return { parent, entry, dentry: decodeDentry(await this.get(dentryKey(LAYER, parent, entry))) };
  }

  async inodeOf(path: string): Promise<InodeId> {
    return (await this.dentry(path)).dentry.inode;
  }

  async editDentry(path: string, change: Partial<Dentry>): Promise<void> {
    const { parent, entry, dentry } = await this.dentry(path);
    await this.put(dentryKey(LAYER, parent, entry), encodeDentry({ ...dentry, ...change }));
  }

  async editState(
    directory: InodeId,
    change: (state: DirectoryState) => Partial<DirectoryState>,
  ): Promise<void> {
    const state = decodeDirectoryState(await this.get(directoryKey(LAYER, directory)));
    await this.put(directoryKey(LAYER, directory), encodeDirectoryState({ ...state, ...change(state) }));
  }

  /** An entry with its cookie, counted by the directory: all as it should be, save for the inode. @returns the cookie */
  async addEntry(
    parent: InodeId,
    name: string,
    to: { inode: InodeId; type: InodeType },
  ): Promise<Dentry['cookie']> {
    const { nextCookie: cookie } = decodeDirectoryState(await this.get(directoryKey(LAYER, parent)));
    const directory = to.type === 'directory';
    const entry = { name: Buffer.from(name), directory };
    await this.put(dentryKey(LAYER, parent, entry), encodeDentry({ ...to, cookie, twin: false }));
    await this.put(cookieKey(LAYER, parent, cookie), encodeEntryName(entry));
    await this.editState(parent, (state) => ({
      entries: state.entries + 1,
      subdirectories: state.subdirectories + (directory ? 1 : 0),
      nextCookie: (cookie + 1) as Dentry['cookie'],
    }));
    return cookie;
  }

  async removeEntry(path: string): Promise<Dentry> {
    const { parent, entry, dentry } = await this.dentry(path);
    await this.remove(dentryKey(LAYER, parent, entry), cookieKey(LAYER, parent, dentry.cookie));
    await this.editState(parent, (state) => ({
      entries: state.entries - 1,
      subdirectories: state.subdirectories - (entry.directory ? 1 : 0),
    }));
    return dentry;
  }

  // ---- inodes ----

  async inode(path: string): Promise<Inode> {
    return decodeInode(await this.get(inodeKey(LAYER, await this.inodeOf(path))));
  }

  async editInode(path: string, change: (inode: Inode) => Partial<Inode>): Promise<void> {
    const inode = await this.inode(path);
    const next = { ...inode, ...change(inode) };
    await this.put(inodeKey(LAYER, await this.inodeOf(path)), encodeInode(next));
    await this.use({ bytes: next.sizeBytes - inode.sizeBytes, inodes: 0 });
  }

  async use(more: { readonly bytes: number; readonly inodes: number }): Promise<void> {
    const { bytes, inodes } = decodeUsage(await this.get(usageKey(LAYER)));
    await this.put(usageKey(LAYER), encodeUsage({ bytes: bytes + more.bytes, inodes: inodes + more.inodes }));
  }

  // ---- contents ----

  async contentOf(path: string): Promise<ContentId> {
    const { body } = await this.inode(path);
    if (body.kind !== 'content') throw new Error(`${path} has no content`);
    return body.content;
  }

  async content(id: ContentId): Promise<Content> {
    return decodeContent(await this.get(contentKey(id)));
  }

  async editContent(id: ContentId, change: Partial<Content>): Promise<void> {
    await this.put(contentKey(id), encodeContent({ ...(await this.content(id)), ...change }));
  }

  async locationOf(path: string): Promise<Location> {
    const { shape } = await this.content(await this.contentOf(path));
    if (shape.kind !== 'single') throw new Error(`${path} is not one extent`);
    return shape.location;
  }

  /** A content of one reference, from a new part of the upload that is open. */
  async addContent(content: Omit<Content, 'refs' | 'hasParts'>): Promise<ContentId> {
    const id = contentId(await this.take(CONTENT_IDS));
    await this.put(contentKey(id), encodeContent({ ...content, refs: 1, hasParts: false }));
    await this.addPart({ content: id, sizeBytes: content.lengthBytes });
    return id;
  }

  async addPart(part: { readonly content?: ContentId; readonly sizeBytes: number }): Promise<void> {
    const record = { ...part, md5: Buffer.alloc(16), lastModified: timestamp(1n) };
    await this.put(partKey(await this.openUpload(), 3), encodePart(record));
  }

  async openUpload(): Promise<UploadId> {
    const [upload] = await this.all(SPACE.upload);
    if (!upload) throw new Error('no upload is open');
    return decodeUpload(upload.value).upload;
  }

  // ---- bytes ----

  damageRecord(key: Uint8Array): void {
    damageRecord(this.world.life.engine, key);
  }

  damage(place: { readonly container: ContainerId; readonly offset: number }): void {
    const name = `00/${place.container.toString(16).padStart(14, '0')}.seg`;
    this.world.disk.damage({ name, offset: place.offset, mask: 0x10 });
  }
}

/** Whoever reads finds the record damaged from now on. @returns what ends that */
export function damageRecord(engine: Engine, key: Uint8Array): () => void {
  const before = engine.read;
  const read = before.bind(engine);
  Object.assign(engine, { read: <T>(op: (tx: ReadTx) => Op<T>) => read((tx) => op(new Damaged(tx, key))) });
  return () => Object.assign(engine, { read: before });
}

export class Damaged implements ReadTx {
  readonly #tx: ReadTx;
  readonly #key: Uint8Array;

  constructor(tx: ReadTx, key: Uint8Array) {
    this.#tx = tx;
    this.#key = key;
  }

  #is = (key: Uint8Array): boolean => Buffer.compare(key, this.#key) === 0;

  *get(key: Uint8Array): Op<Uint8Array | undefined> {
    if (this.#is(key)) throw new DamagedRecord(key);
    return yield* this.#tx.get(key);
  }

  *getMany(keys: readonly Uint8Array[]): Op<readonly (Uint8Array | undefined)[]> {
    for (const key of keys) if (this.#is(key)) throw new DamagedRecord(key);
    return yield* this.#tx.getMany(keys);
  }

  *range(range: KeyRange): Op<readonly Entry[]> {
    const entries = yield* this.#tx.range({ ...range, limit: range.limit + 1 });
    const sound = entries.filter(({ key }) => !this.#is(key));
    if (sound.length < entries.length) {
      if (!range.onDamaged) throw new DamagedRecord(this.#key);
      range.onDamaged(this.#key);
    }
    return sound.slice(0, range.limit);
  }
}
