import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import {
  type DiskFault,
  type DiskOperation,
  type ExtentWriter,
  LocalExtentStore,
  MemoryDisk,
  type MemoryDiskOptions,
  NodeDisk,
} from '../src/index.ts';
import { bytesOf, inTemporaryFolder, leaseFrom, randomFrom } from './fixtures.ts';

const owner = { contentId: 1, fileOffset: 0 };

function storeWith({
  syncEveryBytes,
  ...options
}: Partial<MemoryDiskOptions & { syncEveryBytes: number }> = {}) {
  const disk = new MemoryDisk({ random: randomFrom(1), ...options });
  const given = syncEveryBytes === undefined ? {} : { syncEveryBytes };
  return { disk, store: new LocalExtentStore({ disk: disk.mount(), lease: leaseFrom(1), ...given }) };
}

/** Each write waits until it is let go. */
function storeThatStalls() {
  const writes: (() => void)[] = [];
  const before = async ({ kind }: DiskOperation) => {
    if (kind === 'write') await new Promise<void>((resolve) => writes.push(resolve));
    return undefined;
  };
  return { writes, ...storeWith({ before }) };
}

async function writeAll(writer: ExtentWriter, data: Buffer, pieceBytes: number): Promise<void> {
  for (let at = 0; at < data.length; at += pieceBytes) await writer.write(data.subarray(at, at + pieceBytes));
}

/** Bytes a writer takes while nothing that it writes gets anywhere. */
async function takenWhileStalled(writer: ExtentWriter, pieceBytes: number): Promise<number> {
  for (let taken = 0; ; taken += pieceBytes) {
    let accepted = false;
    writer.write(Buffer.alloc(pieceBytes)).then(
      () => {
        accepted = true;
      },
      () => undefined,
    );
    await new Promise((resolve) => setImmediate(resolve));
    if (!accepted) return taken + pieceBytes;
  }
}

describe('a dedicated writer', () => {
  it('keeps no memory that is wanted back before it writes anything', async () => {
    const { store } = storeWith();
    const writer = store.create(owner);
    const data = bytesOf(20_000, 1);
    const piece = Buffer.alloc(1000);
    let released = 0;
    for (let at = 0; at < data.length; at += piece.length) {
      data.copy(piece, 0, at);
      await writer.write(piece, () => {
        released += 1;
      });
      expect(released).toBe(at / piece.length + 1);
    }
    const location = await writer.finish();
    const got = await store.read({ location, start: 0, length: data.length });
    expect(Buffer.from(got).equals(data)).toBe(true);
  });

  it('makes no file before there is something to write, nor ever when aborted so early', async () => {
    const { disk, store } = storeWith();
    const writer = store.create(owner);
    await writer.write(bytesOf(100, 1));
    await writer.abort();
    await writer.abort();
    await expect(writer.write(bytesOf(1, 1))).rejects.toMatchObject({ code: 'Closed' });
    await expect(writer.finish()).rejects.toMatchObject({ code: 'Closed' });
    expect(disk.count('create')).toBe(0);
  });

  it('removes its file when aborted', async () => {
    const { store } = storeWith();
    const writer = store.create(owner);
    await writeAll(writer, bytesOf(300_000, 1), 50_000);
    await writer.abort();
    expect(await store.list()).toEqual([]);
    expect(store.isActive((await store.append({ owner, data: [Buffer.of(1)] })).container)).toBe(true);
  });

  it('keeps its file when aborted after a good finish, and takes no more then', async () => {
    const { store } = storeWith();
    const writer = store.create(owner);
    await writer.write(bytesOf(1000, 1));
    const finished = writer.finish();
    await writer.abort();
    const location = await finished;
    expect(await store.read({ location, start: 0, length: 1000 })).toEqual(bytesOf(1000, 1));
    await expect(writer.write(Buffer.of(1))).rejects.toMatchObject({ code: 'Closed' });
    expect(await writer.finish()).toEqual(location);
  });

  it('has its name on stable storage while bytes still come', async () => {
    const synced: string[] = [];
    const before = async (operation: DiskOperation) => {
      if (operation.kind === 'syncDirectory' && operation.name !== '') synced.push(operation.name);
      return undefined;
    };
    const { store } = storeWith({ before });
    const writer = store.create(owner);
    await writeAll(writer, bytesOf(300_000, 1), 50_000);
    await expect.poll(() => synced.length).toBe(1);
    await writer.finish();
    expect(synced.length).toBe(1);
  });

  it('syncs what is short once, at its end', async () => {
    const { disk, store } = storeWith();
    const writer = store.create(owner);
    await writeAll(writer, bytesOf(3_000_000, 1), 100_000);
    expect(disk.count('sync')).toBe(0);
    await writer.finish();
    expect(disk.count('sync')).toBe(1);
  });

  it('syncs what is long while it comes, one sync at a time', async () => {
    const syncs: (() => void)[] = [];
    const before = async ({ kind }: DiskOperation) => {
      if (kind === 'sync') await new Promise<void>((resolve) => syncs.push(resolve));
      return undefined;
    };
    const { store } = storeWith({ before, syncEveryBytes: 1 << 20 });
    const writer = store.create(owner);
    const data = bytesOf(5_000_000, 1);
    await writeAll(writer, data, 100_000);
    expect(syncs).toHaveLength(1);
    syncs[0]?.();
    await writeAll(writer, data, 100_000);
    expect(syncs).toHaveLength(2);
    let isFinished = false;
    const finished = writer.finish().finally(() => {
      isFinished = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 20));
    // The last sync comes after the one under way: of two at once only one would be told of a failure.
    expect({ syncs: syncs.length, isFinished }).toEqual({ syncs: 2, isFinished: false });
    syncs[1]?.();
    await expect.poll(() => syncs.length).toBe(3);
    expect(isFinished).toBe(false);
    syncs[2]?.();
    const location = await finished;
    const last = await store.read({ location, start: data.length, length: 1_000_000 });
    expect(last.equals(data.subarray(0, 1_000_000))).toBe(true);
  });

  it('fails with an early sync that failed, though the last one would not', async () => {
    let syncs = 0;
    const before = async ({ kind }: DiskOperation): Promise<DiskFault | undefined> =>
      kind === 'sync' && ++syncs === 1 ? 'EIO' : undefined;
    const { store } = storeWith({ before, syncEveryBytes: 1 << 20 });
    const writer = store.create(owner);
    await writeAll(writer, bytesOf(1_200_000, 1), 600_000);
    await expect(writer.finish()).rejects.toMatchObject({ name: 'ExtentError', code: 'Failed' });
    expect(await store.list()).toEqual([]);
  });

  it.each([
    ['create', 'EIO', 'Failed'],
    ['write', 'EIO', 'Failed'],
    ['write', 'ENOSPC', 'Full'],
    ['sync', 'EIO', 'Failed'],
    ['sync', 'ENOSPC', 'Full'],
    ['syncDirectory', 'EIO', 'Failed'],
  ] as const)('fails with its %s (%s), is not tried again, and leaves no file', async (kind, fault, code) => {
    let armed = false;
    const before = async (operation: DiskOperation): Promise<DiskFault | undefined> => {
      if (!armed || operation.kind !== kind) return undefined;
      armed = false;
      return fault;
    };
    const { store, disk } = storeWith({ before });
    await store.append({ owner, data: [Buffer.of(1)] });
    const syncs = disk.count('sync');
    const writer = store.create(owner);
    armed = true;
    const work = writeAll(writer, bytesOf(900_000, 1), 60_000).then(() => writer.finish());
    await expect(work).rejects.toMatchObject({ name: 'ExtentError', code });
    expect(armed).toBe(false);
    await expect(writer.write(Buffer.of(1))).rejects.toMatchObject({ code });
    await expect(writer.finish()).rejects.toMatchObject({ code });
    await writer.abort();
    expect((await store.list()).map(({ kind: listed }) => listed)).toEqual(['segment']);
    expect(disk.count('sync') - syncs).toBeLessThanOrEqual(1);
  });

  it('makes its caller wait rather than hold more than half a mebibyte', async () => {
    let stalled = true;
    const release: (() => void)[] = [];
    const before = async ({ kind }: DiskOperation) => {
      if (stalled && kind === 'write') await new Promise<void>((resolve) => release.push(resolve));
      return undefined;
    };
    const { store } = storeWith({ before });
    for (const pieceBytes of [1000, 65_536, 262_144]) {
      const writer = store.create(owner);
      expect(await takenWhileStalled(writer, pieceBytes)).toBeLessThanOrEqual(512 << 10);
    }
    stalled = false;
    for (const go of release) go();
  });

  it('lets its caller go on while it writes what has gathered', async () => {
    const { writes, store } = storeThatStalls();
    const writer = store.create(owner);
    await writer.write(Buffer.alloc(100_000));
    const second = writer.write(Buffer.alloc(262_144));
    await expect.poll(() => writes).toHaveLength(1);
    writes[0]?.();
    // The second write has begun and does not end here.
    await second;
    await expect.poll(() => writes).toHaveLength(2);
    writes[1]?.();
    await writer.abort();
  });

  describe('gives a chunk back', () => {
    /** What became of chunks of so many bytes, in order. */
    async function lend(writer: ExtentWriter, lengths: readonly number[]) {
      const released = lengths.map(() => 0);
      const outcomes = await Promise.allSettled(
        lengths.map((length, at) => {
          return writer.write(bytesOf(length, at), () => {
            released[at] = (released[at] ?? 0) + 1;
          });
        }),
      );
      return { released, outcomes };
    }

    it('once, when its bytes are written and not before', async () => {
      const { writes, store } = storeThatStalls();
      const writer = store.create(owner);
      const { released } = await lend(writer, [0, 100_000, 200_000]);
      expect(released).toEqual([1, 0, 0]);
      await expect.poll(() => writes).toHaveLength(1);
      writes[0]?.();
      await expect.poll(() => writes).toHaveLength(2);
      expect(released).toEqual([1, 1, 0]);
      writes[1]?.();
      const finished = writer.finish();
      await expect.poll(() => writes).toHaveLength(3);
      writes[2]?.();
      await finished;
      expect(released).toEqual([1, 1, 1]);
    });

    it('whose memory may then be another’s', async () => {
      const { store } = storeWith();
      const writer = store.create(owner);
      const memory = Buffer.alloc(300_000);
      const expected: Buffer[] = [];
      for (let round = 0; round < 10; round++) {
        expected.push(bytesOf(300_000, round));
        expected[round]?.copy(memory);
        await new Promise<void>((resolve, reject) => writer.write(memory, resolve).catch(reject));
      }
      const location = await writer.finish();
      for (const [round, bytes] of expected.entries()) {
        expect(await store.read({ location, start: round * 300_000, length: 300_000 })).toEqual(bytes);
      }
    });

    it('that fails, or waited for one that did', async () => {
      const before = async ({ kind }: DiskOperation): Promise<DiskFault | undefined> =>
        kind === 'write' ? 'EIO' : undefined;
      const { store } = storeWith({ before });
      const writer = store.create(owner);
      const { released, outcomes } = await lend(writer, [100_000, 100_000, 200_000]);
      expect(outcomes.at(-1)).toMatchObject({ status: 'rejected', reason: { code: 'Failed' } });
      expect(released).toEqual([1, 1, 1]);
      await writer.abort();
      expect(released).toEqual([1, 1, 1]);
    });

    it('that was gathered when the extent was aborted', async () => {
      const { store, writes } = storeThatStalls();
      const writer = store.create(owner);
      const { released } = await lend(writer, [1000, 40_000, 50_000]);
      expect(released).toEqual([1, 0, 0]);
      await expect.poll(() => writes).toHaveLength(1);
      const aborted = writer.abort();
      expect(released).toEqual([1, 0, 1]);
      writes[0]?.();
      await aborted;
      expect(released).toEqual([1, 1, 1]);
    });
  });

  it('holds little while it waits: a thousand slow ones at most a block each', async () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage: () => void = runInNewContext('gc');
    const heldBytes = () => {
      collectGarbage();
      return process.memoryUsage().arrayBuffers;
    };
    await inTemporaryFolder(async (folder) => {
      const store = new LocalExtentStore({ disk: new NodeDisk(folder), lease: leaseFrom(1) });
      const writers = Array.from({ length: 1000 }, () => store.create(owner));
      const before = heldBytes();
      for (let round = 0; round < 6; round++) {
        await Promise.all(writers.map((writer) => writer.write(Buffer.alloc(15_000, round))));
        // What is on its way to the disk drains by itself: of 90 MB given, this much is the most that may stay.
        await expect.poll(() => heldBytes() - before).toBeLessThan(34 << 20);
      }
      await Promise.all(writers.map((writer) => writer.abort()));
      await store.close();
    });
  });
});
