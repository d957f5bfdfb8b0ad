/** Clients by name in a directory. */

import type { AttributeChanges, Caller, FileAttributes, FileRef } from '../../../src/index.ts';
import { Broken } from '../invariants.ts';
import { type ModelNode, sortName } from '../model.ts';
import { frees, ROOT, type Surroundings, unlessAbsent, writing } from './surroundings.ts';

type Action = (within: Surroundings) => Promise<unknown>;

/** The more often, the more of them. */
export const fileActions: readonly Action[] = [
  create,
  create,
  createAnyhow,
  makeSpecial,
  write,
  write,
  write,
  read,
  read,
  truncate,
  give,
  remove,
  remove,
  rename,
  rename,
  link,
  lookup,
  readdir,
  commit,
  access,
];

async function create(within: Surroundings): Promise<unknown> {
  const at = { caller: ROOT, parent: await within.directory(), name: within.name() };
  const { calls } = within;
  if (within.oneIn(3)) {
    return calls.send((on, call) => on.files.mkdir({ ...at, attributes: { mode: 0o755 }, call }));
  }
  const how = { kind: 'guarded', attributes: { mode: 0o644 } } as const;
  return calls.send((on, call) => on.files.create({ ...at, how, call }));
}

/** Over what is there, or once for each of few verifiers. */
async function createAnyhow(within: Surroundings): Promise<unknown> {
  const at = { caller: ROOT, parent: await within.directory(), name: within.name() };
  const cut: AttributeChanges = within.oneIn(2) ? { sizeBytes: 0 } : {};
  const verifier = Buffer.alloc(8, within.below(2));
  const how = within.oneIn(2)
    ? ({ kind: 'unchecked', attributes: { mode: 0o640, ...cut } } as const)
    : ({ kind: 'exclusive', verifier } as const);
  return within.calls.send((on, call) => on.files.create({ ...at, how, call }));
}

async function makeSpecial(within: Surroundings): Promise<unknown> {
  const at = {
    caller: ROOT,
    parent: await within.directory(),
    name: within.name(),
    attributes: { mode: 0o600 },
  };
  const { calls } = within;
  if (within.oneIn(2)) {
    const target = Buffer.from(`target ${within.mark()}`);
    return calls.send((on, call) => on.files.symlink({ ...at, target, call }));
  }
  const type = within.pick(['fifo', 'socket'] as const);
  return calls.send((on, call) => on.files.mknod({ ...at, type, call }));
}

async function write(within: Surroundings): Promise<unknown> {
  const file = await within.file();
  if (!file) return;
  const offset = within.below(file.sizeBytes + 3000);
  const bytes = within.bytes();
  const cut = within.below(bytes.length + 1);
  const data = [bytes.subarray(0, cut), bytes.subarray(cut)];
  return writing.run(bytes, () => within.core.files.write({ caller: ROOT, file, offset, data }));
}

/** What a file's reference leads to in the model. */
function nodeOf(within: Surroundings, { volume, inode }: FileRef): ModelNode | undefined {
  if (!within.replay.volumes.includes(volume)) return undefined;
  const model = within.replay.model(volume);
  return model.has(inode) ? model.node(inode) : undefined;
}

async function read(within: Surroundings): Promise<void> {
  const file = await within.file();
  if (!file) return;
  const offset = within.below(file.sizeBytes + 1000);
  const lengthBytes = within.below(file.sizeBytes + 1000);
  await within.idle();
  const node = nodeOf(within, file);
  const expected = node?.bytes.subarray(offset, offset + lengthBytes);
  if (file.type === 'symlink') return readlink(within, file, node?.bytes);
  const got = await unlessAbsent(within.core.files.read({ caller: ROOT, file, offset, lengthBytes }));
  if (!got) return mustBeGone(file, expected);
  if (!expected || !Buffer.concat(got.data).equals(expected))
    throw new Broken('readsAreCurrent', `of file ${file.inode} other bytes were read than were there`);
}

async function readlink(within: Surroundings, file: FileRef, expected: Buffer | undefined): Promise<void> {
  const got = await unlessAbsent(within.core.files.readlink({ caller: ROOT, file }));
  if (!got) return mustBeGone(file, expected);
  if (!expected?.equals(got.target))
    throw new Broken('readsAreCurrent', `symlink ${file.inode} leads to ${got.target}`);
}

function mustBeGone({ inode }: FileRef, expected: unknown): void {
  if (expected !== undefined)
    throw new Broken('readsAreCurrent', `inode ${inode} was not found, and is there`);
}

async function truncate(within: Surroundings): Promise<unknown> {
  const file = await within.file();
  if (!file) return;
  const sizeBytes = within.below(file.sizeBytes + 2500);
  const cut = within.core.files.setattr({ caller: ROOT, file, changes: { sizeBytes } });
  // Another client may have made it shorter than that meanwhile.
  return sizeBytes === 0 ? frees(cut) : cut;
}

async function give(within: Surroundings): Promise<unknown> {
  const file = within.oneIn(3) ? await within.directory() : await within.file();
  if (!file) return;
  const changes = within.pick<AttributeChanges>([
    { mode: within.below(0o1000) },
    { uid: within.below(5), gid: within.below(5) },
    { mtime: { kind: 'server' } },
  ]);
  const known = await unlessAbsent(within.core.files.getattr({ file }));
  const guard = known && within.oneIn(3) ? { ifCtime: known.ctime } : {};
  const args = { caller: ROOT, file, changes, ...guard };
  return within.calls.send((on, call) => on.files.setattr({ ...args, call }));
}

async function remove(within: Surroundings): Promise<unknown> {
  const at = { caller: ROOT, parent: await within.directory(), name: within.name() };
  const { calls } = within;
  return within.oneIn(3)
    ? calls.send((on, call) => frees(on.files.rmdir({ ...at, directory: true, call })))
    : calls.send((on, call) => frees(on.files.remove({ ...at, directory: false, call })));
}

async function rename(within: Surroundings): Promise<unknown> {
  const from = { parent: await within.directory(), name: within.name(), directory: within.oneIn(2) };
  const to = { parent: await within.directory(), name: within.name() };
  const silly: { silly?: true } = within.oneIn(4) ? { silly: true } : {};
  return within.calls.send((on, call) => {
    const renamed = on.files.rename({ caller: ROOT, from, to, ...silly, call });
    return silly.silly ? frees(renamed) : renamed;
  });
}

async function link(within: Surroundings): Promise<unknown> {
  const file = await within.file();
  if (!file) return;
  const at = { caller: ROOT, parent: await within.directory(), name: within.name() };
  return within.calls.send((on, call) => on.files.link({ ...at, file, call }));
}

async function lookup(within: Surroundings): Promise<void> {
  const parent = await within.directory();
  const entry = { name: within.name(), directory: within.oneIn(2) };
  await within.idle();
  const directory = nodeOf(within, parent);
  const child = directory && within.replay.model(parent.volume).child(parent.inode, entry);
  const expected = child && attributes(child);
  const { files } = within.core;
  const found = await unlessAbsent(files.lookup({ caller: ROOT, parent, ...entry }));
  if (!found) return mustBeGone(parent, directory);
  if (!expected && found.file)
    throw new Broken('readsAreCurrent', `${entry.name} was found, and is not there`);
  if (expected) mustBe(`${entry.name}`, expected, found.file);
}

/** Every write is stable: what is told is what there is. */
async function commit(within: Surroundings): Promise<void> {
  const file = await within.file();
  if (!file) return;
  await within.idle();
  const node = nodeOf(within, file);
  const expected = node && attributes(node);
  const told = await unlessAbsent(within.core.files.commit({ caller: ROOT, file }));
  if (!told) return mustBeGone(file, node);
  for (const side of [told.before, told.after]) mustBe(`file ${file.inode}`, expected, side);
}

/** Somebody, who may be the owner, of the group, or root. */
async function access(within: Surroundings): Promise<void> {
  const file = within.oneIn(3) ? await within.directory() : await within.file();
  if (!file) return;
  const uid = within.below(4);
  const caller = { uid, gid: within.below(4), groups: within.oneIn(2) ? [within.below(2)] : [] };
  await within.idle();
  const node = nodeOf(within, file);
  const expected = node && { attributes: attributes(node), rights: rightsOf(node, caller) };
  const told = await unlessAbsent(within.core.files.access({ caller, file }));
  if (!told) return mustBeGone(file, node);
  mustBe(`inode ${file.inode}`, expected?.attributes, told.file);
  const rights = (told.read ? 4 : 0) + (told.write ? 2 : 0) + (told.execute ? 1 : 0);
  if (rights !== expected?.rights)
    throw new Broken(
      'readsAreCurrent',
      `uid ${uid} may do ${rights} to inode ${file.inode}, of the model ${expected?.rights}`,
    );
}

/** @source POSIX.1-2024 §4.7 File Access Permissions */
function rightsOf({ directory, posix: { mode, uid, gid } }: ModelNode, caller: Caller): number {
  // Root may do all but execute what nobody may.
  if (caller.uid === 0) return directory || (mode & 0o111) !== 0 ? 7 : 6;
  if (caller.uid === uid) return (mode >> 6) & 7;
  return (caller.gid === gid || caller.groups.includes(gid) ? mode >> 3 : mode) & 7;
}

/** What of the attributes the model knows. */
export function attributes(node: ModelNode): string {
  const { type, directory, links, bytes, posix } = node;
  const names = [...node.entries.keys()];
  const nlink = directory ? 2 + names.filter((name) => name.endsWith('/')).length : links;
  const { mode, uid, gid } = posix;
  return JSON.stringify({ type, nlink, mode, uid, gid, ...(!directory && { sizeBytes: bytes.length }) });
}

export function mustBe(name: string, expected: string | undefined, file: FileAttributes | undefined): void {
  if (!file) throw new Broken('readsAreCurrent', `${name} was not found, and is there`);
  const { type, nlink, mode, uid, gid, sizeBytes } = file;
  const told = JSON.stringify({ type, nlink, mode, uid, gid, ...(type !== 'directory' && { sizeBytes }) });
  if (told !== expected)
    throw new Broken('readsAreCurrent', `of ${name} is said ${told}, of the model ${expected}`);
}

/** A walk gives each name that stays once, whatever comes and goes meanwhile. */
async function readdir(within: Surroundings): Promise<void> {
  const directory = await within.directory();
  const seen = new Set<string>();
  let stay: ReadonlySet<string> | undefined;
  for (let after = 0, end = false; !end; ) {
    await within.idle();
    const node = nodeOf(within, directory);
    const now = new Set(node && entriesOf(node));
    stay = stay ? new Set([...stay].filter((entry) => now.has(entry))) : now;
    const limit = 1 + within.below(5);
    const asked = { caller: ROOT, directory, after, limit, attributes: within.oneIn(2) };
    const page = await unlessAbsent(within.core.files.readdir(asked));
    if (!page) return;
    for (const { name, cookie, type, inode } of page.entries) {
      after = cookie;
      if (cookie <= 2) continue;
      const sorted = sortName({ name, directory: type === 'directory' });
      const entry = [...now].find((one) => one.startsWith(`${inode} ${sorted} `));
      if (!entry) throw new Broken('readsAreCurrent', `${sorted} was listed, and is not there`);
      if (seen.has(entry)) throw new Broken('readsAreCurrent', `${sorted} was listed twice`);
      seen.add(entry);
    }
    ({ end } = page);
  }
  for (const entry of stay ?? [])
    if (!seen.has(entry)) throw new Broken('readsAreCurrent', `${entry} was left out of a listing`);
}

const entriesOf = ({ entries }: ModelNode): readonly string[] =>
  [...entries].map(([name, { inode, since }]) => `${inode} ${name} ${since}`);
