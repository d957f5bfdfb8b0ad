import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { containerId, type ExtentStore, LocalExtentStore, NodeDisk, physicalLength } from '../src/index.ts';
import { bytesOf, collect, inTemporaryFolder, leaseFrom } from './fixtures.ts';

const owner = { contentId: 5, fileOffset: 9 };

function inStore(use: (store: LocalExtentStore) => Promise<void>): Promise<void> {
  return inTemporaryFolder(async (folder) => {
    const disk = new NodeDisk(join(folder, 'made-when-needed'));
    const store = new LocalExtentStore({ disk, lease: leaseFrom(1), segmentBytes: 1 << 20, openFilesMax: 4 });
    await use(store);
    await store.close();
  });
}

async function stream(store: ExtentStore, pieces: readonly Uint8Array[]) {
  const writer = store.create(owner);
  for (const piece of pieces) await writer.write(piece);
  return writer.finish();
}

describe('a store on a real disk', () => {
  it('gives back any slice of what was appended or streamed in any pieces', async () => {
    const lengthMax = 3_300_000;
    const data = bytesOf(lengthMax, 7);
    await inStore(async (store) => {
      await fc.assert(
        fc.asyncProperty(
          fc.oneof(fc.integer({ min: 1, max: 70_000 }), fc.integer({ min: 1, max: lengthMax })),
          fc.boolean(),
          fc.array(fc.tuple(fc.nat(lengthMax), fc.nat(1 << 20)), { minLength: 1, maxLength: 5 }),
          fc.array(fc.nat(lengthMax), { maxLength: 5 }),
          async (length, dedicated, slices, cuts) => {
            const edges = [0, ...cuts.map((cut) => cut % length).sort((a, b) => a - b), length];
            const pieces = edges.slice(1).map((end, index) => data.subarray(edges[index], end));
            const location = dedicated
              ? await stream(store, pieces)
              : await store.append({ owner, data: pieces });
            expect(location.length).toBe(length);
            for (const [from, count] of slices) {
              const start = from % length;
              const end = Math.min(length, start + count);
              const got = await store.read({ location, start, length: end - start });
              expect(got.equals(data.subarray(start, end))).toBe(true);
            }
          },
        ),
        { numRuns: 100 },
      );
    });
  });

  it('gives back extents whose lengths are those of blocks and frames, and one byte more or less', async () => {
    await inStore(async (store) => {
      for (const edge of [32 << 10, 64 << 10, 1 << 20, 2 << 20]) {
        for (const length of [edge - 1, edge, edge + 1]) {
          const data = bytesOf(length, length);
          const packed = await store.append({ owner, data: [data] });
          const streamed = await stream(store, [data.subarray(0, 70_000), data.subarray(70_000)]);
          for (const location of [packed, streamed]) {
            const status = await store.status(location.container);
            if (location === streamed) expect(status?.sizeBytes).toBe(physicalLength(location));
            for (let start = 0; start < length; start += 1 << 20) {
              const end = Math.min(length, start + (1 << 20));
              const got = await store.read({ location, start, length: end - start });
              expect(got.equals(data.subarray(start, end))).toBe(true);
            }
            const tail = await store.read({ location, start: length - 1, length: 1 });
            expect(tail).toEqual(data.subarray(length - 1));
          }
        }
      }
    });
  });

  it('scans what it wrote: owners, places, lengths', async () => {
    await inStore(async (store) => {
      const lengths = [1, 32_768, 32_769, 300_000];
      const locations = [];
      for (const [index, length] of lengths.entries()) {
        const data = [bytesOf(length, length)];
        locations.push(await store.append({ owner: { contentId: index, fileOffset: index * 10 }, data }));
      }
      const frames = await collect(store.scan(containerId(1)));
      expect(frames).toEqual(
        locations.map((location, index) => ({
          owner: { contentId: index, fileOffset: index * 10 },
          offset: location.offset,
          physicalLength: physicalLength(location),
          dataLength: location.length,
          intact: true,
        })),
      );
      expect(await collect(store.scan(containerId(1), { headersOnly: true }))).toEqual(frames);
      const from = frames[1]?.offset ?? 0;
      const given: Buffer[] = [];
      const onBytes = (bytes: Buffer) => given.push(Buffer.from(bytes));
      expect(await collect(store.scan(containerId(1), { from, onBytes }))).toEqual(frames.slice(1));
      expect(given.map(({ length }) => length)).toEqual(
        frames.slice(1).map(({ physicalLength: length }) => length),
      );
      const long = await stream(store, [bytesOf(2_500_000, 1)]);
      const found = await collect(store.scan(long.container));
      expect(await collect(store.scan(long.container, { headersOnly: true }))).toEqual(found);
      expect(found.map((frame) => frame.owner.fileOffset)).toEqual([9, 9 + (1 << 20), 9 + (2 << 20)]);
      expect(found.reduce((sum, frame) => sum + frame.physicalLength, 0)).toBe(physicalLength(long));
      expect(found.every((frame) => frame.intact)).toBe(true);
    });
  });

  it('lists containers, unlinks them, and knows which are active', async () => {
    await inStore(async (store) => {
      const packed = await store.append({ owner, data: [Buffer.alloc(700_000, 1)] });
      const writer = store.create(owner);
      await writer.write(Buffer.alloc(100_000, 2));
      await writer.write(Buffer.alloc(400_000, 2));
      expect(store.isActive(packed.container)).toBe(true);
      expect(store.isActive(containerId(2))).toBe(true);
      const streamed = await writer.finish();
      expect(streamed.container).toBe(2);
      expect(store.isActive(streamed.container)).toBe(false);
      const next = await store.append({ owner, data: [Buffer.alloc(700_000, 3)] });
      expect(store.isActive(packed.container)).toBe(false);
      expect(store.isActive(next.container)).toBe(true);

      const listed = await store.list();
      expect(listed.map(({ container, kind }) => [container, kind])).toEqual([
        [1, 'segment'],
        [2, 'dedicated'],
        [3, 'segment'],
      ]);
      expect(listed[0]?.sizeBytes).toBe(physicalLength(packed));
      expect(listed[1]?.sizeBytes).toBe(physicalLength(streamed));
      expect(listed[1]?.allocatedBytes).toBeGreaterThanOrEqual(500_000);
      expect(await store.status(streamed.container)).toEqual(listed[1]);

      // A file kept open for reading would hold the blocks, and serve what is gone.
      expect(await store.read({ location: packed, start: 0, length: 1 })).toEqual(Buffer.of(1));
      await store.unlink(packed.container);
      await store.unlink(packed.container);
      await store.unlink(streamed.container);
      expect((await store.list()).map(({ container }) => container)).toEqual([3]);
      expect(await store.status(packed.container)).toBeUndefined();
      const gone = store.read({ location: packed, start: 0, length: 1 });
      await expect(gone).rejects.toMatchObject({ code: 'Missing' });
    });
  });

  it("lists no file whose name is no container's, nor one too great for an id", async () => {
    await inTemporaryFolder(async (folder) => {
      const store = new LocalExtentStore({ disk: new NodeDisk(folder), lease: leaseFrom(1) });
      await store.append({ owner, data: [Buffer.of(1)] });
      for (const name of ['ffffffffffff00.ext', '00000000000000.seg', '1.seg', 'notes']) {
        await writeFile(join(folder, '00', name), 'of somebody else');
      }
      expect((await store.list()).map(({ container }) => container)).toEqual([1]);
      await store.close();
    });
  });

  it('gives containers past the first 256 a folder of their own', async () => {
    await inTemporaryFolder(async (folder) => {
      const store = new LocalExtentStore({
        disk: new NodeDisk(folder),
        lease: leaseFrom(254),
        segmentBytes: 1,
      });
      const locations = [];
      for (let index = 0; index < 5; index++) {
        locations.push(await store.append({ owner, data: [Buffer.of(index)] }));
      }
      expect((await store.list()).map(({ container }) => container)).toEqual([254, 255, 256, 257, 258]);
      for (const [index, location] of locations.entries()) {
        expect(await store.read({ location, start: 0, length: 1 })).toEqual(Buffer.of(index));
      }
      await store.close();
    });
  });

  it('refuses what cannot be, and calls after its close', async () => {
    await inTemporaryFolder(async (folder) => {
      const store = new LocalExtentStore({ disk: new NodeDisk(folder), lease: leaseFrom(1) });
      const location = await store.append({ owner, data: [Buffer.from('abc')] });
      for (const [start, length] of [
        [0, 4],
        [3, 1],
        [-1, 1],
        [0, -1],
        [0.5, 1],
      ] as const) {
        await expect(store.read({ location, start, length })).rejects.toThrow(RangeError);
      }
      expect(await store.read({ location, start: 3, length: 0 })).toHaveLength(0);
      const elsewhere = { ...location, store: 1 };
      const beyond = { ...location, offset: 300 << 20 };
      for (const wrong of [elsewhere, beyond]) {
        await expect(store.read({ location: wrong, start: 0, length: 1 })).rejects.toMatchObject({
          code: 'Missing',
        });
      }
      await expect(store.append({ owner, data: [] })).rejects.toThrow(RangeError);
      await expect(store.append({ owner, data: [Buffer.alloc(9 << 20)] })).rejects.toThrow(RangeError);
      await expect(store.create(owner).finish()).rejects.toThrow(RangeError);

      await store.close();
      await store.close();
      const closed = { code: 'Closed' };
      await expect(store.append({ owner, data: [Buffer.from('x')] })).rejects.toMatchObject(closed);
      await expect(store.read({ location, start: 0, length: 1 })).rejects.toMatchObject(closed);
      await expect(store.list()).rejects.toMatchObject(closed);
      expect(() => store.create(owner)).toThrow(expect.objectContaining(closed));
    });
  });

  it('finishes the appends under way before it closes', async () => {
    await inTemporaryFolder(async (folder) => {
      const store = new LocalExtentStore({ disk: new NodeDisk(folder), lease: leaseFrom(1) });
      const under = [1, 2, 3].map((seed) => store.append({ owner, data: [bytesOf(5000, seed)] }));
      await store.close();
      const again = new LocalExtentStore({ disk: new NodeDisk(folder), lease: leaseFrom(100) });
      for (const [index, location] of (await Promise.all(under)).entries()) {
        const got = await again.read({ location, start: 0, length: 5000 });
        expect(got.equals(bytesOf(5000, index + 1))).toBe(true);
      }
      await again.close();
    });
  });
});
