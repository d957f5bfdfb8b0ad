/** REMOVE, RMDIR and RENAME: what goes, and what moves. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Out } from '../wire.ts';
import { startWorld, type World } from '../world.ts';
import { ERR, NFS, type NfsTestClient, OK, PROC } from './client.ts';

let world: World;
let nfs: NfsTestClient;
let admin: NfsTestClient;
let root: Buffer;
beforeAll(async () => {
  world = await startWorld();
  ({ nfs, admin, root } = world);
});
afterAll(async () => {
  await world.close();
  expect(world.errors).toEqual([]);
});

const NONE = Buffer.alloc(0);
const file = async (name: string, directory = root): Promise<Buffer> =>
  (await nfs.create(directory, name)).handle ?? NONE;
const directory = async (name: string, parent = root, mode = 0o755): Promise<Buffer> =>
  (await nfs.mkdir(parent, name, { mode })).handle ?? NONE;

describe('REMOVE', () => {
  it('takes a name away', async () => {
    await file('gone');
    const { status, wcc } = await nfs.remove(root, 'gone');
    expect(status).toBe(OK);
    expect(wcc.before?.mtime).toBeLessThan(wcc.after?.mtime ?? 0n);
    expect(await nfs.lookup(root, 'gone')).toMatchObject({ status: ERR.NOENT });
  });

  it.each([
    ['missing', ERR.NOENT],
    ['', ERR.ACCES],
    ['.', ERR.INVAL],
    ['n'.repeat(256), ERR.NAMETOOLONG],
  ])('refuses %j, with wcc_data', async (name, status) => {
    expect(await nfs.remove(root, name)).toMatchObject({ status, wcc: { after: { type: 2 } } });
  });

  it('refuses a directory, and what the sticky bit keeps', async () => {
    await directory('kept');
    expect(await nfs.remove(root, 'kept')).toMatchObject({ status: ERR.ISDIR });
    const { handle: sticky = NONE } = await admin.mkdir(root, 'sticky', { mode: 0o1777 });
    await admin.create(sticky, 'theirs');
    expect(await nfs.remove(sticky, 'theirs')).toMatchObject({ status: ERR.PERM, wcc: { before: {} } });
  });

  it('tells of a file when its last name goes', async () => {
    const { file: made } = await nfs.create(root, 'one name');
    const { handle: linked = NONE } = await nfs.lookup(root, 'one name');
    await nfs.link(linked, root, 'another name');
    const before = world.removed.length;
    await nfs.remove(root, 'one name');
    expect(world.removed).toHaveLength(before);
    await nfs.remove(root, 'another name');
    expect(world.removed.slice(before)).toMatchObject([
      { volume: world.volume, inode: Number(made?.fileid) },
    ]);
  });

  it('removes what S3 made under any name it is shown by', async () => {
    const parent = await directory('shown', root, 0o777);
    for (const key of ['shown/twin', 'shown/twin/x', `shown/${'z'.repeat(400)}`]) {
      await world.put(key, Buffer.from('x'));
    }
    const { entries } = await nfs.readdir(parent, { count: 4096 });
    const names = entries.slice(2).map((entry) => entry.name);
    expect(names).toHaveLength(3);
    const statuses = await Promise.all(names.map((name) => nfs.remove(parent, name)));
    // The twin that has the plain name is a directory.
    expect(statuses.map(({ status }) => status).sort()).toEqual([OK, OK, ERR.ISDIR]);
  });
});

describe('RMDIR', () => {
  it('takes an empty directory away', async () => {
    await directory('empty');
    const { status, wcc } = await nfs.rmdir(root, 'empty');
    expect(status).toBe(OK);
    expect(wcc.before?.mtime).toBeLessThan(wcc.after?.mtime ?? 0n);
  });

  it.each([
    ['.', ERR.INVAL],
    ['..', ERR.EXIST],
    ['missing', ERR.NOENT],
  ])('refuses %j', async (name, status) => {
    expect(await nfs.rmdir(root, name)).toMatchObject({ status, wcc: { after: { type: 2 } } });
  });

  it('refuses a file, and a directory with something in it', async () => {
    await file('a-file');
    expect(await nfs.rmdir(root, 'a-file')).toMatchObject({ status: ERR.NOTDIR });
    const full = await directory('full');
    await file('x', full);
    expect(await nfs.rmdir(root, 'full')).toMatchObject({ status: ERR.NOTEMPTY, wcc: { before: {} } });
  });
});

describe('RENAME', () => {
  it('moves a file to another directory, over one that is there', async () => {
    const [from, to] = [await directory('from'), await directory('to')];
    const moved = await file('f', from);
    const replaced = await file('g', to);
    const renamed = await nfs.rename([from, 'f'], [to, 'g']);
    expect(renamed.status).toBe(OK);
    for (const { before, after } of [renamed.from, renamed.to]) {
      expect(before?.ctime).toBeLessThan(after?.ctime ?? 0n);
    }
    expect(renamed.to.after).toEqual((await nfs.getattr(to)).file);
    expect((await nfs.lookup(to, 'g')).handle).toEqual(moved);
    expect(await nfs.getattr(replaced)).toMatchObject({ status: ERR.STALE });
  });

  it('changes nothing between two names of one file', async () => {
    const one = await file('alias-1');
    await nfs.link(one, root, 'alias-2');
    expect(await nfs.rename([root, 'alias-1'], [root, 'alias-2'])).toMatchObject({ status: OK });
    expect((await nfs.getattr(one)).file).toMatchObject({ nlink: 2 });
  });

  it('moves a directory, whose `..` follows', async () => {
    const [parent, moved] = [await directory('new-parent'), await directory('moved')];
    expect(await nfs.rename([root, 'moved'], [parent, 'moved'])).toMatchObject({ status: OK });
    expect((await nfs.lookup(moved, '..')).handle).toEqual(parent);
  });

  it('refuses what POSIX refuses, with both wcc_data', async () => {
    const outer = await directory('outer');
    const inner = await directory('inner', outer);
    await file('leaf');
    await directory('hollow');
    const cases = [
      [[root, 'missing'], [root, 'x'], ERR.NOENT],
      [[root, 'outer'], [inner, 'x'], ERR.INVAL],
      [[root, 'hollow'], [root, 'outer'], ERR.NOTEMPTY],
      [[root, 'leaf'], [root, 'hollow'], ERR.ISDIR],
      [[root, 'hollow'], [root, 'leaf'], ERR.NOTDIR],
      [[root, '.'], [root, 'x'], ERR.INVAL],
      [[root, 'leaf'], [root, '..'], ERR.INVAL],
      [[root, 'leaf'], [root, ''], ERR.ACCES],
      [[root, 'leaf'], [root, 'n'.repeat(256)], ERR.NAMETOOLONG],
    ] as const;
    for (const [from, to, status] of cases) {
      expect(await nfs.rename([...from], [...to]), `${from[1]} to ${to[1]}`).toMatchObject({
        status,
        from: { after: { type: 2 } },
        to: { after: { type: 2 } },
      });
    }
  });

  it('takes the bytes of an object `dir/` out of it, and puts them back', async () => {
    await world.put('held/', Buffer.from('of the directory'));
    const { handle: held = Buffer.alloc(0) } = await nfs.lookup(root, 'held');
    const { handle: bytes } = await nfs.lookup(held, '@s3=');
    expect(await nfs.rename([held, '@s3='], [root, 'out'])).toMatchObject({ status: OK });
    expect(await nfs.rename([root, 'out'], [held, '@s3='])).toMatchObject({ status: OK });
    expect((await nfs.lookup(held, '@s3=')).handle).toEqual(bytes);
    await nfs.remove(held, '@s3=');
    expect((await nfs.create(held, '@s3=', { kind: 'guarded' })).handle).toBeDefined();
    await file('leaf-for-root');
    expect(await nfs.rename([root, 'leaf-for-root'], [root, '@s3='])).toMatchObject({ status: ERR.INVAL });
    await nfs.remove(held, '@s3=');
    expect(await nfs.mkdir(held, '@s3=')).toMatchObject({ status: ERR.INVAL });
  });

  it('refuses another volume', async () => {
    await world.addVolume('elsewhere', { squash: 'none' });
    const { handle: other } = await nfs.mount('/elsewhere');
    await file('stays');
    expect(await nfs.rename([root, 'stays'], [other, 'stays'])).toMatchObject({
      status: ERR.XDEV,
      from: { after: { fsid: BigInt(world.volume) } },
      to: { after: { type: 2 } },
    });
  });

  it('hides a removed file that is still open from S3, until it is renamed again', async () => {
    const { volume, core } = world;
    const keys = async (): Promise<readonly string[]> => {
      const none = Buffer.alloc(0);
      const { entries } = await core.objects.list({ volume, prefix: none, delimiter: none, limit: 1000 });
      return entries.map((entry) => `${entry.kind === 'object' ? entry.key : entry.prefix}`);
    };
    const silly = '.nfs000000000000000100000001';
    const open = await file('open');
    await nfs.rename([root, 'open'], [root, silly]);
    expect(await nfs.read(open, 0, 1)).toMatchObject({ status: OK });
    expect((await nfs.lookup(root, silly)).handle).toEqual(open);
    expect(await keys()).not.toContain(silly);
    await world.put('.nfs000000000000000100000002', Buffer.from('an object'));
    expect(await keys()).toContain('.nfs000000000000000100000002');
    await nfs.rename([root, silly], [root, 'open']);
    expect(await keys()).toContain('open');
  });
});

describe('a call sent again', () => {
  it('has its first answer, by another connection, too', async () => {
    await file('once');
    const args = new Out().opaque(root).opaque('once').bytes();
    const call = { program: NFS, procedure: PROC.REMOVE, args, xid: 0x7777_0001 };
    const statuses = [];
    for (let i = 0; i < 3; i += 1) statuses.push((await nfs.rpc.call(call)).results.u32());
    expect(statuses).toEqual([OK, OK, OK]);
    // Another call that happens to have the number is another call.
    const other = new Out().opaque(root).opaque('twice').bytes();
    expect((await nfs.rpc.call({ ...call, args: other })).results.u32()).toBe(ERR.NOENT);
  });
});
