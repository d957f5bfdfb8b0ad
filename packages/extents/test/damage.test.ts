import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type Disk,
  ExtentError,
  LocalExtentStore,
  type Location,
  MemoryDisk,
  NodeDisk,
  type PhysicalRun,
  physicalLength,
} from '../src/index.ts';
import { bytesOf, collect, inTemporaryFolder, leaseFrom, randomFrom } from './fixtures.ts';

const owner = { contentId: 77, fileOffset: 0 };
const SEGMENT = '00/00000000000001.seg';

function storeOn(disk: Disk): LocalExtentStore {
  return new LocalExtentStore({ disk, lease: leaseFrom(1), gather: async () => undefined });
}

async function scanned(store: LocalExtentStore, container: Parameters<LocalExtentStore['scan']>[0]) {
  const damage: PhysicalRun[] = [];
  const frames = await collect(store.scan(container, { onDamage: (run) => damage.push(run) }));
  return { frames, damage };
}

/** Reads the whole extent: the bytes, or the code of the error. */
async function readOrCode(
  store: LocalExtentStore,
  location: Parameters<LocalExtentStore['read']>[0]['location'],
) {
  const pieces: Buffer[] = [];
  try {
    for (let start = 0; start < location.length; start += 1 << 20) {
      const length = Math.min(1 << 20, location.length - start);
      pieces.push(await store.read({ location, start, length }));
    }
  } catch (error) {
    return error instanceof ExtentError ? error.code : error;
  }
  return Buffer.concat(pieces);
}

describe.each([
  { how: 'that are waited for', cachesReads: false },
  { how: 'that can be read at once', cachesReads: true },
])('damaged bytes $how', ({ cachesReads }) => {
  it('are never served, whichever byte of a small record it is', async () => {
    const disk = new MemoryDisk({ random: randomFrom(1), cachesReads });
    const store = storeOn(disk.mount());
    const before = await store.append({ owner, data: [bytesOf(50, 1)] });
    const location = await store.append({ owner, data: [bytesOf(150, 2)] });
    const after = await store.append({ owner, data: [bytesOf(50, 3)] });
    const end = location.offset + physicalLength(location);
    expect(store.checksumErrors).toBe(0);
    for (let offset = location.offset; offset < end; offset++) {
      for (const mask of [0x01, 0x80, 0xff]) {
        disk.damage({ name: SEGMENT, offset, mask });
        expect(await readOrCode(store, location), `byte ${offset}`).toBe('Corrupt');
        disk.damage({ name: SEGMENT, offset, mask });
      }
    }
    expect(store.checksumErrors).toBe(3 * (end - location.offset));
    for (const [index, whole] of [before, location, after].entries()) {
      expect(await readOrCode(store, whole)).toEqual(bytesOf(whole.length, index + 1));
    }
  });

  it('are told from those of another place, and of another length', async () => {
    const disk = new MemoryDisk({ random: randomFrom(1), cachesReads });
    const store = storeOn(disk.mount());
    const first = await store.append({ owner, data: [bytesOf(100, 1)] });
    const second = await store.append({ owner, data: [bytesOf(100, 2)] });
    expect(await readOrCode(store, { ...first, length: 99 })).toBe('Corrupt');
    expect(await readOrCode(store, { ...first, length: 101 })).toBe('Corrupt');
    const file = await disk.mount().open(SEGMENT, 'buffered');
    const frame = Buffer.alloc(physicalLength(first));
    await file.read({ position: first.offset, buffers: [frame] });
    await file.write({ position: second.offset, buffers: [frame] });
    expect(await readOrCode(store, second)).toBe('Corrupt');
    await file.truncate(second.offset + 50);
    expect(await readOrCode(store, second)).toBe('Missing');
    expect(await readOrCode(store, first)).toEqual(bytesOf(100, 1));
    // The disk was asked only where it had to be: for what it does not hold, or for everything.
    expect(disk.count('read')).toBe(cachesReads ? 2 : 6);
  });

  it('are never served from a large extent, and spoil only reads of their block', async () => {
    const disk = new MemoryDisk({ random: randomFrom(1), cachesReads });
    const store = storeOn(disk.mount());
    const data = bytesOf(1_200_000, 4);
    const writer = store.create(owner);
    await writer.write(data);
    const location = await writer.finish();
    const name = '00/00000000000001.ext';
    const random = randomFrom(99);
    const places = [...Array(188).keys(), 188, 188 + (1 << 20) - 1, 188 + (1 << 20), 2 * 188 + 1_200_000 - 1];
    for (let count = 0; count < 40; count++) places.push(Math.floor(random() * physicalLength(location)));
    for (const offset of places) {
      disk.damage({ name, offset, mask: 0x10 });
      expect(await readOrCode(store, location), `byte ${offset}`).toBe('Corrupt');
      disk.damage({ name, offset, mask: 0x10 });
    }
    disk.damage({ name, offset: 188 + 3 * 32768 + 5, mask: 0x10 });
    for (const [start, length] of [
      [2 * 32768, 32768],
      [4 * 32768, 900_000],
    ] as const) {
      const got = await store.read({ location, start, length });
      expect(got.equals(data.subarray(start, start + length))).toBe(true);
    }
    const spoiled = store.read({ location, start: 4 * 32768 - 1, length: 1 });
    await expect(spoiled).rejects.toThrow(/container 00\/00000000000001, frame at 0: block 3/);
  });

  it('are not served when a location names another extent, or its middle', async () => {
    const disk = new MemoryDisk({ random: randomFrom(1), cachesReads });
    const store = storeOn(disk.mount());
    const first = await store.append({ owner, data: [bytesOf(500, 1)] });
    const second = await store.append({ owner, data: [bytesOf(600, 2)] });
    const long = await store.append({ owner, data: [bytesOf(100_000, 3)] });
    const wrongs = [
      // Every block of this is whole; only the frame's length says that there is more.
      { ...long, length: 65_536 },
      { ...first, length: 499 },
      { ...first, length: 40_000 },
      { ...first, offset: first.offset + 1 },
      { ...second, length: 500 },
    ];
    for (const wrong of wrongs) expect(await readOrCode(store, wrong)).toBe('Corrupt');
  });
});

describe('a frame in another’s place', () => {
  it('is never served', async () => {
    await inTemporaryFolder(async (folder) => {
      const store = storeOn(new NodeDisk(folder));
      const first = await store.append({ owner, data: [bytesOf(500, 1)] });
      const second = await store.append({ owner, data: [bytesOf(500, 2)] });
      const writer = store.create(owner);
      await writer.write(bytesOf(500, 3));
      const alone = await writer.finish();
      await store.close();
      const frame = Buffer.alloc(physicalLength(first));
      const segment = await open(join(folder, SEGMENT), 'r+');
      const dedicated = await open(join(folder, '00/00000000000002.ext'), 'r+');
      await segment.read({ buffer: frame, position: first.offset });
      await segment.write(frame, 0, frame.length, second.offset);
      await dedicated.write(frame, 0, frame.length, alone.offset);
      await segment.close();
      await dedicated.close();
      const again = storeOn(new NodeDisk(folder));
      expect(await readOrCode(again, first)).toEqual(bytesOf(500, 1));
      expect(await readOrCode(again, second)).toBe('Corrupt');
      expect(await readOrCode(again, alone)).toBe('Corrupt');
      await again.close();
    });
  });
});

describe('a scan of damaged containers', () => {
  it('reports frames with damaged data as such', async () => {
    const disk = new MemoryDisk({ random: randomFrom(1) });
    const store = storeOn(disk.mount());
    const locations = [];
    for (const seed of [1, 2, 3]) locations.push(await store.append({ owner, data: [bytesOf(5000, seed)] }));
    disk.damage({ name: SEGMENT, offset: (locations[1]?.offset ?? 0) + 3000, mask: 1 });
    const { frames, damage } = await scanned(store, locations[0]?.container ?? fail());
    expect(frames.map(({ intact }) => intact)).toEqual([true, false, true]);
    expect(damage).toEqual([]);
  });

  it('goes on behind a damaged header, wherever the next frame is', async () => {
    const disk = new MemoryDisk({ random: randomFrom(1) });
    const store = storeOn(disk.mount());
    const first = await store.append({ owner, data: [bytesOf(100, 1)] });
    const hurt = await store.append({ owner, data: [bytesOf(5_000_001, 2)] });
    const last = await store.append({ owner, data: [bytesOf(100, 3)] });
    const second = hurt.offset + 188 + (1 << 20);
    disk.damage({ name: SEGMENT, offset: hurt.offset + 9, mask: 1 });
    const { frames, damage } = await scanned(store, first.container);
    expect(damage).toEqual([{ container: first.container, offset: hurt.offset, length: 188 + (1 << 20) }]);
    expect(frames.map(({ offset }) => offset)).toEqual([
      first.offset,
      ...[0, 1, 2, 3].map((frame) => second + frame * (188 + (1 << 20))),
      last.offset,
    ]);
  });

  it('goes on behind what the device fails to give, if it is asked to', async () => {
    const disk = new MemoryDisk({ random: randomFrom(1) });
    const store = storeOn(disk.mount());
    const locations: Location[] = [];
    for (const seed of [1, 2, 3, 4, 5])
      locations.push(await store.append({ owner, data: [bytesOf(30_000, seed)] }));
    const [first, second, , fourth] = locations;
    const container = first?.container ?? fail();
    const inData = (second?.offset ?? 0) + 20_000;
    const header = fourth?.offset ?? 0;
    for (const offset of [inData, header]) disk.wearOut({ name: SEGMENT, offset });
    await expect(scanned(store, container)).rejects.toMatchObject({ code: 'Failed' });
    const [unreadable, damage]: PhysicalRun[][] = [[], []];
    const found = await collect(
      store.scan(container, {
        onDamage: (run) => damage?.push(run),
        onUnreadable: (run) => unreadable?.push(run),
      }),
    );
    expect(
      found.map(({ offset, intact }) => [locations.findIndex((one) => one.offset === offset), intact]),
    ).toEqual([
      [0, true],
      [1, false],
      // Its end is on the page that the fourth begins on.
      [2, false],
      [4, true],
    ]);
    const page = (offset: number) => ({ container, offset: offset - (offset % 4096), length: 4096 });
    expect(unreadable).toEqual([page(inData), page(header)]);
    const length = (locations[4]?.offset ?? 0) - header;
    expect(damage).toEqual([{ container, offset: header, length }]);
  });

  it('ends soon where the device gives nothing any more', async () => {
    const disk = new MemoryDisk({ random: randomFrom(1) });
    const writer = storeOn(disk.mount()).create(owner);
    for (let at = 0; at < 40; at += 1) await writer.write(bytesOf(1 << 20, 1));
    const { container } = await writer.finish();
    let reads = 0;
    const store = storeOn(
      disk.mount({
        before: async ({ kind }) => {
          if (kind === 'read') reads += 1;
          return kind === 'read' ? 'EIO' : undefined;
        },
      }),
    );
    const unreadable: PhysicalRun[] = [];
    const frames = await collect(store.scan(container, { onUnreadable: (run) => unreadable.push(run) }));
    expect(frames).toEqual([]);
    expect(unreadable.reduce((sum, { length }) => sum + length, 0)).toBeGreaterThan(40 << 20);
    expect(reads).toBeLessThan(1_200);
  });

  it('goes on at a header that begins where its stretch of memory ends', async () => {
    const disk = new MemoryDisk({ random: randomFrom(1) });
    const store = storeOn(disk.mount());
    const stretch = 4 << 20;
    const hurt = await store.append({ owner, data: [Buffer.alloc(stretch - 3 - 4 * 188, 7)] });
    const next = await store.append({ owner, data: [bytesOf(100, 1)] });
    expect(next.offset).toBe(stretch - 3);
    for (let frame = 0; frame < 4; frame++) {
      disk.damage({ name: SEGMENT, offset: frame * (188 + (1 << 20)) + 20, mask: 1 });
    }
    const { frames, damage } = await scanned(store, hurt.container);
    expect(frames.map(({ offset }) => offset)).toEqual([next.offset]);
    expect(damage).toEqual([{ container: hurt.container, offset: 0, length: next.offset }]);
  });

  it('does not take frames inside a client’s bytes for its own', async () => {
    const disk = new MemoryDisk({ random: randomFrom(1) });
    const store = storeOn(disk.mount());
    const first = await store.append({ owner, data: [bytesOf(1000, 1)] });
    const copy = Buffer.alloc(physicalLength(first));
    const file = await disk.mount().open(SEGMENT, 'buffered');
    await file.read({ position: 0, buffers: [copy] });
    const nested = await store.append({ owner, data: [Buffer.concat([bytesOf(500, 2), copy, copy])] });
    disk.damage({ name: SEGMENT, offset: nested.offset, mask: 1 });
    const { frames, damage } = await scanned(store, first.container);
    expect(frames.map(({ offset }) => offset)).toEqual([first.offset]);
    expect(damage).toEqual([
      { container: first.container, offset: nested.offset, length: physicalLength(nested) },
    ]);
  });

  it('walks over punched runs and the unwritten end of a segment that was never sealed', async () => {
    await inTemporaryFolder(async (folder) => {
      const crashed = storeOn(new NodeDisk(folder));
      const locations = [];
      for (let seed = 0; seed < 40; seed++) {
        locations.push(await crashed.append({ owner, data: [bytesOf(5000 + seed * 777, seed)] }));
      }
      // A store that is not closed leaves the segment as a killed process would.
      const store = new LocalExtentStore({ disk: new NodeDisk(folder), lease: leaseFrom(50) });
      const kept = locations.filter((_, index) => index < 3 || index === 17 || index === 39);
      for (const [from, to] of [
        [3, 16],
        [18, 38],
      ] as const) {
        const start = locations[from]?.offset ?? 0;
        const end = locations[to + 1]?.offset ?? 0;
        const container = locations[0]?.container ?? fail();
        expect(await store.punch({ container, offset: start, length: end - start })).toBe(true);
      }
      const { frames, damage } = await scanned(store, locations[0]?.container ?? fail());
      expect(frames.map(({ offset }) => offset)).toEqual(kept.map(({ offset }) => offset));
      expect(frames.every(({ intact }) => intact)).toBe(true);
      expect(damage).toEqual([]);
      await store.close();
      await crashed.close();
    });
  });

  it('finds what is left when a punch reached the disk in part only', async () => {
    const disk = new MemoryDisk({ random: randomFrom(1) });
    const store = storeOn(disk.mount());
    const locations = [];
    for (const seed of [1, 2, 3, 4])
      locations.push(await store.append({ owner, data: [bytesOf(9000, seed)] }));
    const [first, second, , fourth] = locations;
    if (!first || !second || !fourth) return fail();
    // Whole blocks are gone, the partial ones at the ends hold what they held.
    const from = Math.ceil(second.offset / 4096) * 4096;
    const to = Math.floor(fourth.offset / 4096) * 4096;
    const file = await disk.mount().open(SEGMENT, 'buffered');
    await file.punch({ offset: from, length: to - from });
    const { frames, damage } = await scanned(store, first.container);
    expect(frames.filter(({ intact }) => intact).map(({ offset }) => offset)).toEqual([
      first.offset,
      fourth.offset,
    ]);
    expect(damage).toEqual([{ container: first.container, offset: to, length: fourth.offset - to }]);
  });

  it('ends with a frame that the container’s end cuts off', async () => {
    await inTemporaryFolder(async (folder) => {
      const store = storeOn(new NodeDisk(folder));
      const first = await store.append({ owner, data: [bytesOf(100, 1)] });
      const cut = await store.append({ owner, data: [bytesOf(100, 2)] });
      await store.close();
      const file = await open(join(folder, SEGMENT), 'r+');
      await file.truncate(cut.offset + 150);
      const again = new LocalExtentStore({ disk: new NodeDisk(folder), lease: leaseFrom(50) });
      const whole = await scanned(again, first.container);
      expect(whole.frames.map(({ intact }) => intact)).toEqual([true, false]);
      await file.truncate(cut.offset + 50);
      const headless = await scanned(again, first.container);
      expect(headless.frames.map(({ intact }) => intact)).toEqual([true]);
      expect(headless.damage).toEqual([{ container: first.container, offset: cut.offset, length: 50 }]);
      expect(await readOrCode(again, cut)).toBe('Missing');
      await file.close();
      await again.close();
    });
  });
});

function fail(): never {
  throw new Error('the test lacks what it is about');
}

describe('a segment in use that somebody cut off', () => {
  it('is walked through to where it ends, and the rest is damage', async () => {
    const disk = new MemoryDisk({ random: randomFrom(3) }).mount();
    const open = disk.open.bind(disk);
    let reads = 0;
    disk.open = async (name, writes) => {
      const file = await open(name, writes);
      const read = file.read.bind(file);
      file.read = (from) => {
        reads += 1;
        return read(from);
      };
      return file;
    };
    const store = storeOn(disk);
    const first = await store.append({ owner, data: [bytesOf(50_000, 1)] });
    const second = await store.append({ owner, data: [bytesOf(50_000, 2)] });
    const file = await disk.open(SEGMENT, 'buffered');
    await file.truncate(second.offset);
    await file.close();
    const { frames, damage } = await scanned(store, first.container);
    expect(frames).toMatchObject([{ offset: first.offset, intact: true }]);
    const { offset } = second;
    expect(damage).toEqual([{ container: first.container, offset, length: physicalLength(second) }]);
    expect(reads).toBeLessThan(10);
    await store.close();
  });
});
