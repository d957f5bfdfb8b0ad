/** GETATTR, SETATTR, LOOKUP, ACCESS, READLINK, FSSTAT: what is asked of a file and set on it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOM_BYTES, startWorld, type World } from '../world.ts';
import { ERR, type NfsTestClient, OK } from './client.ts';

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

async function fileOf(client: NfsTestClient, name: string, mode = 0o644): Promise<Buffer> {
  const { handle = NONE } = await client.create(root, name, { kind: 'guarded', attributes: { mode } });
  return handle;
}

describe('LOOKUP', () => {
  it('finds a name, with attributes of both', async () => {
    const made = await nfs.create(root, 'plain');
    const found = await nfs.lookup(root, 'plain');
    expect(found).toMatchObject({ status: OK, file: { type: 1, fileid: made.file?.fileid, uid: 1000 } });
    expect(found.handle).toEqual(made.handle);
    expect(found.directory).toMatchObject({ type: 2, fsid: BigInt(world.volume) });
  });

  it('finds bytes that are not UTF-8', async () => {
    const name = Buffer.from([0xff, 0xfe, 0x41]);
    await nfs.create(root, name);
    expect(await nfs.lookup(root, name)).toMatchObject({ status: OK });
  });

  it('has `.` and `..`, which at the root of a volume is the root', async () => {
    const { handle: directory = NONE } = await nfs.mkdir(root, 'dots', { mode: 0o755 });
    expect((await nfs.lookup(directory, '.')).handle).toEqual(directory);
    expect((await nfs.lookup(directory, '..')).handle).toEqual(root);
    expect((await nfs.lookup(root, '..')).handle).toEqual(root);
  });

  it.each([
    ['a name of no bytes', '', ERR.ACCES],
    ['a slash', 'a/b', ERR.ACCES],
    ['a NUL', 'a\0b', ERR.ACCES],
    ['256 bytes', 'n'.repeat(256), ERR.NAMETOOLONG],
    ['200000 bytes', 'n'.repeat(200_000), ERR.NAMETOOLONG],
    ['what is not there', 'missing', ERR.NOENT],
    ['what no entry is shown as', '@s3=ordinary', ERR.NOENT],
  ])('refuses %s, and tells of the directory', async (_, name, status) => {
    expect(await nfs.lookup(root, name)).toMatchObject({ status, directory: { type: 2 } });
  });

  it('refuses what is no directory, and a directory that may not be searched', async () => {
    const file = await fileOf(nfs, 'no-directory');
    expect(await nfs.lookup(file, 'x')).toMatchObject({ status: ERR.NOTDIR, directory: { type: 1 } });
    const { handle: closed = NONE } = await admin.mkdir(root, 'closed', { mode: 0o600 });
    expect(await nfs.lookup(closed, 'x')).toMatchObject({ status: ERR.ACCES, directory: { mode: 0o600 } });
  });

  it('shows what S3 has under names of no file', async () => {
    const { handle: directory = NONE } = await nfs.mkdir(root, 'odd', { mode: 0o777 });
    for (const key of ['odd/twin', 'odd/twin/below', 'odd//x', `odd/${'é'.repeat(300)}`]) {
      await world.put(key, Buffer.from(key));
    }
    const { entries } = await nfs.readdirplus(directory, { maxcount: 8192 });
    const names = entries.map((entry) => `${entry.name}`).filter((name) => !/^\.\.?$/.test(name));
    expect(names).toHaveLength(4);
    for (const entry of entries.slice(2)) {
      expect((await nfs.lookup(directory, entry.name)).handle).toEqual(entry.handle);
    }
  });
});

describe('ACCESS', () => {
  const ALL = 0x3f;
  const [READ, LOOKUP, MODIFY, EXTEND, DELETE, EXECUTE] = [1, 2, 4, 8, 16, 32] as const;

  it.each([
    [0o644, READ | MODIFY | EXTEND],
    [0o400, READ],
    [0o755, READ | MODIFY | EXTEND | EXECUTE],
    [0o111, EXECUTE],
    [0o000, 0],
  ])('of a file of mode %o', async (mode, granted) => {
    const file = await fileOf(nfs, `access-${mode}`, mode);
    expect(await nfs.access(file, ALL)).toMatchObject({ status: OK, granted, file: { mode } });
  });

  it.each([
    [0o700, READ | LOOKUP | MODIFY | EXTEND | DELETE],
    [0o500, READ | LOOKUP],
    [0o100, LOOKUP],
    [0o600, READ],
    [0o300, LOOKUP | MODIFY | EXTEND | DELETE],
  ])('of a directory of mode %o', async (mode, granted) => {
    const { handle = NONE } = await nfs.mkdir(root, `access-directory-${mode}`, { mode });
    expect(await nfs.access(handle, ALL)).toMatchObject({ status: OK, granted });
  });

  it('answers what was asked, no more', async () => {
    const file = await fileOf(nfs, 'access-asked', 0o755);
    expect((await nfs.access(file, READ | DELETE)).granted).toBe(READ);
  });

  it('goes by group, and by nothing for root', async () => {
    const file = await fileOf(nfs, 'access-group', 0o040);
    await admin.setattr(file, { gid: 50 });
    expect((await nfs.as({ uid: 2000 }).access(file, ALL)).granted).toBe(0);
    expect((await nfs.as({ uid: 2000, groups: [9, 50] }).access(file, ALL)).granted).toBe(READ);
    expect((await admin.access(file, ALL)).granted).toBe(READ | MODIFY | EXTEND);
    const { handle: directory = NONE } = await nfs.mkdir(root, 'access-root', { mode: 0 });
    expect((await admin.access(directory, ALL)).granted).toBe(READ | LOOKUP | MODIFY | EXTEND | DELETE);
  });
});

describe('SETATTR', () => {
  it('sets mode, size and times, with wcc_data', async () => {
    const file = await fileOf(nfs, 'set');
    const { wcc, status } = await nfs.setattr(file, { mode: 0o4751, size: 9, atime: [5, 6], mtime: [7, 8] });
    expect(status).toBe(OK);
    expect(wcc.before).toMatchObject({ size: 0n });
    expect(wcc.after).toMatchObject({ mode: 0o4751, size: 9n, atime: 5_000_000_006n, mtime: 7_000_000_008n });
    expect((await nfs.getattr(file)).file).toEqual(wcc.after);
  });

  it('takes the server’s time', async () => {
    const file = await fileOf(nfs, 'touch');
    await nfs.setattr(file, { mtime: [1, 0], atime: [1, 0] });
    const { wcc } = await nfs.setattr(file, { mtime: 'server', atime: 'server' });
    expect(wcc.after?.mtime).toBeGreaterThan(1_600_000_000_000_000_000n);
    expect(wcc.after?.atime).toBe(wcc.after?.mtime);
  });

  it('does nothing when the guard has another ctime', async () => {
    const file = await fileOf(nfs, 'guard');
    const { ctime = 0n } = (await nfs.getattr(file)).file ?? {};
    const [seconds, nanoseconds] = [Number(ctime / 1_000_000_000n), Number(ctime % 1_000_000_000n)];
    const refused = await nfs.setattr(file, { mode: 0o600 }, [seconds, nanoseconds ^ 1]);
    expect(refused.status).toBe(ERR.NOT_SYNC);
    expect(refused.wcc.before).toMatchObject({ ctime });
    expect(refused.wcc.after).toMatchObject({ mode: 0o644, ctime });
    expect(await nfs.setattr(file, { mode: 0o600 }, [seconds, nanoseconds])).toMatchObject({
      status: OK,
      wcc: { after: { mode: 0o600 } },
    });
  });

  it.each([
    ['mode of somebody else’s file', { mode: 0 }, ERR.PERM],
    ['owner, who is not root', { uid: 1 }, ERR.PERM],
    ['size without leave', { size: 0 }, ERR.ACCES],
    ['times of somebody else’s file', { mtime: [1, 1] }, ERR.PERM],
    ['a second of 10^9 nanoseconds', { mtime: [1, 1_000_000_000] }, ERR.INVAL],
  ] as const)('refuses %s', async (what, changes, status) => {
    const file = await fileOf(admin, `refused ${what}`, 0o444);
    expect(await nfs.setattr(file, changes)).toMatchObject({ status });
  });

  it('refuses a size for a directory, or past the greatest', async () => {
    const { handle = NONE } = await nfs.mkdir(root, 'sized', { mode: 0o755 });
    expect(await nfs.setattr(handle, { size: 0 })).toMatchObject({ status: ERR.INVAL });
    const file = await fileOf(nfs, 'vast');
    expect(await nfs.setattr(file, { size: 2n ** 64n - 1n })).toMatchObject({ status: ERR.FBIG });
    expect(await nfs.setattr(file, { size: 2n ** 40n })).toMatchObject({ status: OK });
  });
});

describe('READLINK', () => {
  it('gives the target as it was set', async () => {
    const target = Buffer.from('../a/\xff/b', 'latin1');
    const made = await nfs.symlink(root, 'link', target);
    expect(made).toMatchObject({ status: OK, file: { type: 5, size: BigInt(target.length) } });
    expect(await nfs.readlink(made.handle ?? NONE)).toMatchObject({ status: OK, target, file: { type: 5 } });
  });

  it('refuses a file', async () => {
    const file = await fileOf(nfs, 'no-link');
    expect(await nfs.readlink(file)).toMatchObject({ status: ERR.INVAL, file: { type: 1 } });
  });
});

describe('handles', () => {
  it('are stale once their inode is gone, and its name taken by another', async () => {
    const file = await fileOf(nfs, 'gone');
    await nfs.remove(root, 'gone');
    await fileOf(nfs, 'gone');
    expect(await nfs.getattr(file)).toMatchObject({ status: ERR.STALE });
    expect(await nfs.read(file, 0, 1)).toMatchObject({ status: ERR.STALE, file: undefined });
  });

  it('are bad when a bit is changed', async () => {
    for (let bit = 0; bit < root.length * 8; bit += 1) {
      const forged = Buffer.from(root);
      forged.writeUInt8(forged.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(await nfs.getattr(forged)).toMatchObject({ status: ERR.BADHANDLE });
    }
    expect(await nfs.getattr(root.subarray(1))).toMatchObject({ status: ERR.BADHANDLE });
    expect(await nfs.getattr(NONE)).toMatchObject({ status: ERR.BADHANDLE });
  });

  it('of a volume that is gone are stale', async () => {
    const volume = await world.addVolume('brief');
    const { handle } = await nfs.mount('/brief');
    await world.core.volumes.delete(volume);
    expect(await nfs.getattr(handle)).toMatchObject({ status: ERR.STALE });
  });
});

it('FSSTAT counts what the volume holds and what it may hold', async () => {
  const before = await nfs.fsstat(root);
  const [total = 0n, free, available, files = 0n] = before.numbers;
  expect(free).toBe(BigInt(ROOM_BYTES));
  expect(available).toBe(free);
  const file = await fileOf(nfs, 'counted');
  await nfs.write(file, 0, Buffer.alloc(10_000));
  const after = await nfs.fsstat(root);
  expect(after.numbers[0]).toBe(total + 10_000n);
  expect(after.numbers[3]).toBe(files + 1n);
});

it('a quota is what df has left, and DQUOT says when it is used up', async () => {
  const volume = await world.addVolume('small', { squash: 'none' });
  await world.core.volumes.setSettings(volume, { quotaBytes: 5_000, quotaInodes: 2 });
  const { handle } = await nfs.mount('/small');
  const { handle: file = NONE } = await admin.create(handle, 'file');
  expect((await admin.write(file, 0, Buffer.alloc(4_000))).status).toBe(OK);
  expect((await nfs.fsstat(handle)).numbers).toEqual([5_000n, 1_000n, 1_000n, 2n, 0n, 0n]);
  expect((await admin.write(file, 4_000, Buffer.alloc(1_001))).status).toBe(ERR.DQUOT);
  expect((await admin.create(handle, 'more')).status).toBe(ERR.DQUOT);
  expect((await admin.write(file, 4_000, Buffer.alloc(1_000))).status).toBe(OK);
});
