import { describe, expect, it } from 'vitest';
import type { FileRef } from '../../src/index.ts';
import { contents } from './contentRecords.ts';
import { ENGINES, ROOT, refused, withFile, type Yard } from './yard.ts';

describe.each(ENGINES)('bytes of files on the %s engine', (kind) => {
  let yard: Yard;
  let file: FileRef;
  withFile(kind, (opened) => {
    ({ yard, file } = opened);
  });

  it.each([0, 1, 960, 961, 100_000, 262_145, 1_048_576, 2_500_000])(
    'reads back %d bytes and any slice of them',
    async (length) => {
      const bytes = yard.some(length);
      const { before, after, lengthBytes } = await yard.files.write({
        caller: ROOT,
        file,
        offset: 0,
        data: [bytes.subarray(0, length / 3), bytes.subarray(length / 3)],
      });
      expect(lengthBytes).toBe(length);
      expect(before.sizeBytes).toBe(0);
      expect(after).toEqual(await yard.stat(file));
      expect(after.sizeBytes).toBe(length);
      expect(after.mtime > before.mtime).toBe(length > 0);
      expect((await yard.read(file)).equals(bytes)).toBe(true);
      const [start, end] = [Math.floor(length / 3), length - Math.floor(length / 5)];
      expect((await yard.read(file, start, end - start)).equals(bytes.subarray(start, end))).toBe(true);
      expect((await yard.get('file')).equals(bytes)).toBe(true);
      expect(await yard.files.usage({ volume: yard.volume })).toMatchObject({ bytes: length });
    },
  );

  it('says where a file ends', async () => {
    await yard.write(file, 0, yard.some(100));
    const read = (offset: number, lengthBytes: number) =>
      yard.files.read({ caller: ROOT, file, offset, lengthBytes });
    expect(await read(0, 99)).toMatchObject({ lengthBytes: 99, end: false });
    expect(await read(0, 100)).toMatchObject({ lengthBytes: 100, end: true });
    expect(await read(50, 1000)).toMatchObject({ lengthBytes: 50, end: true });
    expect(await read(100, 10)).toMatchObject({ lengthBytes: 0, end: true });
    expect(await read(5000, 10)).toMatchObject({ lengthBytes: 0, end: true });
    expect(await read(10, 0)).toMatchObject({ lengthBytes: 0, end: false });
    await refused('Invalid', read(-1, 10));
    await refused(
      'IsDirectory',
      yard.files.read({ caller: ROOT, file: yard.root, offset: 0, lengthBytes: 1 }),
    );
    await refused('IsDirectory', yard.write(yard.root, 0, yard.some(1)));
    await refused('Invalid', yard.write(file, -1, yard.some(1)));
    await refused('FileTooBig', yard.write(file, 2 ** 50, yard.some(1)));
    await refused('FileTooBig', yard.write(file, 2 ** 53, yard.some(1)));
  });

  it('fills with zeros what was never written', async () => {
    await yard.write(file, 10_000, Buffer.from('end'));
    expect(await yard.read(file)).toEqual(Buffer.concat([Buffer.alloc(10_000), Buffer.from('end')]));
    await yard.write(file, 5, Buffer.from('start'));
    await yard.truncate(file, 1_000_000);
    const bytes = Buffer.alloc(1_000_000);
    bytes.write('start', 5);
    bytes.write('end', 10_000);
    expect((await yard.read(file)).equals(bytes)).toBe(true);
    await yard.truncate(file, 10_001);
    await yard.truncate(file, 10_003);
    expect((await yard.read(file, 9_999)).toString('latin1')).toBe('\0e\0\0');
  });

  it('keeps small files in the metadata, and moves them out when they grow', async () => {
    await yard.write(file, 0, yard.some(600));
    const bytes = await yard.read(file);
    expect(await contents(yard)).toEqual([]);
    await yard.write(file, 900, Buffer.from('x'));
    expect(await contents(yard)).toEqual([]);
    await yard.write(file, 500, Buffer.alloc(3000, 'y'));
    expect(await contents(yard)).toHaveLength(1);
    const expected = Buffer.concat([bytes.subarray(0, 500), Buffer.alloc(3000, 'y')]);
    expect((await yard.read(file)).equals(expected)).toBe(true);
    await yard.truncate(file, 0);
    expect(await contents(yard)).toEqual([]);
    await yard.write(file, 0, Buffer.from('small again'));
    expect(await contents(yard)).toEqual([]);
  });

  it('answers commit with the attributes', async () => {
    await yard.write(file, 0, yard.some(10));
    const attributes = await yard.stat(file);
    expect(await yard.files.commit({ caller: ROOT, file })).toEqual({
      before: attributes,
      after: attributes,
    });
  });
});
