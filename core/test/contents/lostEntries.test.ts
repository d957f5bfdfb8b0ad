/** An entry of a map that was lost is no hole: nobody is given zeros in its place. */

import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FileRef } from '../../src/files/types.ts';
import { contentMapKey } from '../../src/meta/keys.ts';
import { Vandal } from '../fsck/vandal.ts';
import { bytesFrom } from '../random.ts';
import { ENGINES, World } from '../space/world.ts';

const caller = { uid: 0, gid: 0, groups: [] };
const PIECE_BYTES = 20_000;
const PART_BYTES = 5 << 20;
const PARTS = ['a', 'b', 'c'].map((letter) => Buffer.alloc(PART_BYTES, letter));
const CORRUPT = { code: 'Corrupt' };

describe.each(ENGINES)('an entry that was lost on the %s engine', (engine) => {
  let world: World;
  let store: Vandal;
  beforeEach(async () => {
    world = await World.open({ engine });
    store = new Vandal(world);
  });
  afterEach(() => world.close());

  const lose = async (path: string, offset: number): Promise<void> =>
    store.remove(contentMapKey(await store.contentOf(path), offset));

  async function readObject(key: string, range?: { start: number; end: number }): Promise<Buffer> {
    const object = await world.life.objects.open({ ...world.at(key), choose: () => range ?? 'all' });
    try {
      const chunks: Buffer[] = [];
      for await (const chunk of object.read()) chunks.push(Buffer.from(chunk));
      return Buffer.concat(chunks);
    } finally {
      object.close();
    }
  }

  async function newFile(name: string): Promise<FileRef> {
    const parent = await world.life.files.root({ volume: world.volume });
    const how = { kind: 'guarded', attributes: {} } as const;
    return (await world.life.files.create({ caller, parent, name: Buffer.from(name), how })).file;
  }

  const write = (file: FileRef, offset: number, bytes: Buffer) =>
    world.life.files.write({ caller, file, offset, data: [bytes] });

  async function readFile(file: FileRef, offset: number, lengthBytes: number): Promise<Buffer> {
    return Buffer.concat((await world.life.files.read({ caller, file, offset, lengthBytes })).data);
  }

  async function newUpload(key: string) {
    const attributes = { properties: {}, userMetadata: {}, initiator: 'tester' };
    const { upload } = await world.life.objects.createUpload({ ...world.at(key), ...attributes });
    return { ...world.at(key), upload };
  }

  async function putParts(key: string, parts: readonly Buffer[]): Promise<void> {
    const { objects } = world.life;
    const ref = await newUpload(key);
    const done: { partNumber: number; etag: string }[] = [];
    for (const [at, bytes] of parts.entries()) {
      const writer = objects.stage({ lengthBytes: bytes.length });
      await writer.write(bytes);
      const md5 = createHash('md5').update(bytes).digest();
      const partNumber = at + 1;
      await objects.putPart({ ...ref, partNumber, body: await writer.finish(), md5 });
      done.push({ partNumber, etag: md5.toString('hex') });
    }
    const combine = () => ({ etag: { digest: Buffer.alloc(16), parts: parts.length } });
    await objects.completeUpload({ ...ref, parts: done, combine });
  }

  it('of an object of parts is told to whoever reads there, and to nobody else', async () => {
    await putParts('joined', PARTS);
    await lose('joined', PART_BYTES);
    expect(await readObject('joined', { start: 0, end: PART_BYTES - 1 })).toEqual(PARTS[0]);
    const last = { start: 2 * PART_BYTES, end: 3 * PART_BYTES - 1 };
    expect(await readObject('joined', last)).toEqual(PARTS[2]);
    await expect(readObject('joined')).rejects.toMatchObject(CORRUPT);
    await expect(readObject('joined', { start: PART_BYTES + 9, end: PART_BYTES + 9 })).rejects.toMatchObject(
      CORRUPT,
    );
    const { objects } = world.life;
    await expect(objects.open({ ...world.at('joined'), withParts: true })).rejects.toMatchObject(CORRUPT);
    const ref = await newUpload('new');
    const source = { ...world.at('joined'), range: { start: 0, end: PART_BYTES + 9 } };
    await expect(objects.copyPart({ ...ref, partNumber: 1, source })).rejects.toMatchObject(CORRUPT);
  });

  it('of the last part is not taken for the end', async () => {
    await putParts('joined', PARTS.slice(1));
    await lose('joined', PART_BYTES);
    await expect(readObject('joined')).rejects.toMatchObject(CORRUPT);
    const open = world.life.objects.open({ ...world.at('joined'), withParts: true });
    await expect(open).rejects.toMatchObject(CORRUPT);
  });

  it('of a file is told, wherever in it was written first, until it is written again', async () => {
    const file = await newFile('file');
    const pieces = Array.from({ length: 3 }, () => bytesFrom(world.random, PIECE_BYTES));
    for (const at of [2, 0, 1]) await write(file, at * PIECE_BYTES, pieces[at] ?? Buffer.alloc(0));
    await lose('file', PIECE_BYTES);
    expect(await readFile(file, 0, PIECE_BYTES)).toEqual(pieces[0]);
    await expect(readFile(file, 0, PIECE_BYTES + 1)).rejects.toMatchObject(CORRUPT);
    expect(await readFile(file, 2 * PIECE_BYTES, PIECE_BYTES)).toEqual(pieces[2]);
    await write(file, PIECE_BYTES, (pieces[1] ?? Buffer.alloc(0)).subarray(0, PIECE_BYTES / 2));
    await expect(readFile(file, PIECE_BYTES, PIECE_BYTES)).rejects.toMatchObject(CORRUPT);
    await write(file, 1.5 * PIECE_BYTES, (pieces[1] ?? Buffer.alloc(0)).subarray(PIECE_BYTES / 2));
    expect(await readFile(file, 0, 3 * PIECE_BYTES)).toEqual(Buffer.concat(pieces));
    expect((await world.findings()).map(({ kind }) => kind)).not.toContain('mappedBytesWrong');
  });

  it('is told of what takes the place of a shared body, too', async () => {
    await putParts('joined', PARTS);
    await world.life.objects.copy({ source: world.at('joined'), target: world.at('copy') });
    await lose('joined', PART_BYTES);
    const { file } = await world.life.files.lookup({
      caller,
      parent: await world.life.files.root({ volume: world.volume }),
      name: Buffer.from('copy'),
    });
    if (!file) throw new Error('the copy is there');
    await write(file, 5, Buffer.from('new'));
    expect((await readFile(file, 0, 10)).toString()).toBe('aaaaanewaa');
    await expect(readFile(file, PART_BYTES, 1)).rejects.toMatchObject(CORRUPT);
    await expect(readFile(file, 2 * PART_BYTES - 1, 1)).rejects.toMatchObject(CORRUPT);
    expect((await readFile(file, 2 * PART_BYTES, 10)).toString()).toBe('cccccccccc');
  });

  it('is not looked for where the count turns out to be wrong', async () => {
    const file = await newFile('file');
    const pieces = [0, 1].map(() => bytesFrom(world.random, PIECE_BYTES));
    for (const [at, bytes] of pieces.entries()) await write(file, at * PIECE_BYTES, bytes);
    await store.editContent(await store.contentOf('file'), { mappedBytes: 10 });
    await world.life.files.setattr({ caller, file, changes: { sizeBytes: PIECE_BYTES } });
    expect(await readFile(file, 0, PIECE_BYTES)).toEqual(pieces[0]);
    expect(await world.findings()).toEqual([]);
  });

  it('is not what a hole is', async () => {
    const file = await newFile('sparse');
    await write(file, 2 * PIECE_BYTES, Buffer.from('end'));
    await write(file, 0, bytesFrom(world.random, PIECE_BYTES));
    expect(await readFile(file, PIECE_BYTES, PIECE_BYTES)).toEqual(Buffer.alloc(PIECE_BYTES));
    await world.life.files.setattr({ caller, file, changes: { sizeBytes: 3 * PIECE_BYTES } });
    expect(await readFile(file, 2 * PIECE_BYTES + 3, 10)).toEqual(Buffer.alloc(10));
    expect(await world.findings()).toEqual([]);
  });
});
