/** Small bodies are read from the place their inode remembers, as long as their bytes are there. */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { FileRef } from '../../src/files/types.ts';
import { contentKey } from '../../src/meta/keys.ts';
import { Mover } from '../../src/space/move.ts';
import { Vandal } from '../fsck/vandal.ts';
import { bytesFrom } from '../random.ts';
import { ENGINES, World } from '../space/world.ts';

const caller = { uid: 0, gid: 0, groups: [] };
const SMALL_BYTES = 9_000;
const REMEMBERED_BYTES_MAX = 32 << 10;

describe.each(ENGINES)('a body of which the place is remembered, on the %s engine', (engine) => {
  let world: World;
  let store: Vandal;
  let bytes: Buffer;
  beforeEach(async () => {
    world = await World.open({ engine });
    store = new Vandal(world);
    bytes = bytesFrom(world.random, SMALL_BYTES);
    await world.put('object', bytes);
  });
  afterEach(() => world.close());

  async function fileOf(name: string): Promise<FileRef> {
    const parent = await world.life.files.root({ volume: world.volume });
    const { file } = await world.life.files.lookup({ caller, parent, name: Buffer.from(name) });
    if (!file) throw new Error(`there is no ${name}`);
    return file;
  }

  async function readFile(name: string, offset = 0, lengthBytes = 1 << 20): Promise<Buffer> {
    const { data } = await world.life.files.read({ caller, file: await fileOf(name), offset, lengthBytes });
    return Buffer.concat(data);
  }

  async function readRange(key: string, start: number, end: number): Promise<Buffer> {
    const object = await world.life.objects.open({ ...world.at(key), choose: () => ({ start, end }) });
    try {
      return Buffer.from(object.readAtOnce({ start, end }) ?? []);
    } finally {
      object.close();
    }
  }

  async function write(name: string, offset: number, data: Buffer): Promise<void> {
    await world.life.files.write({ caller, file: await fileOf(name), offset, data: [data] });
  }

  async function wholeOf(path: string) {
    return { location: await store.locationOf(path), start: 0, length: SMALL_BYTES };
  }

  async function move(path: string): Promise<void> {
    const [content, location] = [await store.contentOf(path), await store.locationOf(path)];
    const from = [{ location, start: 0, lengthBytes: location.length, fileOffset: 0 }];
    expect((await new Mover(world.life).move([{ content, from }])).moved).toBe(1);
    // Until then readers of the moment may need what was there before, and so it is there.
    await world.life.collector.drain();
  }

  it('needs no content to be looked up', async () => {
    await store.remove(contentKey(await store.contentOf('object')));
    expect(await world.get('object')).toEqual(bytes);
    expect(await readFile('object')).toEqual(bytes);
    expect(await readRange('object', 10, 8_000)).toEqual(bytes.subarray(10, 8_001));
    expect(await readFile('object', 5_000, 100)).toEqual(bytes.subarray(5_000, 5_100));
  });

  it('is one of a file that was written at once, too', async () => {
    const parent = await world.life.files.root({ volume: world.volume });
    const how = { kind: 'guarded', attributes: {} } as const;
    await world.life.files.create({ caller, parent, name: Buffer.from('file'), how });
    await write('file', 0, bytes);
    await store.remove(contentKey(await store.contentOf('file')));
    expect(await readFile('file')).toEqual(bytes);
  });

  it('is one of a copy, too', async () => {
    await world.life.objects.copy({ source: world.at('object'), target: world.at('copy') });
    await world.delete('object');
    await world.life.collector.drain();
    await store.remove(contentKey(await store.contentOf('copy')));
    expect(await world.get('copy')).toEqual(bytes);
  });

  it('is not one of a long body', async () => {
    await world.put('long', bytesFrom(world.random, REMEMBERED_BYTES_MAX + 1));
    expect((await store.inode('long')).body).not.toHaveProperty('at');
    await world.put('just not', bytesFrom(world.random, REMEMBERED_BYTES_MAX));
    expect((await store.inode('just not')).body).toHaveProperty('at');
  });

  it('is read from where compaction moved it to, and not looked for where it was again', async () => {
    await world.put('also there', bytes);
    // What is being written to is not compacted.
    await world.crash();
    const recall = vi.spyOn(world.life.extents, 'recall');
    await move('object');
    await move('also there');
    expect(await world.get('object')).toEqual(bytes);
    expect(await world.get('object')).toEqual(bytes);
    expect(await world.get('also there')).toEqual(bytes);
    expect(await readFile('object')).toEqual(bytes);
    expect(await readFile('also there')).toEqual(bytes);
    // What one door found out, the other knows.
    expect(recall).toHaveBeenCalledOnce();
    expect(await world.findings()).toEqual([]);
  });

  it('is read as it is, after an edit of any part of it', async () => {
    for (const [offset, length] of [
      [0, 100],
      [4_000, 2_000],
      [SMALL_BYTES, 50],
    ] as const) {
      const change = bytesFrom(world.random, length);
      bytes = Buffer.concat([bytes.subarray(0, offset), change, bytes.subarray(offset + length)]);
      await write('object', offset, change);
      expect(await world.get('object')).toEqual(bytes);
      expect(await readFile('object')).toEqual(bytes);
    }
    await world.life.files.setattr({ caller, file: await fileOf('object'), changes: { sizeBytes: 700 } });
    expect(await world.get('object')).toEqual(bytes.subarray(0, 700));
    expect(await readFile('object')).toEqual(bytes.subarray(0, 700));
    expect(await world.findings()).toEqual([]);
  });

  it('stays right for a copy, when what it was copied from is edited', async () => {
    await world.life.objects.copy({ source: world.at('object'), target: world.at('copy') });
    await write('object', 0, Buffer.from('other'));
    expect(await world.get('copy')).toEqual(bytes);
    await world.delete('object');
    await write('copy', 0, Buffer.from('others'));
    expect((await world.get('copy'))?.toString('latin1', 0, 6)).toBe('others');
  });

  it('is damaged where its bytes are', async () => {
    const { container, offset } = await store.locationOf('object');
    await world.life.extents.punch({ container, offset, length: 8_192 });
    await expect(world.get('object')).rejects.toMatchObject({ code: 'Corrupt' });
    await expect(readFile('object')).rejects.toMatchObject({ code: 'Corrupt' });
  });

  it('can be kept by who reads it for longer than the object is open', async () => {
    const { extents } = world.life;
    const { recall } = extents;
    let atHand = await recall.call(extents, await wholeOf('object'), await store.contentOf('object'));
    vi.spyOn(extents, 'recallAtOnce').mockImplementation(({ into }) => {
      if (!into || !atHand) throw new Error('there is memory that is used again');
      into.set(atHand);
      return into.subarray(0, atHand.length);
    });
    const object = await world.life.objects.open(world.at('object'));
    const chunks: Buffer[] = [];
    for await (const chunk of object.read()) chunks.push(chunk);
    object.close();
    object.close();
    expect(() => object.readAtOnce()).toThrow(/while it is open/);
    atHand = Buffer.alloc(SMALL_BYTES, 'other');
    await world.get('object');
    expect(Buffer.concat(chunks)).toEqual(bytes);
  });
});
