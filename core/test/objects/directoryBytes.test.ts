/** Objects `dir/` with bytes: a file without a name in `dir` has them, so that both doors reach them. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FileRef } from '../../src/index.ts';
import { ENGINES, ROOT, refused, Yard } from '../files/yard.ts';

describe.each(ENGINES)('the bytes of an object dir/ on the %s engine', (kind) => {
  let yard: Yard;
  beforeEach(async () => {
    yard = await Yard.open(kind);
  });
  afterEach(async () => {
    await yard.check();
    await yard.close();
  });
  const put = (key: string, text: string) => yard.put(key, Buffer.from(text));
  const get = async (key: string) => `${await yard.get(key)}`;
  async function keys(prefix = '', delimiter = ''): Promise<string[]> {
    const [at, by] = [Buffer.from(prefix), Buffer.from(delimiter)];
    const { entries } = await yard.objects.list({
      volume: yard.volume,
      prefix: at,
      delimiter: by,
      limit: 100,
    });
    return entries.map((entry) =>
      entry.kind === 'object' ? `${entry.key} ${entry.sizeBytes}` : `${entry.prefix}`,
    );
  }
  /** The file that has them. */
  async function bytesOf(directory: string): Promise<FileRef> {
    const found = await yard.find(await yard.walk(directory), '', false);
    if (!found) throw new Error(`${directory}/ has no bytes`);
    return found;
  }

  it('are read and written as a file, and listed as one object', async () => {
    await put('dir/', 'of dir');
    await put('dir/below', 'below');
    expect(await yard.names(await yard.walk('dir'))).toEqual(['', 'below']);
    const file = await bytesOf('dir');
    expect(`${await yard.read(file)}`).toBe('of dir');
    await yard.write(file, 3, Buffer.from('the directory'));
    expect(await get('dir/')).toBe('of the directory');
    expect(await keys()).toEqual(['dir/ 16', 'dir/below 5']);
    expect(await keys('', '/')).toEqual(['dir/']);
    expect(await keys('dir/', '/')).toEqual(['dir/ 16', 'dir/below 5']);
    await put('dir/', 'another');
    expect(await bytesOf('dir')).toMatchObject({ inode: file.inode });
    expect(`${await yard.read(file)}`).toBe('another');
    await put('dir/', '');
    expect(await keys()).toEqual(['dir/ 0', 'dir/below 5']);
  });

  it('come to an object that had none, with what it is from then on', async () => {
    await put('dir/', '');
    await yard.objects.setTags({ ...yard.object('dir/'), tags: [{ key: 'colour', value: 'red' }] });
    await put('dir/', 'bytes');
    expect(await yard.objects.head(yard.object('dir/'))).toMatchObject({ sizeBytes: 5, tagCount: 0 });
    expect(await keys()).toEqual(['dir/ 5']);
    await yard.objects.setTags({ ...yard.object('dir/'), tags: [{ key: 'colour', value: 'blue' }] });
    expect(await yard.objects.getTags(yard.object('dir/'))).toEqual([{ key: 'colour', value: 'blue' }]);
  });

  it('go by S3 with the directory, unless other keys are below it', async () => {
    await put('dir/', 'bytes');
    await put('dir/below', 'below');
    await yard.objects.delete(yard.object('dir/'));
    expect(await keys()).toEqual(['dir/below 5']);
    await put('dir/', 'bytes');
    await yard.objects.delete(yard.object('dir/below'));
    expect(await keys()).toEqual(['dir/ 5']);
    await yard.objects.delete(yard.object('dir/'));
    expect(await yard.names(yard.root)).toEqual([]);
    expect(await yard.files.usage({ volume: yard.volume })).toEqual({ bytes: 0, inodes: 1 });
  });

  it('are removed and renamed by files, and a directory that has them is not empty', async () => {
    await put('dir/', 'bytes');
    const parent = await yard.walk('dir');
    const on = { caller: ROOT, parent: yard.root, name: Buffer.from('dir') };
    await refused('NotEmpty', yard.files.rmdir(on));
    await yard.rename([parent, ''], [yard.root, 'plain']);
    expect(await keys()).toEqual(['dir/ 0', 'plain 5']);
    await put('dir/', 'again');
    await yard.files.remove({ caller: ROOT, parent, name: Buffer.alloc(0) });
    expect(await keys()).toEqual(['dir/ 0', 'plain 5']);
    await yard.files.rmdir(on);
    expect(await keys()).toEqual(['plain 5']);
  });

  it('are taken out of their directory by files and put back, in place of what the object was meanwhile', async () => {
    await put('dir/', 'bytes');
    const parent = await yard.walk('dir');
    await yard.rename([parent, ''], [yard.root, 'taken']);
    await put('dir/', '');
    await yard.objects.setTags({ ...yard.object('dir/'), tags: [{ key: 'colour', value: 'red' }] });
    await yard.rename([yard.root, 'taken'], [parent, '']);
    expect(await keys()).toEqual(['dir/ 5']);
    expect(await get('dir/')).toBe('bytes');
    expect(await yard.objects.head(yard.object('dir/'))).toMatchObject({ sizeBytes: 5, tagCount: 0 });
    // Over those that are there.
    await put('other', 'others');
    await yard.rename([yard.root, 'other'], [parent, '']);
    expect(await get('dir/')).toBe('others');
    expect(await yard.files.usage({ volume: yard.volume })).toEqual({ bytes: 6, inodes: 3 });
  });

  it('are made by files', async () => {
    const parent = await yard.mkdir(yard.root, 'dir');
    await yard.objects.setTags({ ...yard.object('dir/'), tags: [{ key: 'colour', value: 'red' }] });
    const file = await yard.touch(parent, '');
    expect(await yard.objects.head(yard.object('dir/'))).toMatchObject({ sizeBytes: 0, tagCount: 0 });
    await yard.write(file, 0, Buffer.from('made'));
    expect(await keys()).toEqual(['dir/ 4']);
    await yard.objects.delete(yard.object('dir/'));
    expect(await keys()).toEqual([]);
  });

  it('are a file’s, and never those of the root', async () => {
    const parent = await yard.mkdir(yard.root, 'dir');
    const at = { caller: ROOT, parent, name: Buffer.alloc(0) };
    await refused('Invalid', yard.files.mkdir({ ...at, attributes: {} }));
    await refused('Invalid', yard.files.symlink({ ...at, target: Buffer.from('x'), attributes: {} }));
    await refused('Invalid', yard.files.mknod({ ...at, type: 'fifo', attributes: {} }));
    const file = await yard.touch(yard.root, 'file');
    await refused('Invalid', yard.files.link({ ...at, file }));
    await refused('Invalid', yard.rename([yard.root, 'file'], [yard.root, '']));
    await yard.mkdir(yard.root, 'another');
    await refused('Invalid', yard.rename([yard.root, 'another'], [parent, '']));
    expect(await yard.names(parent)).toEqual([]);
  });

  it('are copied, and stay apart from keys below an empty name', async () => {
    await put('dir/', 'bytes');
    await put('dir//deep', 'deep');
    await put('dir//', 'of the empty name');
    await yard.objects.copy({ source: yard.object('dir/'), target: yard.object('copy/') });
    await yard.objects.copy({ source: yard.object('dir//'), target: yard.object('file') });
    await yard.objects.copy({ source: yard.object('file'), target: yard.object('dir/') });
    expect(await get('copy/')).toBe('bytes');
    expect(await get('file')).toBe('of the empty name');
    expect(await keys()).toEqual(['copy/ 5', 'dir/ 17', 'dir// 17', 'dir//deep 4', 'file 17']);
    expect(await keys('dir/', '/')).toEqual(['dir/ 17', 'dir//']);
  });
});
