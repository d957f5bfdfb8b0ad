import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Caller, type FileRef, FsError } from '../../src/index.ts';
import { ALICE, BOB, CAROL, ENGINES, ROOT, refused, Yard } from './yard.ts';

/** What of POSIX's rules a mode gives to whom: read, write and execute by class. */
const CLASSES = [
  ['the owner', ALICE, 6],
  ['the group', BOB, 3],
  ['a supplementary group', { uid: 1004, gid: 9, groups: [8, 100] }, 3],
  ['others', CAROL, 0],
] as const;

describe.each(ENGINES)('permissions on the %s engine', (kind) => {
  let yard: Yard;
  beforeEach(async () => {
    yard = await Yard.open(kind);
  });
  afterEach(async () => {
    await yard.check();
    await yard.close();
  });
  const outcome = (promise: Promise<unknown>): Promise<string> =>
    promise.then(
      () => 'done',
      (error: unknown) => {
        if (error instanceof FsError) return error.code;
        throw error;
      },
    );
  const chmod = (file: FileRef, mode: number) =>
    yard.files.setattr({ caller: ROOT, file, changes: { mode } });
  const named = (parent: FileRef, name: string, caller: Caller) => ({
    caller,
    parent,
    name: Buffer.from(name),
  });

  it('access says what the mode bits say', async () => {
    const file = await yard.touch(yard.root, 'file', 0, ALICE);
    for (const [, caller, shift] of CLASSES) {
      for (let bits = 0; bits < 8; bits += 1) {
        // The other classes have it the other way round, so that taking the wrong one shows.
        await chmod(file, ((0o777 ^ (7 << shift)) & ~(7 << shift)) | (bits << shift));
        const { read, write, execute } = await yard.files.access({ caller, file });
        expect([read, write, execute]).toEqual([(bits & 4) > 0, (bits & 2) > 0, (bits & 1) > 0]);
      }
    }
    await chmod(file, 0);
    expect(await yard.files.access({ caller: ROOT, file })).toMatchObject({
      read: true,
      write: true,
      execute: false,
    });
    await chmod(file, 0o001);
    expect((await yard.files.access({ caller: ROOT, file })).execute).toBe(true);
    const directory = await yard.mkdir(yard.root, 'dir', 0, ALICE);
    expect((await yard.files.access({ caller: ROOT, file: directory })).execute).toBe(true);
  });

  it('of data: the owner always, others by their bits, and who may execute may read', async () => {
    const file = await yard.touch(yard.root, 'file', 0, ALICE);
    await yard.write(file, 0, Buffer.from('data'));
    for (const [name, caller, shift] of CLASSES) {
      const owner = name === 'the owner';
      for (let bits = 0; bits < 8; bits += 1) {
        await chmod(file, ((0o777 ^ (7 << shift)) & ~(7 << shift)) | (bits << shift));
        const may = (allowed: boolean): string => (owner || allowed ? 'done' : 'AccessDenied');
        const writes = may((bits & 2) > 0);
        expect(await outcome(yard.read(file, 0, 9, caller))).toBe(may((bits & 5) > 0));
        expect(await outcome(yard.write(file, 0, Buffer.from('x'), caller))).toBe(writes);
        expect(await outcome(yard.write(file, 0, Buffer.alloc(4000), caller))).toBe(writes);
        expect(await outcome(yard.truncate(file, 4, caller))).toBe(writes);
        const how = { kind: 'unchecked', attributes: { sizeBytes: 4 } } as const;
        const over = yard.files.create({ ...named(yard.root, 'file', caller), how });
        expect(await outcome(over)).toBe(writes);
      }
    }
  });

  it('of a directory: read to list, execute to look up, both and write to change', async () => {
    const directory = await yard.mkdir(yard.root, 'dir', 0, ALICE);
    await yard.touch(directory, 'there');
    const linkable = await yard.touch(yard.root, 'linkable');
    for (const [, caller, shift] of CLASSES) {
      for (let bits = 0; bits < 8; bits += 1) {
        await chmod(directory, ((0o777 ^ (7 << shift)) & ~(7 << shift)) | (bits << shift));
        const [lists, looks, changes] = [(bits & 4) > 0, (bits & 1) > 0, (bits & 3) === 3];
        const may = (allowed: boolean): string => (allowed ? 'done' : 'AccessDenied');
        const page = { after: 0, limit: 9, attributes: true };
        expect(await outcome(yard.files.readdir({ caller, directory, ...page }))).toBe(may(lists));
        expect(await outcome(yard.files.lookup(named(directory, 'there', caller)))).toBe(may(looks));
        const made = named(directory, 'made', caller);
        const attributes = { mode: 0o777 };
        const guarded = { kind: 'guarded', attributes } as const;
        expect(await outcome(yard.files.create({ ...made, how: guarded }))).toBe(may(changes));
        const to = { parent: directory, name: Buffer.from('other') };
        const name = Buffer.from('made');
        const missing = looks ? 'NoEntry' : 'AccessDenied';
        const moved = yard.files.rename({ caller, from: { parent: directory, name }, to });
        expect(await outcome(moved)).toBe(changes ? 'done' : missing);
        const linked = yard.files.link({ caller, file: linkable, parent: directory, name });
        expect(await outcome(linked)).toBe(may(changes));
        expect(await outcome(yard.files.remove(made))).toBe(changes ? 'done' : missing);
        expect(await outcome(yard.files.mkdir({ ...made, attributes }))).toBe(may(changes));
        expect(await outcome(yard.files.rmdir(made))).toBe(changes ? 'done' : missing);
        const target = Buffer.from('t');
        expect(await outcome(yard.files.symlink({ ...made, target, attributes }))).toBe(may(changes));
        expect(await outcome(yard.files.remove(made))).toBe(changes ? 'done' : missing);
        expect(await outcome(yard.files.mknod({ ...made, type: 'fifo', attributes }))).toBe(may(changes));
        for (const left of ['made', 'other']) await outcome(yard.files.remove(named(directory, left, ROOT)));
      }
    }
  });

  it('a name that is there comes before the right to make one', async () => {
    const directory = await yard.mkdir(yard.root, 'dir', 0o555, ALICE);
    await yard.touch(directory, 'there');
    const how = { kind: 'guarded', attributes: {} } as const;
    await refused('Exists', yard.files.create({ ...named(directory, 'there', CAROL), how }));
    await refused('AccessDenied', yard.files.create({ ...named(directory, 'new', CAROL), how }));
  });

  it('a sticky directory keeps each one’s entries', async () => {
    const directory = await yard.mkdir(yard.root, 'tmp', 0o1777);
    const owned = await yard.mkdir(yard.root, 'owned', 0o1777, BOB);
    for (const parent of [directory, owned]) await yard.touch(parent, 'alice', 0o666, ALICE);
    for (const parent of [directory, owned]) await yard.mkdir(parent, 'alices', 0o777, ALICE);
    await yard.touch(directory, 'bob', 0o666, BOB);
    await refused('NotPermitted', yard.files.remove(named(directory, 'alice', BOB)));
    await refused('NotPermitted', yard.files.rmdir(named(directory, 'alices', BOB)));
    await refused('NotPermitted', yard.rename([directory, 'alice'], [directory, 'mine'], BOB));
    await refused('NotPermitted', yard.rename([directory, 'bob'], [directory, 'alice'], BOB));
    await yard.rename([directory, 'bob'], [directory, 'bobby'], BOB);
    await yard.files.remove(named(directory, 'alice', ALICE));
    await yard.files.rmdir(named(directory, 'alices', ROOT));
    // Whose directory it is may clear it.
    await yard.files.remove(named(owned, 'alice', BOB));
    await yard.files.rmdir(named(owned, 'alices', BOB));
  });

  it('devices are root’s to make, pipes and sockets anyone’s', async () => {
    const device = { major: 1, minor: 3 };
    for (const type of ['character', 'block'] as const) {
      const args = { ...named(yard.root, type, ALICE), type, device, attributes: {} };
      await refused('NotPermitted', yard.files.mknod(args));
    }
    for (const type of ['fifo', 'socket'] as const) {
      await yard.files.mknod({ ...named(yard.root, type, ALICE), type, attributes: {} });
    }
  });

  it('leaves nothing behind of a write that is refused', async () => {
    const file = await yard.touch(yard.root, 'file', 0o600, ALICE);
    await yard.write(file, 0, Buffer.alloc(5000, 'a'));
    await refused('AccessDenied', yard.write(file, 100, Buffer.alloc(5000, 'b'), CAROL));
    expect(await yard.read(file)).toEqual(Buffer.alloc(5000, 'a'));
  });
});
