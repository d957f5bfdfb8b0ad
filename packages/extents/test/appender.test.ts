import { describe, expect, it } from 'vitest';
import { BATCH_BYTES_MAX } from '../src/appender.ts';
import {
  type DiskFault,
  type DiskOperation,
  LocalExtentStore,
  type LocalExtentStoreOptions,
  MemoryDisk,
  type MemoryDiskOptions,
  type physicalLength,
  type WriteFault,
} from '../src/index.ts';
import { bytesOf, framesOf, leaseFrom, randomFrom } from './fixtures.ts';
import { World } from './simulation.ts';

const owner = { contentId: 1, fileOffset: 0 };

function storeOn(disk: MemoryDisk, options: Partial<LocalExtentStoreOptions> = {}): LocalExtentStore {
  return new LocalExtentStore({ disk: disk.mount(), lease: leaseFrom(1), ...options });
}

function diskWith(options: Partial<MemoryDiskOptions> = {}): MemoryDisk {
  return new MemoryDisk({ random: randomFrom(1), ...options });
}

/** Fails the operations picked, once each time `arm` is called. */
class Faults {
  readonly seen: DiskOperation[] = [];
  #next: { readonly kind: string; readonly fault: DiskFault; left: number } | undefined;

  readonly before = async (operation: DiskOperation): Promise<DiskFault | undefined> => {
    this.seen.push(operation);
    if (operation.kind !== this.#next?.kind || this.#next.left-- <= 0) return undefined;
    return this.#next.fault;
  };

  arm(kind: DiskOperation['kind'], fault: DiskFault, times = 1): void {
    this.#next = { kind, fault, left: times };
  }
}

async function expectStored(
  store: LocalExtentStore,
  location: Parameters<typeof physicalLength>[0],
  seed: number,
) {
  const whole = location as Awaited<ReturnType<LocalExtentStore['append']>>;
  const got = await store.read({ location: whole, start: 0, length: whole.length });
  expect(got.equals(bytesOf(whole.length, seed))).toBe(true);
}

describe('group commit', () => {
  it('gives what arrives together one write and one sync', async () => {
    const disk = diskWith();
    const store = storeOn(disk);
    const locations = await Promise.all(
      Array.from({ length: 200 }, (_, seed) => store.append({ owner, data: [bytesOf(1000, seed)] })),
    );
    expect(disk.count('sync')).toBe(1);
    for (const [seed, location] of locations.entries()) await expectStored(store, location, seed);
  });

  it('gathers what arrives while a write is under way', async () => {
    const world = new World({ seed: 5 });
    const store = storeOn(world.disk, { gather: async () => undefined });
    let done = 0;
    const client = async (): Promise<void> => {
      for (let count = 0; count < 10; count++) await store.append({ owner, data: [bytesOf(100, count)] });
      done++;
    };
    for (let index = 0; index < 50; index++) client();
    await world.run({ done: () => done === 50 });
    // The first goes alone; the others keep in step with one another from then on.
    expect(world.disk.count('sync')).toBeLessThanOrEqual(25);
  });

  it('keeps small appends together, and shares large ones out between two segments', async () => {
    const store = storeOn(diskWith());
    const containersOf = async (count: number, length: number) => {
      const appends = Array.from({ length: count }, () =>
        store.append({ owner, data: [Buffer.alloc(length)] }),
      );
      return new Set((await Promise.all(appends)).map(({ container }) => container)).size;
    };
    expect(await containersOf(64, 4096)).toBe(1);
    expect(await containersOf(64, 131_072)).toBe(2);
    expect(await containersOf(64, 4096)).toBe(1);
  });

  it('bounds a batch', async () => {
    const disk = diskWith();
    const store = storeOn(disk);
    const length = BATCH_BYTES_MAX / 4;
    await Promise.all(Array.from({ length: 7 }, () => store.append({ owner, data: [Buffer.alloc(length)] })));
    expect(disk.count('sync')).toBe(3);
  });

  it('acknowledges nothing in a new segment before its directory entry is stable', async () => {
    const order: string[] = [];
    const disk = diskWith({
      after: async ({ kind, name }) => {
        if (kind === 'sync' || kind === 'syncDirectory') order.push(`${kind} ${name}`);
      },
    });
    const store = storeOn(disk);
    await store.append({ owner, data: [Buffer.of(1)] });
    order.push('acknowledged');
    await store.append({ owner, data: [Buffer.of(1)] });
    order.push('acknowledged');
    const segment = '00/00000000000001.seg';
    expect(order).toEqual([
      'syncDirectory ',
      `sync ${segment}`,
      'syncDirectory 00',
      'acknowledged',
      `sync ${segment}`,
      'acknowledged',
    ]);
  });

  it('begins a new segment where the current one would grow too long, while others read', async () => {
    const world = new World({ seed: 9 });
    const store = storeOn(world.disk, {
      segmentBytes: 20_000,
      openFilesMax: 2,
      gather: async () => undefined,
    });
    let done = 0;
    const client = async (first: number): Promise<void> => {
      const stored = [];
      for (let count = 0; count < 12; count++) {
        const seed = first + count;
        stored.push({ seed, location: await store.append({ owner, data: [bytesOf(3000, seed)] }) });
        const chosen = stored[world.integer(stored.length)];
        if (chosen) await expectStored(store, chosen.location, chosen.seed);
      }
      done++;
    };
    const clients = Promise.all([0, 100, 200, 300].map(client));
    await world.run({ done: () => done === 4 });
    await clients;
    let listed: Awaited<ReturnType<LocalExtentStore['list']>> = [];
    store.list().then((containers) => {
      listed = containers;
    });
    await world.run({ done: () => listed.length > 0 });
    expect(listed.length).toBeGreaterThanOrEqual((48 * 3064) / 20_000);
    for (const { container, sizeBytes } of listed) {
      expect(sizeBytes).toBeLessThanOrEqual(20_000);
      expect(store.isActive(container)).toBe(container === listed.at(-1)?.container);
    }
  });
});

describe('a device error while appending', () => {
  it.each(['write', 'sync', 'syncDirectory', 'truncate', 'create'] as const)(
    'in %s seals the segment, and the bytes go to another from memory',
    async (kind) => {
      const faults = new Faults();
      const disk = diskWith({ before: faults.before });
      const written: WriteFault[] = [];
      const store = storeOn(disk, { onWriteFault: (fault) => written.push(fault) });
      // The folder exists before, so that its sync is not the one to fail.
      await store.create(owner).abort();
      const writer = store.create(owner);
      await writer.write(bytesOf(100, 1));
      await writer.finish();
      faults.arm(kind, 'EIO');
      const locations = await Promise.all(
        [1, 2, 3].map((seed) => store.append({ owner, data: [bytesOf(500, seed)] })),
      );
      expect(new Set(locations.map(({ container }) => container))).toEqual(new Set([3]));
      for (const [index, location] of locations.entries()) await expectStored(store, location, index + 1);
      const isBegun = kind === 'write' || kind === 'sync' || kind === 'syncDirectory';
      expect(written.map(({ container }) => container)).toEqual(isBegun ? [2] : []);
      const after = faults.seen.findLastIndex(({ name }) => name === '00/00000000000002.seg');
      expect(faults.seen[after]?.kind).toBe(kind === 'create' ? 'create' : 'unlink');
      expect((await store.list()).map(({ container }) => container)).toEqual([1, 3]);
    },
  );

  it('keeps what was acknowledged before in the sealed segment, and nothing else', async () => {
    const faults = new Faults();
    const disk = diskWith({ before: faults.before });
    const store = storeOn(disk);
    const kept = await store.append({ owner, data: [bytesOf(700, 1)] });
    faults.arm('sync', 'EIO');
    const moved = await store.append({ owner, data: [bytesOf(800, 2)] });
    expect(moved.container).not.toBe(kept.container);
    expect(store.isActive(kept.container)).toBe(false);
    expect((await framesOf(store, kept.container)).map(({ offset }) => offset)).toEqual([0]);
    disk.crash();
    const after = storeOn(disk);
    await expectStored(after, kept, 1);
    await expectStored(after, moved, 2);
  });

  it.each(['sync', 'truncate'] as const)(
    'at the end of a segment leaves it to recovery when that is %s: its length is not final',
    async (kind) => {
      const faults = new Faults();
      const disk = diskWith({ before: faults.before });
      const store = storeOn(disk);
      const kept = await store.append({ owner, data: [bytesOf(700, 1)] });
      faults.arm(kind, 'EIO');
      await store.close();
      expect(store.isActive(kept.container)).toBe(true);
      const ended = storeOn(diskWith());
      const last = await ended.append({ owner, data: [bytesOf(700, 1)] });
      await ended.close();
      expect(ended.isActive(last.container)).toBe(false);
    },
  );

  it('at the end of a segment has no power cut bring its old length back, once it is settled', async () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const faults = new Faults();
      const disk = diskWith({ before: faults.before, random: randomFrom(seed) });
      const store = storeOn(disk);
      const { container } = await store.append({ owner, data: [bytesOf(700, 1)] });
      faults.arm('sync', 'EIO');
      await store.close();
      const next = storeOn(disk);
      const { sizeBytes } = (await next.status(container)) ?? {};
      await next.settle(container);
      disk.crash();
      expect(await storeOn(disk).status(container)).toMatchObject({ sizeBytes });
    }
  });

  it('fails the appends when the other segment fails too, and then works again', async () => {
    const faults = new Faults();
    const store = storeOn(diskWith({ before: faults.before }));
    // Of two segments, the sync of the write and that of the end.
    faults.arm('sync', 'EIO', 4);
    const under = [1, 2].map((seed) => store.append({ owner, data: [bytesOf(10, seed)] }));
    for (const append of under) await expect(append).rejects.toMatchObject({ code: 'Failed' });
    await expectStored(store, await store.append({ owner, data: [bytesOf(10, 3)] }), 3);
  });

  it('on a full disk is Full, leaves nothing behind, and is over when there is room', async () => {
    const disk = diskWith({ capacityBytes: 160_000 });
    const given: WriteFault[] = [];
    const store = storeOn(disk, { onWriteFault: (fault) => given.push(fault) });
    const filler = await disk.mount().create('filler', 'buffered');
    await filler.write({ position: 0, buffers: [Buffer.alloc(94_000)] });
    const first = await store.append({ owner, data: [bytesOf(30_000, 1)] });
    const room = await disk.mount().freeBytes();
    for (let attempt = 0; attempt < 20; attempt++) {
      const append = store.append({ owner, data: [bytesOf(60_000, 2)] });
      await expect(append).rejects.toMatchObject({ code: 'Full' });
    }
    expect(await disk.mount().freeBytes()).toBe(room);
    await expectStored(store, first, 1);
    const small = await store.append({ owner, data: [bytesOf(10_000, 3)] });
    await filler.truncate(0);
    await expectStored(store, await store.append({ owner, data: [bytesOf(60_000, 2)] }), 2);
    await expectStored(store, small, 3);
    // All in one segment: none was given up.
    expect(given).toEqual([]);
    expect(await framesOf(store, first.container)).toHaveLength(3);
    expect(await store.list()).toHaveLength(1);
  });

  it.each(['ENOSPC', 'EDQUOT'] as const)('keeps the segment when a part of a batch met %s', async (fault) => {
    const faults = new Faults();
    const disk = diskWith({ before: faults.before });
    const store = storeOn(disk);
    const first = await store.append({ owner, data: [bytesOf(5000, 1)] });
    faults.arm('write', fault);
    await expect(store.append({ owner, data: [bytesOf(200_000, 2)] })).rejects.toMatchObject({
      code: 'Full',
    });
    const second = await store.append({ owner, data: [bytesOf(300, 3)] });
    expect(second).toMatchObject({ container: first.container, offset: 5064 });
    disk.crash();
    const after = storeOn(disk);
    await expectStored(after, first, 1);
    await expectStored(after, second, 3);
    expect((await framesOf(after, first.container)).filter(({ intact }) => intact)).toHaveLength(2);
  });

  it('is Full also where the device says EIO for it', async () => {
    const faults = new Faults();
    const store = storeOn(diskWith({ before: faults.before, capacityBytes: 900_000 }));
    faults.arm('write', 'EIO');
    await expect(store.append({ owner, data: [bytesOf(10, 1)] })).rejects.toMatchObject({ code: 'Full' });
  });

  it('of the lease fails the appends', async () => {
    const broken = new Error('no ids today');
    const lease = async () => {
      throw broken;
    };
    const store = new LocalExtentStore({ disk: diskWith().mount(), lease });
    const append = store.append({ owner, data: [Buffer.of(1)] });
    await expect(append).rejects.toMatchObject({ code: 'Failed', cause: broken });
  });
});
