import { Journal, RECORD } from '@facet/journal';
import { beforeEach, describe, expect, it } from 'vitest';
import { ByteReplay, containerId, LocalExtentStore, type Location, MemoryDisk } from '../src/index.ts';
import { bytesOf, collect, leaseFrom, randomFrom } from './fixtures.ts';

const owner = { contentId: 1, fileOffset: 0 };
const LARGE_BYTES = 100_000;
const SEGMENT = '00/00000000000001.seg';

let disk: MemoryDisk;
let journal: Journal;
let store: LocalExtentStore;
let faulty: 'no' | 'segment syncs fail' = 'no';
let capacityBytes: number;
beforeEach(async () => {
  faulty = 'no';
  capacityBytes = 1 << 30;
  disk = new MemoryDisk({
    get capacityBytes() {
      return capacityBytes;
    },
    random: randomFrom(1),
    before: async ({ kind, name }) =>
      faulty !== 'no' && kind === 'sync' && name.endsWith('.seg') ? 'EIO' : undefined,
  });
  await start(1);
});

/** A process begins: what the journal holds is replayed. */
async function start(firstContainer: number): Promise<void> {
  journal = await Journal.open({ disk: disk.mount() });
  const bytes = new ByteReplay(disk.mount());
  for await (const record of journal.replay()) if (record.kind !== RECORD.batch) await bytes.replay(record);
  await bytes.settle();
  await journal.begin();
  await journal.complete(Buffer.from('base'));
  store = new LocalExtentStore({ disk: disk.mount(), lease: leaseFrom(firstContainer), journal });
}

/** Loses power, and starts again. */
async function crash(): Promise<void> {
  disk.crash();
  await start(1000);
}

const append = (data: Buffer): Promise<Location> => store.append({ owner, data: [data] });
const commit = () => journal.commit({ kind: RECORD.batch, payload: [Buffer.from('names them')] });
const read = (location: Location) => store.read({ location, start: 0, length: location.length });

describe('a store with a journal', () => {
  it('has small extents after a power cut, whose segment was never synced', async () => {
    const data = [1, 2, 3].map((seed) => bytesOf(3000 + seed, seed));
    const locations = [];
    for (const one of data) locations.push(await append(one));
    const syncs = disk.count('sync');
    await commit();
    // The journal's own.
    expect(disk.count('sync') - syncs).toBe(1);
    await crash();
    for (const [at, location] of locations.entries()) expect(await read(location)).toEqual(data[at]);
    // It is brought back for good: there is nothing more to replay, and nothing to lose.
    await crash();
    for (const [at, location] of locations.entries()) expect(await read(location)).toEqual(data[at]);
  });

  it('keeps what it was given, though its owner uses the memory again', async () => {
    const data = bytesOf(5000, 1);
    const location = await append(data);
    const given = Buffer.from(data);
    data.fill(0xee);
    await commit();
    await crash();
    expect(await read(location)).toEqual(given);
  });

  it('syncs large extents by themselves, and puts no byte of them into the journal', async () => {
    const used = journal.usedBytes;
    const data = bytesOf(LARGE_BYTES, 1);
    const location = await append(data);
    expect(journal.usedBytes).toBe(used);
    await crash();
    expect(await read(location)).toEqual(data);
  });

  it('mixes both in one segment', async () => {
    const data = [4000, LARGE_BYTES, 2000, LARGE_BYTES, 100].map((length, seed) => bytesOf(length, seed));
    const locations = [];
    for (const one of data) locations.push(await append(one));
    await commit();
    expect(new Set(locations.map(({ container }) => container)).size).toBe(1);
    await crash();
    for (const [at, location] of locations.entries()) expect(await read(location)).toEqual(data[at]);
  });

  it('brings nothing back into a run that was punched after', async () => {
    const locations = [];
    for (let at = 0; at < 4; at += 1) locations.push(await append(bytesOf(60_000, at)));
    const kept = await append(bytesOf(5000, 9));
    await commit();
    const container = locations[0]?.container ?? kept.container;
    expect(await store.punch({ container, offset: 0, length: 57 * 4096 })).toBe(true);
    await commit();
    const before = await store.status(container);
    await crash();
    expect((await store.status(container))?.allocatedBytes).toBe(before?.allocatedBytes);
    expect(await read(kept)).toEqual(bytesOf(5000, 9));
  });

  it('needs no room for what was punched since, which others may have taken', async () => {
    const locations = [];
    for (let at = 0; at < 4; at += 1) locations.push(await append(bytesOf(60_000, at)));
    const kept = await append(bytesOf(5000, 9));
    await commit();
    const container = locations[0]?.container ?? kept.container;
    expect(await store.punch({ container, offset: 0, length: 57 * 4096 })).toBe(true);
    await commit();
    const before = await store.status(container);
    capacityBytes -= await disk.mount().freeBytes();
    // The process is killed, and the power stays on.
    await start(1000);
    expect((await store.status(container))?.allocatedBytes).toBe(before?.allocatedBytes);
    expect(await read(kept)).toEqual(bytesOf(5000, 9));
  });

  it('is refused a start without room for bytes that only the journal has', async () => {
    await append(bytesOf(60_000, 1));
    await commit();
    disk.crash();
    capacityBytes -= await disk.mount().freeBytes();
    const room = (await disk.mount().status(SEGMENT))?.allocatedBytes ?? 0;
    expect(room).toBeLessThan(60_000);
    await expect(start(1000)).rejects.toMatchObject({ code: 'ENOSPC' });
    capacityBytes += 80_000;
    await start(1000);
    expect((await collect(store.scan(containerId(1)))).map(({ intact }) => intact)).toEqual([true]);
  });

  it('makes no container again that was removed after', async () => {
    const { container } = await append(bytesOf(3000, 1));
    await commit();
    await store.close();
    await store.unlink(container).catch(() => undefined);
    const after = new LocalExtentStore({ disk: disk.mount(), lease: leaseFrom(2000) });
    await after.unlink(container);
    await after.close();
    await crash();
    expect(await store.status(container)).toBeUndefined();
  });

  it('leaves a sealed segment as long as it was', async () => {
    const location = await append(bytesOf(3000, 1));
    await commit();
    await store.close();
    const sealed = await store.status(location.container);
    await crash();
    expect((await store.status(location.container))?.sizeBytes).toBe(sealed?.sizeBytes);
    expect(await collect(store.scan(location.container))).toHaveLength(1);
  });

  it('syncs its segments when the journal is to forget them, and then it may', async () => {
    const location = await append(bytesOf(3000, 1));
    await commit();
    await journal.rotate();
    await journal.settleOthers();
    await journal.complete(Buffer.from('next'));
    await crash();
    expect(await read(location)).toEqual(bytesOf(3000, 1));
  });

  it('never lets the journal forget what could not be synced', async () => {
    const location = await append(bytesOf(3000, 1));
    await commit();
    faulty = 'segment syncs fail';
    await expect(journal.settleOthers()).rejects.toMatchObject({ code: 'EIO' });
    faulty = 'no';
    // A second sync would succeed, and have saved nothing.
    await expect(journal.settleOthers()).rejects.toMatchObject({ code: 'EIO' });
    await crash();
    expect(await read(location)).toEqual(bytesOf(3000, 1));
    expect(disk.boots).toBe(1);
  });

  it('is told of no extent that is not in its segment: a scan finds each', async () => {
    for (let at = 0; at < 5; at += 1) await append(bytesOf(1000 + at, at));
    await commit();
    await crash();
    const frames = await collect(store.scan(containerId(1)));
    expect(frames.map(({ intact }) => intact)).toEqual([true, true, true, true, true]);
    expect(await disk.mount().status(SEGMENT)).toBeDefined();
  });

  it('has few files open at once, however many containers it replays', async () => {
    const containers = 300;
    for (let seed = 0; seed < containers; seed++) {
      const writer = store.create(owner);
      await writer.write(bytesOf(9000, seed));
      const { container } = await writer.finish();
      await store.punch({ container, offset: 4096, length: 4096 });
    }
    await commit();
    disk.crash();
    let open = 0;
    let most = 0;
    const counted = disk.mount();
    const opens = counted.open.bind(counted);
    counted.open = async (...parameters) => {
      const file = await opens(...parameters);
      open += 1;
      most = Math.max(most, open);
      const close = file.close.bind(file);
      file.close = () => {
        open -= 1;
        return close();
      };
      return file;
    };
    const bytes = new ByteReplay(counted);
    const after = await Journal.open({ disk: disk.mount() });
    let punches = 0;
    for await (const record of after.replay()) {
      if (record.kind === RECORD.batch) continue;
      await bytes.replay(record);
      punches += 1;
    }
    await bytes.settle();
    expect({ punches, open }).toEqual({ punches: containers, open: 0 });
    expect(most).toBeLessThan(100);
  });
});
