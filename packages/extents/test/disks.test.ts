import { closeSync, constants, readdirSync, readlinkSync } from 'node:fs';
import { mkdtemp, open, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import koffi from 'koffi';
import { describe, expect, it } from 'vitest';
import {
  Ballast,
  ballastBytes,
  containerId,
  DIRECT_BLOCK_BYTES,
  type Disk,
  LocalExtentStore,
  MemoryDisk,
  NodeDisk,
  physicalLength,
} from '../src/index.ts';
import { bytesOf, inTemporaryFolder, leaseFrom, randomFrom } from './fixtures.ts';

const disks = {
  real: (use: (disk: Disk) => Promise<void>) =>
    inTemporaryFolder((folder) => use(new NodeDisk(join(folder, 'extents')))),
  simulated: (use: (disk: Disk) => Promise<void>) => use(new MemoryDisk({ random: randomFrom(1) }).mount()),
  cached: (use: (disk: Disk) => Promise<void>) =>
    use(new MemoryDisk({ random: randomFrom(1), cachesReads: true }).mount()),
};

async function readAt(
  file: Awaited<ReturnType<Disk['open']>>,
  position: number,
  length: number,
): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  return buffer.subarray(0, await file.read({ position, buffers: [buffer] }));
}

describe.each(Object.entries(disks))('a %s disk', (_, withDisk) => {
  it('writes and reads in pieces, anywhere', async () => {
    await withDisk(async (disk) => {
      await disk.makeDirectory('');
      await disk.makeDirectory('d');
      await disk.makeDirectory('d');
      for (const writes of ['buffered', 'durable'] as const) {
        const file = await disk.create(`d/${writes}`, writes);
        const data = bytesOf(50_000, 1);
        const pieces = Array.from({ length: 1500 }, (_unused, index) =>
          data.subarray(index * 20, index * 20 + 20),
        );
        await file.write({ position: 7, buffers: [...pieces, Buffer.alloc(0), data.subarray(30_000)] });
        expect(await file.size()).toBe(50_007);
        expect((await readAt(file, 0, 60_000)).equals(Buffer.concat([Buffer.alloc(7), data]))).toBe(true);
        const parts = [Buffer.alloc(10), Buffer.alloc(40_000), Buffer.alloc(20_000)];
        expect(await file.read({ position: 1007, buffers: parts })).toBe(49_000);
        expect(Buffer.concat(parts).subarray(0, 49_000).equals(data.subarray(1000))).toBe(true);
        expect(await readAt(file, 50_007, 10)).toHaveLength(0);
        expect(await readAt(file, 90_000, 10)).toHaveLength(0);
        await file.sync();
        await file.close();
      }
      await disk.syncDirectory('d');
      expect([...(await disk.list('d'))].sort()).toEqual(['buffered', 'durable']);
      await disk.rename('d/durable', 'd/buffered');
      expect(await disk.list('d')).toEqual(['buffered']);
      const bare = await disk.open('d/buffered', 'none');
      expect(await bare.size()).toBe(50_007);
      await expect(bare.write({ position: 0, buffers: [Buffer.of(1)] })).rejects.toMatchObject({
        code: 'EBADF',
      });
      await bare.close();
    });
  });

  it('writes whole blocks past its cache, and reads them anywhere', async () => {
    await withDisk(async (disk) => {
      await disk.makeDirectory('');
      const writes = 'durable direct';
      const file = await disk.create(writes, writes);
      const memory = disk.memory(5 * DIRECT_BLOCK_BYTES);
      const data = bytesOf(memory.length, 2);
      data.copy(memory);
      const blocks = (from: number, to?: number) =>
        memory.subarray(from * DIRECT_BLOCK_BYTES, to && to * DIRECT_BLOCK_BYTES);
      await file.write({ position: 3 * DIRECT_BLOCK_BYTES, buffers: [blocks(3)] });
      await file.write({ position: 0, buffers: [blocks(0, 1), blocks(1, 3)] });
      expect((await readAt(file, 0, 50_000)).equals(data)).toBe(true);
      expect((await readAt(file, 4000, 5000)).equals(data.subarray(4000, 9000))).toBe(true);
      await file.truncate(10_000);
      await file.sync();
      await file.close();
      const again = await disk.open(writes, writes);
      expect((await readAt(again, 1, 20_000)).equals(data.subarray(1, 10_000))).toBe(true);
      await again.write({ position: 0, buffers: [blocks(1, 2)] });
      expect((await readAt(again, 0, 4096)).equals(data.subarray(4096, 8192))).toBe(true);
      await again.close();
    });
  });

  it('reads at once no other bytes than it reads, and none where the file has none', async () => {
    await withDisk(async (disk) => {
      await disk.makeDirectory('');
      const file = await disk.create('f', 'buffered');
      const data = bytesOf(20_000, 3);
      await file.write({ position: 0, buffers: [data] });
      for (const position of [0, 1, 4095, 12_345]) {
        const buffer = Buffer.alloc(5000);
        const count = file.readAtOnce({ position, buffer });
        expect([0, 5000]).toContain(count);
        expect(buffer.equals(count > 0 ? data.subarray(position, position + 5000) : Buffer.alloc(5000))).toBe(
          true,
        );
      }
      expect([0, 5]).toContain(file.readAtOnce({ position: 19_995, buffer: Buffer.alloc(10) }));
      expect(file.readAtOnce({ position: 20_000, buffer: Buffer.alloc(10) })).toBe(0);
      await file.close();
    });
  });

  it('punches exactly the run, and gives its blocks back', async () => {
    await withDisk(async (disk) => {
      await disk.makeDirectory('');
      const file = await disk.create('f', 'buffered');
      const data = bytesOf(400_000, 2);
      await file.write({ position: 0, buffers: [data] });
      await file.sync();
      const before = await disk.status('f');
      const other = await disk.open('f', 'buffered');
      expect(await other.punch({ offset: 5001, length: 300_003 })).toBe(true);
      await other.close();
      const after = await disk.status('f');
      expect(after?.sizeBytes).toBe(400_000);
      expect((before?.allocatedBytes ?? 0) - (after?.allocatedBytes ?? 0)).toBe((74 - 2) * 4096);
      data.fill(0, 5001, 305_004);
      expect((await readAt(file, 0, 400_000)).equals(data)).toBe(true);
      await file.close();
    });
  });

  it('truncates both ways, takes blocks ahead, and says what is not there', async () => {
    await withDisk(async (disk) => {
      await disk.makeDirectory('');
      const file = await disk.create('f', 'buffered');
      await expect(disk.create('f', 'buffered')).rejects.toMatchObject({ code: 'EEXIST' });
      await expect(disk.open('g', 'buffered')).rejects.toMatchObject({ code: 'ENOENT' });
      await expect(disk.open('no/g', 'buffered')).rejects.toMatchObject({ code: 'ENOENT' });
      await expect(disk.create('no/g', 'buffered')).rejects.toMatchObject({ code: 'ENOENT' });
      await expect(disk.syncDirectory('no')).rejects.toMatchObject({ code: 'ENOENT' });
      await file.write({ position: 0, buffers: [Buffer.alloc(5000, 1)] });
      await file.truncate(100_000);
      expect(await file.size()).toBe(100_000);
      expect((await disk.status('f'))?.allocatedBytes).toBe(8192);
      await file.truncate(3000);
      await file.truncate(6000);
      const bytes = await readAt(file, 0, 6000);
      expect(bytes.equals(Buffer.concat([Buffer.alloc(3000, 1), Buffer.alloc(3000)]))).toBe(true);
      const free = await disk.freeBytes();
      await file.allocate(1 << 20);
      expect(await file.size()).toBe(1 << 20);
      expect((await disk.status('f'))?.allocatedBytes).toBe(1 << 20);
      expect(free).toBeGreaterThan(1 << 20);
      await file.close();
      expect(await disk.unlink('f')).toBe(true);
      expect(await disk.unlink('f')).toBe(false);
      expect(await disk.status('f')).toBeUndefined();
      expect(await disk.list('nowhere')).toEqual([]);
      await disk.makeDirectory('folder');
      expect(await disk.status('folder')).toBeUndefined();
    });
  });

  it('holds a ballast and gives it back', async () => {
    await withDisk(async (disk) => {
      const ballast = new Ballast({ disk, lengthBytes: 1 << 20 });
      expect(await ballast.release()).toBe(false);
      expect(await ballast.restore()).toBe(true);
      expect(await ballast.restore()).toBe(true);
      expect((await disk.status('ballast'))?.allocatedBytes).toBe(1 << 20);
      expect(await ballast.release()).toBe(true);
      expect(await disk.status('ballast')).toBeUndefined();
    });
  });
});

describe('a real disk', () => {
  it('reads what the page cache has lost, in whole or in part', async () => {
    const POSIX_FADV_DONTNEED = 4;
    const advise = koffi
      .load(null)
      .func('int posix_fadvise(int fd, int64_t offset, int64_t length, int advice)');
    await inTemporaryFolder(async (folder) => {
      const disk = new NodeDisk(folder);
      const data = bytesOf(3_000_000, 5);
      const file = await disk.create('f', 'durable');
      await file.write({ position: 0, buffers: [data] });
      const raw = await open(join(folder, 'f'));
      for (const [offset, length] of [
        [0, 0],
        [1 << 20, 1 << 20],
        [2 << 20, 0],
      ] as const) {
        expect(advise(raw.fd, offset, length, POSIX_FADV_DONTNEED)).toBe(0);
        const parts = [Buffer.alloc(1000), Buffer.alloc(2_000_000), Buffer.alloc(1_000_000)];
        expect(await file.read({ position: 500, buffers: parts })).toBe(2_999_500);
        expect(Buffer.concat(parts).subarray(0, 2_999_500).equals(data.subarray(500))).toBe(true);
      }
      await raw.close();
      await file.close();
    });
  });
});

async function takesDirectWrites(folder: string): Promise<boolean> {
  const { O_CREAT, O_DIRECT, O_WRONLY } = constants;
  const file = await open(join(folder, 'direct'), O_WRONLY | O_CREAT | O_DIRECT).catch(() => undefined);
  await file?.close();
  return file !== undefined;
}

describe('a file that is written directly', () => {
  const write = async (
    disk: NodeDisk,
    { blocks, from = 0 }: { readonly blocks: number; readonly from?: number },
  ) => {
    const file = await disk.create('f', 'durable direct');
    const memory = disk.memory(blocks * DIRECT_BLOCK_BYTES + from).fill(7);
    await file.write({ position: 0, buffers: [memory.subarray(from)] });
    const read = await readAt(file, 0, memory.length);
    await file.close();
    expect(read.equals(memory.subarray(from))).toBe(true);
  };

  it('does not pass through the page cache', async (context) => {
    await inTemporaryFolder(async (folder) => {
      if (!(await takesDirectWrites(folder)))
        return context.skip('no O_DIRECT in the folder for temporary files');
      const disk = new NodeDisk(folder);
      await write(disk, { blocks: 3 });
      expect(disk.counts.directBytes).toBe(3 * DIRECT_BLOCK_BYTES);
    });
  });

  it('leaves nothing open where closing it fails', async (context) => {
    await inTemporaryFolder(async (folder) => {
      const descriptors = () =>
        readdirSync('/proc/self/fd').filter((fd) => {
          try {
            return readlinkSync(`/proc/self/fd/${fd}`) === join(folder, 'f');
          } catch {
            // It was that of the folder that is read.
            return false;
          }
        });
      if (!(await takesDirectWrites(folder)))
        return context.skip('no O_DIRECT in the folder for temporary files');
      const file = await new NodeDisk(folder).create('f', 'durable direct');
      const [, direct] = descriptors()
        .map(Number)
        .sort((a, b) => a - b);
      if (direct === undefined) throw new Error('it is not open twice');
      closeSync(direct);
      await expect(Promise.resolve().then(() => file.close())).rejects.toMatchObject({ code: 'EBADF' });
      expect(descriptors()).toEqual([]);
    });
  });

  it('is written as any other where memory does not lie as the device asks', async () => {
    await inTemporaryFolder(async (folder) => {
      const disk = new NodeDisk(folder);
      await write(disk, { blocks: 3, from: 1 });
      expect(disk.counts).toMatchObject({ directBytes: 0, writtenBytes: 3 * DIRECT_BLOCK_BYTES });
    });
  });
});

describe('a ballast', () => {
  it('is not taken from a disk that is too full, and is room for what comes when released', async () => {
    const disk = new MemoryDisk({ random: randomFrom(1), capacityBytes: 130_000 }).mount();
    const ballast = new Ballast({ disk, lengthBytes: 60 << 10 });
    expect(await ballast.restore()).toBe(true);
    const file = await disk.create('f', 'buffered');
    const write = () => file.write({ position: 0, buffers: [Buffer.alloc(80_000)] });
    await expect(write()).rejects.toMatchObject({ code: 'ENOSPC' });
    await ballast.release();
    await write();
    expect(await ballast.restore()).toBe(false);
    expect(await disk.list('')).toEqual(['f']);
    await disk.unlink('f');
    expect(await ballast.restore()).toBe(true);
  });

  it('is taken only where as much again stays free', async () => {
    const disk = new MemoryDisk({ random: randomFrom(1), capacityBytes: 40_960 }).mount();
    const file = await disk.create('f', 'buffered');
    await file.write({ position: 0, buffers: [Buffer.alloc(28_672)] });
    expect(await new Ballast({ disk, lengthBytes: 8192 }).restore()).toBe(false);
    await file.truncate(24_576);
    expect(await new Ballast({ disk, lengthBytes: 8192 }).restore()).toBe(true);
    expect(await disk.freeBytes()).toBe(8192);
  });

  it.each([0, 1, 3])('is made again when a crash left it %d blocks long instead of two', async (blocks) => {
    const disk = new MemoryDisk({ random: randomFrom(1) }).mount();
    const left = await disk.create('ballast', 'buffered');
    await left.allocate(blocks * 4096);
    await left.close();
    expect(await new Ballast({ disk, lengthBytes: 8192 }).restore()).toBe(true);
    expect(await disk.status('ballast')).toEqual({ sizeBytes: 8192, allocatedBytes: 8192 });
  });

  it.each([
    [2 << 20, 1 << 20],
    [200 << 20, 200 << 15],
    [2 ** 40, 64 << 20],
  ])('of a disk of %d bytes is %d long', (diskBytes, lengthBytes) => {
    expect(ballastBytes(diskBytes)).toBe(lengthBytes);
  });
});

describe('punching a segment on a real file system', () => {
  it('frees the blocks of the run and leaves its neighbours whole', async () => {
    await inTemporaryFolder(async (folder) => {
      const store = new LocalExtentStore({ disk: new NodeDisk(folder), lease: leaseFrom(1) });
      const locations = await Promise.all(
        Array.from({ length: 100 }, (_, seed) =>
          store.append({ owner: { contentId: seed, fileOffset: 0 }, data: [bytesOf(5000, seed)] }),
        ),
      );
      const [container] = locations.map((location) => location.container);
      const first = locations[20];
      const last = locations[79];
      if (!container || !first || !last) throw new Error('nothing was appended');
      const allocated = async () => (await store.status(container))?.allocatedBytes ?? 0;
      const before = await allocated();
      const length = last.offset + physicalLength(last) - first.offset;
      expect(await store.punch({ container, offset: first.offset, length })).toBe(true);
      expect(before - (await allocated())).toBeGreaterThan(length - 2 * 4096);
      for (const [seed, location] of locations.entries()) {
        const read = store.read({ location, start: 0, length: 5000 });
        if (seed >= 20 && seed < 80) await expect(read).rejects.toMatchObject({ code: 'Corrupt' });
        else expect((await read).equals(bytesOf(5000, seed))).toBe(true);
      }
      const nowhere = store.punch({ container: containerId(99), offset: 0, length: 4096 });
      await expect(nowhere).rejects.toMatchObject({ code: 'Missing' });
      await store.close();
    });
  });
});

it('a disk whose folder is gone is not made anew somewhere else', async () => {
  const above = await mkdtemp(join(tmpdir(), 'facet-disk-'));
  const disk = new NodeDisk(join(above, 'extents'));
  await disk.makeDirectory('');
  await rename(above, `${above}-moved`);
  try {
    await expect(disk.makeDirectory('')).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(disk.makeDirectory('00')).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(stat(above)).rejects.toMatchObject({ code: 'ENOENT' });
  } finally {
    await rm(`${above}-moved`, { recursive: true });
  }
});

it('a disk of no links writes to none, and what one leads to is as it was', async () => {
  await inTemporaryFolder(async (folder) => {
    const elsewhere = join(folder, 'elsewhere');
    await writeFile(elsewhere, 'as it was');
    await symlink(elsewhere, join(folder, 'link'));
    for (const writes of ['buffered', 'none'] as const) {
      const open = new NodeDisk(folder, { links: false }).open('link', writes);
      await expect(open).rejects.toMatchObject({ code: 'ELOOP' });
    }
    const followed = await new NodeDisk(folder).open('link', 'buffered');
    expect(await followed.size()).toBe(9);
    await followed.close();
  });
});
