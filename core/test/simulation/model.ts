/**
 * What a volume should hold: a tree in memory, changed by the same commands the store commits, in the order it
 * commits them. It knows nothing of contents, extents, cookies or counts.
 */

import { type InodeId, ROOT_INODE, type Volume } from '../../src/index.ts';
import type { EntryName } from '../../src/meta/keys.ts';
import type { InodeType } from '../../src/meta/records/inode.ts';
import { parseKey } from '../../src/objects/path.ts';
import { Broken } from './invariants.ts';

/** Who has an inode, and what for. */
export interface Posix {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** What S3 says of an object besides its bytes. */
export interface Said {
  /** Undefined: nobody but the store knows it. */
  readonly etag: string | undefined;
  /** The user metadata of that name. */
  readonly mark: string | undefined;
  /** As JSON. */
  readonly tags: string;
}

export const NOTHING_SAID: Said = { etag: undefined, mark: undefined, tags: '[]' };

interface ModelEntry {
  readonly inode: InodeId;
  /** Grows with each entry that is made: the same one is there as long as this is the same. */
  readonly since: number;
}

export interface ModelNode {
  readonly id: InodeId;
  readonly type: InodeType;
  readonly directory: boolean;
  /** Of a symlink, its target. */
  bytes: Buffer;
  links: number;
  posix: Posix;
  said: Said;
  /** Directories: listed by S3 as the object `dir/`. */
  explicit: boolean;
  readonly entries: Map<string, ModelEntry>;
  /** Of those entries, the ones that no key leads to. */
  readonly hidden: Set<string>;
}

/** What is made by name in a directory. */
export interface Made {
  readonly type: InodeType;
  readonly posix: Posix;
  readonly target?: Buffer;
}

/** What holds the bytes of an object `dir/` in `dir`. */
const BYTES: EntryName = { name: Buffer.alloc(0), directory: false };

/** Names as they sort: a directory ends in a slash. */
export const sortName = ({ name, directory }: EntryName): string =>
  name.toString('latin1') + (directory ? '/' : '');

/** Which inode the store gave a new name: the one thing the model cannot know. */
export type Peek = (parent: InodeId, entry: EntryName) => InodeId | undefined;

export class Model {
  readonly #nodes = new Map<InodeId, ModelNode>();
  readonly #peek: Peek;
  /** What S3 makes is theirs. */
  readonly #defaults: Volume['defaults'];
  #entriesMade = 0;

  constructor(peek: Peek, defaults: Volume['defaults']) {
    this.#peek = peek;
    this.#defaults = defaults;
    this.#add(ROOT_INODE, this.#byKey('directory')).explicit = true;
  }

  #byKey(type: 'file' | 'directory'): Made {
    const { uid, gid, directoryMode, fileMode } = this.#defaults;
    return { type, posix: { uid, gid, mode: type === 'directory' ? directoryMode : fileMode } };
  }

  #add(id: InodeId, { type, posix, target = Buffer.alloc(0) }: Made): ModelNode {
    const own = { entries: new Map(), hidden: new Set<string>(), explicit: false };
    const directory = type === 'directory';
    const node = { id, type, directory, posix, bytes: target, links: 1, said: NOTHING_SAID, ...own };
    this.#nodes.set(id, node);
    return node;
  }

  has(id: InodeId): boolean {
    return this.#nodes.has(id);
  }

  node(id: InodeId): ModelNode {
    const node = this.#nodes.get(id);
    if (!node) throw new Broken('commandsAreSerial', `the store changed inode ${id}, which should not exist`);
    return node;
  }

  #child(parent: ModelNode, entry: EntryName): ModelNode | undefined {
    const found = parent.entries.get(sortName(entry));
    return found && this.node(found.inode);
  }

  #set(parent: ModelNode, entry: EntryName, inode: InodeId): void {
    this.#entriesMade += 1;
    parent.entries.set(sortName(entry), { inode, since: this.#entriesMade });
  }

  #make(parent: ModelNode, entry: EntryName, made?: Made): ModelNode {
    if (this.#child(parent, entry))
      throw new Broken('commandsAreSerial', `the store made ${entry.name}, which was there`);
    const id = this.#peek(parent.id, entry);
    if (id === undefined) throw new Broken('commandsAreSerial', `the store did not make ${entry.name}`);
    if (this.#nodes.has(id)) throw new Broken('commandsAreSerial', `the store used inode ${id} twice`);
    const node = this.#add(id, made ?? this.#byKey(entry.directory ? 'directory' : 'file'));
    this.#set(parent, entry, id);
    return node;
  }

  #drop(parent: ModelNode, entry: EntryName): void {
    const node = this.#child(parent, entry);
    if (!node) throw new Broken('commandsAreSerial', `the store removed ${entry.name}, which was not there`);
    parent.entries.delete(sortName(entry));
    parent.hidden.delete(sortName(entry));
    node.links -= 1;
    if (node.links === 0) this.#nodes.delete(node.id);
  }

  // ---- by key ----

  put(key: Buffer, bytes: Buffer, said: Said): void {
    const { directories, leaf } = parseKey(key);
    let at = this.node(ROOT_INODE);
    for (const name of directories) {
      const entry = { name, directory: true };
      at = this.#child(at, entry) ?? this.#make(at, entry);
    }
    if (leaf.directory && (bytes.length > 0 || this.#bytesIn(this.#child(at, leaf)))) {
      const directory = this.#child(at, leaf) ?? this.#make(at, leaf);
      if (bytes.length > 0) directory.said = NOTHING_SAID;
      this.#putInto(directory, BYTES, { bytes, said });
    } else {
      this.#putInto(at, leaf, { bytes, said });
    }
  }

  #putInto(at: ModelNode, leaf: EntryName, { bytes, said }: Pick<ModelNode, 'bytes' | 'said'>): void {
    const old = this.#child(at, leaf);
    const isSpecial = old && old.type !== 'file' && old.type !== 'directory';
    if (isSpecial || at.hidden.has(sortName(leaf))) this.#drop(at, leaf);
    const node = this.#child(at, leaf) ?? this.#make(at, leaf);
    node.bytes = bytes;
    node.said = said;
    if (leaf.directory) node.explicit = true;
  }

  /** The file that has the bytes of a directory's object. */
  #bytesIn(directory: ModelNode | undefined): ModelNode | undefined {
    if (!directory?.directory || directory.hidden.has(sortName(BYTES))) return undefined;
    return this.#child(directory, BYTES);
  }

  /** What an object is; undefined when there is none. */
  object(key: Buffer): ModelNode | undefined {
    const { directories, leaf } = parseKey(key);
    let at: ModelNode | undefined = this.node(ROOT_INODE);
    for (const name of directories) at = at && this.#child(at, { name, directory: true });
    const node = at && !at.hidden.has(sortName(leaf)) ? this.#child(at, leaf) : undefined;
    const bytes = this.#bytesIn(node);
    if (bytes) return bytes;
    return node && (!node.directory || node.explicit) ? node : undefined;
  }

  delete(key: Buffer): void {
    const { directories, leaf } = parseKey(key);
    const trail = [this.node(ROOT_INODE)];
    for (const name of directories) {
      const next = this.#child(trail.at(-1) ?? this.node(ROOT_INODE), { name, directory: true });
      if (!next) throw new Broken('commandsAreSerial', `the store deleted ${key}, which was not there`);
      trail.push(next);
    }
    const parent = trail.at(-1) ?? this.node(ROOT_INODE);
    const node = this.#child(parent, leaf);
    if (node && this.#bytesIn(node)) {
      node.explicit = false;
      this.#drop(node, BYTES);
      if (node.entries.size > 0) return;
    }
    if (node?.directory && node.entries.size > 0) {
      node.explicit = false;
      node.said = NOTHING_SAID;
      return;
    }
    this.#drop(parent, leaf);
    for (let depth = directories.length; depth > 0; depth -= 1) {
      const [directory, above, name] = [trail[depth], trail[depth - 1], directories[depth - 1]];
      if (!directory || !above || !name || directory.explicit || directory.entries.size > 0) return;
      this.#drop(above, { name, directory: true });
    }
  }

  // ---- by name in a directory ----

  make(parent: InodeId, name: Buffer, made: Made): ModelNode {
    const directory = this.node(parent);
    const entry = { name, directory: made.type === 'directory' };
    const node = this.#make(directory, entry, made);
    directory.explicit = true;
    node.explicit = entry.directory;
    if (name.length === 0) directory.said = NOTHING_SAID;
    return node;
  }

  /** What has a name, the directory before the file. */
  named(parent: InodeId, name: Buffer): ModelNode | undefined {
    return this.#child(this.node(parent), this.form(parent, name, undefined));
  }

  /** By name and form. */
  child(parent: InodeId, entry: EntryName): ModelNode | undefined {
    return this.#child(this.node(parent), entry);
  }

  link(file: InodeId, parent: InodeId, name: Buffer): void {
    const directory = this.node(parent);
    this.#set(directory, { name, directory: false }, file);
    directory.explicit = true;
    this.node(file).links += 1;
    if (name.length === 0) directory.said = NOTHING_SAID;
  }

  remove(parent: InodeId, entry: EntryName): void {
    const directory = this.node(parent);
    this.#drop(directory, entry);
    directory.explicit = true;
  }

  rename(
    from: { parent: InodeId; entry: EntryName },
    to: { parent: InodeId; name: Buffer; silly: boolean },
  ): void {
    const [source, target] = [this.node(from.parent), this.node(to.parent)];
    const node = this.#child(source, from.entry);
    if (!node)
      throw new Broken('commandsAreSerial', `the store renamed ${from.entry.name}, which was not there`);
    const entry = { name: to.name, directory: node.directory };
    const old = this.#child(target, entry);
    if (old?.id === node.id) return;
    if (old) this.#drop(target, entry);
    source.entries.delete(sortName(from.entry));
    source.hidden.delete(sortName(from.entry));
    this.#set(target, entry, node.id);
    if (to.name.length === 0) target.said = NOTHING_SAID;
    if (to.silly && !node.directory) target.hidden.add(sortName(entry));
    source.explicit = true;
    target.explicit = true;
    if (node.directory) node.explicit = true;
  }

  /** What a name without a form means: the directory, where there are both. */
  form(parent: InodeId, name: Buffer, directory: boolean | undefined): EntryName {
    if (directory !== undefined) return { name, directory };
    return { name, directory: this.#child(this.node(parent), { name, directory: true }) !== undefined };
  }

  write(file: InodeId, offset: number, bytes: Buffer): void {
    if (bytes.length === 0) return;
    const node = this.node(file);
    const next = Buffer.alloc(Math.max(node.bytes.length, offset + bytes.length));
    node.bytes.copy(next);
    bytes.copy(next, offset);
    node.bytes = next;
    node.said = { ...node.said, etag: undefined };
  }

  truncate(file: InodeId, sizeBytes: number): void {
    const node = this.node(file);
    if (node.bytes.length === sizeBytes) return;
    const next = Buffer.alloc(sizeBytes);
    node.bytes.copy(next);
    node.bytes = next;
    node.said = { ...node.said, etag: undefined };
  }

  /** Owner, group and mode. */
  give(inode: InodeId, posix: Partial<Posix>): void {
    const node = this.node(inode);
    node.posix = { ...node.posix, ...posix };
    if (node.directory) node.explicit = true;
  }

  // ---- as a whole ----

  /** Every object by key, as S3 lists them. */
  objects(): Map<string, ModelNode> {
    const nodes = [...this.#paths()].filter(([, { directory, explicit }]) => !directory || explicit);
    return new Map(nodes);
  }

  /** With their slash, in order: also those that are no objects. */
  directories(): string[] {
    return [...this.#paths()].filter(([, { directory }]) => directory).map(([path]) => path);
  }

  /** In order, but for the hidden. */
  *#paths(directory = this.node(ROOT_INODE), prefix = ''): Generator<[path: string, ModelNode]> {
    for (const [name, { inode }] of [...directory.entries].sort(([a], [b]) => (a < b ? -1 : 1))) {
      if (directory.hidden.has(name)) continue;
      const node = this.node(inode);
      yield [prefix + name, node];
      if (node.directory) yield* this.#paths(node, prefix + name);
    }
  }

  /** Logical bytes and inodes, as the volume's usage counts them. */
  usage(): { bytes: number; inodes: number } {
    let bytes = 0;
    for (const node of this.#nodes.values()) bytes += node.bytes.length;
    return { bytes, inodes: this.#nodes.size };
  }
}
