/** READ, WRITE and COMMIT. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Out } from '../wire.ts';
import { startWorld, type World, WRITE_VERIFIER } from '../world.ts';
import { ERR, NFS, type NfsTestClient, OK, PROC } from './client.ts';

let world: World;
let nfs: NfsTestClient;
let root: Buffer;
beforeAll(async () => {
  world = await startWorld();
  ({ nfs, root } = world);
});
afterAll(async () => {
  await world.close();
  expect(world.errors).toEqual([]);
});

let count = 0;
async function newFile(mode = 0o644): Promise<Buffer> {
  count += 1;
  const made = await nfs.create(root, `file-${count}`, { kind: 'guarded', attributes: { mode } });
  return made.handle ?? Buffer.alloc(0);
}

const FILE_SYNC = 2;

describe('WRITE', () => {
  it.each([0, 1, 2])('is stable whatever was asked for: %i', async (stable) => {
    const file = await newFile();
    const written = await nfs.write(file, 0, 'hello', stable);
    expect(written).toMatchObject({ status: OK, count: 5, committed: FILE_SYNC, verifier: WRITE_VERIFIER });
    expect(written.wcc.before).toMatchObject({ size: 0n });
    expect(written.wcc.after).toMatchObject({ size: 5n, used: 5n });
    expect(await nfs.read(file, 0, 100)).toMatchObject({ data: Buffer.from('hello') });
  });

  it('makes a hole before an offset past the end', async () => {
    const file = await newFile();
    await nfs.write(file, 5n * 2n ** 30n, 'end');
    expect(await nfs.read(file, 5n * 2n ** 30n - 2n, 10)).toMatchObject({
      data: Buffer.from('\0\0end'),
      eof: true,
      file: { size: 5n * 2n ** 30n + 3n },
    });
  });

  it('of no bytes changes nothing', async () => {
    const file = await newFile();
    await nfs.write(file, 0, 'abc');
    const { wcc, ...rest } = await nfs.write(file, 1, '');
    expect(rest).toMatchObject({ status: OK, count: 0, committed: FILE_SYNC });
    expect(wcc.before?.mtime).toBe(wcc.after?.mtime);
  });

  it('takes at most a MiB at once', async () => {
    const file = await newFile();
    const data = Buffer.alloc((1 << 20) + 4096, 'x');
    expect(await nfs.write(file, 0, data)).toMatchObject({
      status: OK,
      count: 1 << 20,
      wcc: { after: { size: 1n << 20n } },
    });
  });

  it('is refused when count and data differ', async () => {
    const file = await newFile();
    for (const counted of [4, 6]) {
      const args = new Out().opaque(file).u64(0).u32(counted, FILE_SYNC).opaque('hello');
      const { accepted } = await nfs.rpc.call({ program: NFS, procedure: PROC.WRITE, args: args.bytes() });
      // GARBAGE_ARGS
      expect(accepted).toBe(4);
    }
    expect((await nfs.getattr(file)).file).toMatchObject({ size: 0n });
  });

  it('is refused past the greatest size, on a directory and without leave', async () => {
    const file = await newFile();
    expect(await nfs.write(file, 2n ** 64n - 1n, 'x')).toMatchObject({
      status: ERR.FBIG,
      wcc: { after: { size: 0n } },
    });
    expect(await nfs.write(file, 2n ** 50n, 'x')).toMatchObject({ status: ERR.FBIG });
    expect(await nfs.write(root, 0, 'x')).toMatchObject({ status: ERR.INVAL, wcc: { after: { type: 2 } } });
    const denied = await nfs.as({ uid: 2000 }).write(file, 0, 'x');
    expect(denied).toMatchObject({ status: ERR.ACCES, wcc: { after: { size: 0n } } });
  });
});

describe('READ', () => {
  it('gives what there is, and says where it ends', async () => {
    const file = await newFile();
    await nfs.write(file, 0, '0123456789');
    const cases = [
      [0, 4, '0123', false],
      [0, 10, '0123456789', true],
      [8, 100, '89', true],
      [10, 5, '', true],
      [11, 5, '', true],
      [3, 0, '', false],
      [10, 0, '', true],
    ] as const;
    for (const [offset, wanted, text, eof] of cases) {
      const got = await nfs.read(file, offset, wanted);
      expect({ offset, wanted, text: `${got.data}`, eof: got.eof, count: got.count }).toEqual({
        offset,
        wanted,
        text,
        eof,
        count: text.length,
      });
    }
    expect(await nfs.read(file, 2n ** 64n - 1n, 5)).toMatchObject({ status: OK, count: 0, eof: true });
  });

  it('gives each of many at once its own bytes', async () => {
    const file = await newFile();
    const [blocks, blockBytes] = [24, 70_000];
    for (let block = 0; block < blocks; block += 1) {
      await nfs.write(file, block * blockBytes, Buffer.alloc(blockBytes, block + 1));
    }
    const all = Array.from({ length: 4 * blocks }, (_, i) => i % blocks);
    const got = await Promise.all(all.map((block) => nfs.read(file, block * blockBytes, blockBytes)));
    for (const [i, block] of all.entries()) {
      expect(got[i]?.data.equals(Buffer.alloc(blockBytes, block + 1))).toBe(true);
    }
  });

  it('gives at most a MiB, whatever was asked for', async () => {
    const file = await newFile();
    await nfs.write(file, 0, Buffer.alloc(1 << 20, 1));
    await nfs.write(file, 1 << 20, 'more');
    expect(await nfs.read(file, 0, 2 ** 32 - 1)).toMatchObject({ status: OK, count: 1 << 20, eof: false });
  });

  it('refuses a directory and whom the mode shuts out', async () => {
    expect(await nfs.read(root, 0, 1)).toMatchObject({ status: ERR.INVAL, file: { type: 2 } });
    const file = await newFile(0o600);
    expect(await nfs.as({ uid: 2000 }).read(file, 0, 1)).toMatchObject({
      status: ERR.ACCES,
      file: { mode: 0o600 },
    });
  });

  it('lets the owner read and write on after chmod 000, and whoever may execute read', async () => {
    const file = await newFile();
    await nfs.write(file, 0, 'mine');
    await nfs.setattr(file, { mode: 0 });
    expect(await nfs.write(file, 4, '!')).toMatchObject({ status: OK });
    expect(await nfs.read(file, 0, 9)).toMatchObject({ status: OK, data: Buffer.from('mine!') });
    const other = nfs.as({ uid: 2000 });
    expect(await other.read(file, 0, 9)).toMatchObject({ status: ERR.ACCES });
    await nfs.setattr(file, { mode: 0o001 });
    expect(await other.read(file, 0, 9)).toMatchObject({ status: OK });
    expect(await other.write(file, 0, 'x')).toMatchObject({ status: ERR.ACCES });
  });
});

it('COMMIT answers with the verifier and the attributes', async () => {
  const file = await newFile();
  await nfs.write(file, 0, 'abc', 0);
  const { file: attributes } = await nfs.getattr(file);
  const { size, mtime, ctime } = attributes ?? {};
  expect(await nfs.commit(file, 0, 0)).toEqual({
    status: OK,
    wcc: { before: { size, mtime, ctime }, after: attributes },
    verifier: WRITE_VERIFIER,
  });
  await nfs.remove(root, `file-${count}`);
  expect(await nfs.commit(file)).toMatchObject({ status: ERR.STALE, wcc: { after: undefined } });
});
