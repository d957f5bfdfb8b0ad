/** CREATE, MKDIR, SYMLINK, MKNOD and LINK: what comes into being. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startWorld, type World } from '../world.ts';
import { ERR, type Made, type NfsTestClient, OK } from './client.ts';

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

/** What every answer to a making must have. */
async function expectMade(made: Made): Promise<void> {
  expect(made.status).toBe(OK);
  expect(made.file).toEqual((await nfs.getattr(made.handle ?? NONE)).file);
  expect(made.wcc.before?.mtime).toBeLessThan(made.wcc.after?.mtime ?? 0n);
  expect(made.wcc.after).toEqual((await nfs.getattr(root)).file);
}

describe('CREATE', () => {
  it('UNCHECKED makes a file, and takes one that is there: of the attributes only the size is set', async () => {
    const how = { kind: 'unchecked', attributes: { mode: 0o640, size: 4 } } as const;
    const made = await nfs.create(root, 'unchecked', how);
    await expectMade(made);
    expect(made.file).toMatchObject({ type: 1, mode: 0o640, nlink: 1, uid: 1000, gid: 1000, size: 4n });
    const again = await nfs.create(root, 'unchecked', { kind: 'unchecked', attributes: { mode: 0o777 } });
    expect(again).toMatchObject({ status: OK, file: { mode: 0o640, size: 4n } });
    expect(again.handle).toEqual(made.handle);
    const cut = await nfs.create(root, 'unchecked', { kind: 'unchecked', attributes: { size: 0 } });
    expect(cut).toMatchObject({ status: OK, file: { size: 0n } });
    expect(cut.wcc.before?.mtime).toBe(cut.wcc.after?.mtime);
  });

  it('GUARDED refuses a name that is taken', async () => {
    await expectMade(await nfs.create(root, 'guarded', { kind: 'guarded' }));
    const refused = await nfs.create(root, 'guarded', { kind: 'guarded' });
    expect(refused.status).toBe(ERR.EXIST);
    const { file } = await nfs.getattr(root);
    expect(refused.wcc.after).toEqual(file);
    expect(refused.wcc.before).toEqual({ size: file?.size, mtime: file?.mtime, ctime: file?.ctime });
  });

  it('EXCLUSIVE finds what its repetition made, and nothing else', async () => {
    const verifier = Buffer.from('12345678');
    const made = await nfs.create(root, 'exclusive', { kind: 'exclusive', verifier });
    await expectMade(made);
    const again = await nfs.create(root, 'exclusive', { kind: 'exclusive', verifier });
    expect(again).toMatchObject({ status: OK, file: { fileid: made.file?.fileid } });
    const other = { kind: 'exclusive', verifier: Buffer.from('87654321') } as const;
    expect(await nfs.create(root, 'exclusive', other)).toMatchObject({ status: ERR.EXIST });
    expect(await nfs.setattr(made.handle ?? NONE, { mode: 0o600 })).toMatchObject({ status: OK });
  });

  it('refuses a directory of the name, in every way', async () => {
    await nfs.mkdir(root, 'taken');
    for (const kind of ['unchecked', 'guarded'] as const) {
      expect(await nfs.create(root, 'taken', { kind })).toMatchObject({ status: ERR.EXIST });
    }
  });

  it.each([
    ['.', ERR.EXIST],
    ['..', ERR.EXIST],
    ['', ERR.ACCES],
    ['a/b', ERR.ACCES],
    ['n'.repeat(256), ERR.NAMETOOLONG],
    ['@s3=..', ERR.INVAL],
  ])('refuses the name %j', async (name, status) => {
    for (const made of [
      await nfs.create(root, name),
      await nfs.mkdir(root, name),
      await nfs.symlink(root, name, 'x'),
      await nfs.mknod(root, name, { type: 7 }),
    ]) {
      expect(made).toMatchObject({ status, wcc: { after: { type: 2 } } });
    }
  });

  it('refuses whom the directory shuts out, and what is no directory', async () => {
    const { handle: shut = NONE } = await admin.mkdir(root, 'shut', { mode: 0o555 });
    expect(await nfs.create(shut, 'x')).toMatchObject({ status: ERR.ACCES, wcc: { after: { mode: 0o555 } } });
    const { handle: file = NONE } = await nfs.create(root, 'a-file');
    expect(await nfs.create(file, 'x')).toMatchObject({ status: ERR.NOTDIR, wcc: { after: { type: 1 } } });
  });

  it('keeps 255 bytes that are not UTF-8', async () => {
    const name = Buffer.alloc(255, 0xc3);
    await expectMade(await nfs.create(root, name));
    expect((await nfs.lookup(root, name)).status).toBe(OK);
  });
});

describe('MKDIR', () => {
  it('makes a directory, which its parent counts', async () => {
    const before = (await nfs.getattr(root)).file?.nlink ?? 0;
    const made = await nfs.mkdir(root, 'directory', { mode: 0o1775 });
    await expectMade(made);
    expect(made.file).toMatchObject({ type: 2, mode: 0o1775, nlink: 2 });
    expect(made.wcc.after?.nlink).toBe(before + 1);
    expect(await nfs.mkdir(root, 'directory')).toMatchObject({ status: ERR.EXIST });
  });

  it('hands on the group of a set-gid directory', async () => {
    const { handle = NONE } = await admin.mkdir(root, 'set-gid', { mode: 0o2777, gid: 77 });
    expect((await nfs.create(handle, 'f')).file).toMatchObject({ gid: 77 });
    expect((await nfs.mkdir(handle, 'd', { mode: 0o755 })).file).toMatchObject({ gid: 77, mode: 0o2755 });
  });
});

describe('SYMLINK', () => {
  it('makes a link', async () => {
    await expectMade(await nfs.symlink(root, 'link', 'somewhere/else'));
    expect(await nfs.symlink(root, 'link', 'x')).toMatchObject({ status: ERR.EXIST });
  });

  it.each([
    ['', ERR.INVAL],
    ['a\0b', ERR.INVAL],
    ['t'.repeat(4096), ERR.NAMETOOLONG],
  ])('refuses the target %#', async (target, status) => {
    expect(await nfs.symlink(root, 'bad-link', target)).toMatchObject({ status });
  });
});

describe('MKNOD', () => {
  it('makes pipes and sockets for everybody', async () => {
    for (const type of [6, 7] as const) {
      const made = await nfs.mknod(root, `node-${type}`, { type, attributes: { mode: 0o620 } });
      await expectMade(made);
      expect(made.file).toMatchObject({ type, mode: 0o620, rdev: [0, 0] });
    }
  });

  it('makes devices for root alone', async () => {
    for (const type of [3, 4] as const) {
      const node = { type, device: [8, 300] } as const;
      expect(await nfs.mknod(root, `device-${type}`, node)).toMatchObject({ status: ERR.PERM });
      const made = await admin.mknod(root, `device-${type}`, node);
      await expectMade(made);
      expect(made.file).toMatchObject({ type, rdev: [8, 300] });
    }
  });

  it.each([1, 2, 5] as const)('refuses type %i', async (type) => {
    expect(await nfs.mknod(root, 'odd', { type })).toMatchObject({ status: ERR.BADTYPE });
  });
});

describe('LINK', () => {
  it('gives a file one more name', async () => {
    const { handle: file = NONE } = await nfs.create(root, 'one');
    const linked = await nfs.link(file, root, 'two');
    expect(linked).toMatchObject({ status: OK, file: { nlink: 2 }, wcc: { after: { type: 2 } } });
    expect(linked.wcc.before?.mtime).toBeLessThan(linked.wcc.after?.mtime ?? 0n);
    expect((await nfs.lookup(root, 'two')).handle).toEqual(file);
  });

  it('refuses a name that is taken, with attributes of both', async () => {
    const { handle: file = NONE } = await nfs.create(root, 'three');
    expect(await nfs.link(file, root, 'three')).toMatchObject({
      status: ERR.EXIST,
      file: { nlink: 1 },
      wcc: { before: {}, after: { type: 2 } },
    });
  });

  it('refuses a directory, `.`, and another volume', async () => {
    const { handle: directory = NONE } = await nfs.mkdir(root, 'no-links');
    expect(await nfs.link(directory, root, 'linked')).toMatchObject({ status: ERR.PERM });
    const { handle: file = NONE } = await nfs.create(root, 'four');
    expect(await nfs.link(file, root, '.')).toMatchObject({ status: ERR.EXIST });
    await world.addVolume('elsewhere', { squash: 'none' });
    const { handle: other } = await nfs.mount('/elsewhere');
    expect(await nfs.link(file, other, 'five')).toMatchObject({
      status: ERR.XDEV,
      file: { nlink: 1 },
      wcc: { after: { type: 2 } },
    });
  });
});
