/**
 * What a volume should hold: a tree in memory, changed by the same commands the store commits, in the order it
 * commits them. It knows nothing of contents, extents, cookies or counts.
 */

import { FsError, type InodeId, ROOT_INODE } from '../../src/index.ts';
import type { EntryName } from '../../src/meta/keys.ts';
import { parseKey } from '../../src/objects/path.ts';

export interface ModelNode {
  readonly id: InodeId;
  readonly directory: boolean;
  bytes: Buffer;
  links: number;
  /** Directories: listed by S3 as the object `dir/`. */
  explicit: boolean;
  readonly entries: Map<string, InodeId>;
  /** Of those entries, the ones that no key leads to. */
  readonly hidden: Set<string>;
}

/** What holds the bytes of an object `dir/` in `dir`. */
const BYTES: EntryName = { name: Buffer.alloc(0), directory: false };

/** Names as they sort: a directory ends in a slash. */
const sortName = ({ name, directory }: EntryName): string => name.toString('latin1') + (directory ? '/' : '');

/** Which inode the store gave a new name: the one thing the model cannot know. */
export type Peek = (parent: InodeId, entry: EntryName) => InodeId | undefined;

export class Model {
  readonly #nodes = new Map<InodeId, ModelNode>();
  readonly #peek: Peek;

  constructor(peek: Peek) {
    this.#peek = peek;
    this.#add(ROOT_INODE, true).explicit = true;
  }

  #add(id: InodeId, directory: boolean): ModelNode {
    const own = { entries: new Map(), hidden: new Set<string>() };
    const node = { id, directory, bytes: Buffer.alloc(0), links: 1, explicit: false, ...own };
    this.#nodes.set(id, node);
    return node;
  }

  node(id: InodeId): ModelNode {
    const node = this.#nodes.get(id);
    if (!node) throw new Error(`the store changed inode ${id}, which should not exist`);
    return node;
  }

  #child(parent: ModelNode, entry: EntryName): ModelNode | undefined {
    const id = parent.entries.get(sortName(entry));
    return id === undefined ? undefined : this.node(id);
  }

  #make(parent: ModelNode, entry: EntryName): ModelNode {
    if (this.#child(parent, entry)) throw new Error(`the store made ${entry.name}, which was there`);
    const id = this.#peek(parent.id, entry);
    if (id === undefined) throw new Error(`the store did not make ${entry.name}`);
    if (this.#nodes.has(id)) throw new Error(`the store used inode ${id} twice`);
    const node = this.#add(id, entry.directory);
    parent.entries.set(sortName(entry), id);
    return node;
  }

  #drop(parent: ModelNode, entry: EntryName): void {
    const node = this.#child(parent, entry);
    if (!node) throw new Error(`the store removed ${entry.name}, which was not there`);
    parent.entries.delete(sortName(entry));
    parent.hidden.delete(sortName(entry));
    node.links -= 1;
    if (node.links === 0) this.#nodes.delete(node.id);
  }

  // ---- by key ----

  put(key: Buffer, bytes: Buffer): void {
    const { directories, leaf } = parseKey(key);
    let at = this.node(ROOT_INODE);
    for (const name of directories) {
      const entry = { name, directory: true };
      at = this.#child(at, entry) ?? this.#make(at, entry);
    }
    if (leaf.directory && (bytes.length > 0 || this.#bytesIn(this.#child(at, leaf)))) {
      this.#putInto(this.#child(at, leaf) ?? this.#make(at, leaf), BYTES, bytes);
    } else {
      this.#putInto(at, leaf, bytes);
    }
  }

  #putInto(at: ModelNode, leaf: EntryName, bytes: Buffer): void {
    if (at.hidden.has(sortName(leaf))) this.#drop(at, leaf);
    const node = this.#child(at, leaf) ?? this.#make(at, leaf);
    node.bytes = bytes;
    if (leaf.directory) node.explicit = true;
  }

  /** The file that has the bytes of a directory's object. */
  #bytesIn(directory: ModelNode | undefined): ModelNode | undefined {
    if (!directory?.directory || directory.hidden.has(sortName(BYTES))) return undefined;
    return this.#child(directory, BYTES);
  }

  /** The bytes of an object; undefined when there is none. */
  get(key: Buffer): Buffer | undefined {
    const { directories, leaf } = parseKey(key);
    let at: ModelNode | undefined = this.node(ROOT_INODE);
    for (const name of directories) at = at && this.#child(at, { name, directory: true });
    const node = at && !at.hidden.has(sortName(leaf)) ? this.#child(at, leaf) : undefined;
    const bytes = this.#bytesIn(node);
    if (bytes) return bytes.bytes;
    return node && (!node.directory || node.explicit) ? node.bytes : undefined;
  }

  delete(key: Buffer): void {
    const { directories, leaf } = parseKey(key);
    const trail = [this.node(ROOT_INODE)];
    for (const name of directories) {
      const next = this.#child(trail.at(-1) ?? this.node(ROOT_INODE), { name, directory: true });
      if (!next) throw new Error(`the store deleted ${key}, which was not there`);
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

  make(parent: InodeId, entry: EntryName): ModelNode {
    const directory = this.node(parent);
    const node = this.#make(directory, entry);
    directory.explicit = true;
    node.explicit = entry.directory;
    return node;
  }

  link(file: InodeId, parent: InodeId, name: Buffer): void {
    const directory = this.node(parent);
    directory.entries.set(sortName({ name, directory: false }), file);
    directory.explicit = true;
    this.node(file).links += 1;
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
    if (!node) throw new Error(`the store renamed ${from.entry.name}, which was not there`);
    const entry = { name: to.name, directory: node.directory };
    const old = this.#child(target, entry);
    if (old?.id === node.id) return;
    if (old) this.#drop(target, entry);
    source.entries.delete(sortName(from.entry));
    source.hidden.delete(sortName(from.entry));
    target.entries.set(sortName(entry), node.id);
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
  }

  truncate(file: InodeId, sizeBytes: number): void {
    const node = this.node(file);
    const next = Buffer.alloc(sizeBytes);
    node.bytes.copy(next);
    node.bytes = next;
  }

  // ---- as a whole ----

  /** Every object by key, as S3 lists them. */
  objects(): Map<string, Buffer> {
    const found = new Map<string, Buffer>();
    const visit = (directory: ModelNode, prefix: string): void => {
      for (const [name, id] of [...directory.entries].sort(([a], [b]) => (a < b ? -1 : 1))) {
        if (directory.hidden.has(name)) continue;
        const node = this.node(id);
        if (!node.directory || node.explicit) found.set(prefix + name, node.bytes);
        if (node.directory) visit(node, prefix + name);
      }
    };
    visit(this.node(ROOT_INODE), '');
    return found;
  }

  /** Logical bytes and inodes, as the volume's usage counts them. */
  usage(): { bytes: number; inodes: number } {
    let bytes = 0;
    for (const node of this.#nodes.values()) bytes += node.bytes.length;
    return { bytes, inodes: this.#nodes.size };
  }
}

/** Refusals that random operations on few names may meet. */
export function isRefusal(error: unknown): error is FsError {
  return error instanceof FsError && REFUSALS.has(error.code);
}

const REFUSALS: ReadonlySet<string> = new Set([
  'NoEntry',
  'Exists',
  'NotDirectory',
  'IsDirectory',
  'NotEmpty',
  'Stale',
  'Invalid',
  'PreconditionFailed',
  'NoSuchUpload',
  'NotPermitted',
  'Busy',
  'QuotaExceeded',
  'NoSpace',
]);
