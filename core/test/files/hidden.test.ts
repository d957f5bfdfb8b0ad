import { afterEach, describe, expect, it } from 'vitest';
import { ENGINES, ROOT, refused, Yard } from './yard.ts';

let yard: Yard;
afterEach(() => yard.close());

const SILLY = '.nfs00000000000000050000000a';

function rename(from: string, to: string, silly?: true) {
  const at = (name: string) => ({ parent: yard.root, name: Buffer.from(name) });
  return yard.files.rename({ caller: ROOT, from: at(from), to: at(to), ...(silly && { silly }) });
}

async function listed(delimiter = ''): Promise<string[]> {
  const { entries } = await yard.objects.list({
    volume: yard.volume,
    prefix: Buffer.alloc(0),
    delimiter: Buffer.from(delimiter),
    limit: 1000,
  });
  return entries.map((entry) => `${entry.kind === 'object' ? entry.key : entry.prefix}`);
}

describe.each(ENGINES)('a file that is open and has no name any more, on %s', (engine) => {
  it('is no object, and a file as before', async () => {
    yard = await Yard.open(engine);
    await yard.put('file', Buffer.from('bytes'));
    await yard.put('other', Buffer.from('else'));
    const file = await yard.walk('file');
    await rename('file', SILLY, true);
    expect(await listed()).toEqual(['other']);
    expect(await listed('0')).toEqual(['other']);
    await refused('NoEntry', yard.objects.head(yard.object(SILLY)));
    await refused('NoEntry', yard.get(SILLY));
    await refused('NoEntry', yard.copy(SILLY, 'copy'));
    await refused('NoEntry', yard.objects.getTags(yard.object(SILLY)));
    expect(await yard.objects.delete(yard.object(SILLY))).toEqual({ existed: false });
    expect((await yard.names(yard.root)).toSorted()).toEqual([SILLY, 'other']);
    await yard.write(file, 5, Buffer.from(' and more'));
    expect((await yard.read(file)).toString()).toBe('bytes and more');
    await yard.check();
    await yard.files.remove({ caller: ROOT, parent: yard.root, name: Buffer.from(SILLY) });
    expect(await yard.names(yard.root)).toEqual(['other']);
    await yard.check();
  });

  it('is nowhere in a listing, but the directory that it is in has its common prefix', async () => {
    yard = await Yard.open(engine);
    for (const key of ['alone/deep/file', 'beside/deep/file', 'beside/deep/other', 'last'])
      await yard.put(key, Buffer.from('bytes'));
    for (const key of ['alone/deep', 'beside/deep']) {
      const parent = await yard.walk(key);
      const from = { parent, name: Buffer.from('file') };
      const to = { parent, name: Buffer.from(SILLY) };
      await yard.files.rename({ caller: ROOT, from, to, silly: true });
      // A change by this view made it an object.
      await yard.objects.delete(yard.object(`${key}/`));
    }
    expect(await listed()).toEqual(['beside/deep/other', 'last']);
    expect(await listed('/')).toEqual(['alone/', 'beside/', 'last']);
  });

  it('is an object again when it is renamed again', async () => {
    yard = await Yard.open(engine);
    await yard.put('file', Buffer.from('bytes'));
    await rename('file', SILLY, true);
    await rename(SILLY, '.nfs1', true);
    expect(await listed()).toEqual([]);
    await rename('.nfs1', SILLY);
    expect(await listed()).toEqual([SILLY]);
    expect((await yard.get(SILLY)).toString()).toBe('bytes');
    await yard.check();
  });

  it('does not hide what replaces it, nor shows what it replaces', async () => {
    yard = await Yard.open(engine);
    await yard.put('hidden', Buffer.from('hidden'));
    await rename('hidden', SILLY, true);
    await yard.put('plain', Buffer.from('plain'));
    await rename('plain', SILLY);
    expect(await listed()).toEqual([SILLY]);
    expect((await yard.get(SILLY)).toString()).toBe('plain');
    await yard.put('next', Buffer.from('next'));
    await rename('next', SILLY, true);
    expect(await listed()).toEqual([]);
    expect((await yard.read(await yard.walk(SILLY))).toString()).toBe('next');
    await yard.check();
  });

  it('gives way to an object of that name, which is listed', async () => {
    yard = await Yard.open(engine);
    await yard.put('file', Buffer.from('bytes'));
    const file = await yard.walk('file');
    await rename('file', SILLY, true);
    await yard.objects.put({
      ...yard.object(SILLY),
      body: { kind: 'inline', lengthBytes: 1, bytes: Buffer.from('x') },
      etag: { digest: Buffer.alloc(16), parts: 0 },
      properties: {},
      userMetadata: {},
      precondition: { ifNoneMatch: ['*'] },
    });
    expect(await listed()).toEqual([SILLY]);
    await refused('Stale', yard.stat(file));
    await yard.check();
  });

  it('leaves its other names in sight', async () => {
    yard = await Yard.open(engine);
    await yard.put('file', Buffer.from('bytes'));
    const file = await yard.walk('file');
    const at = { caller: ROOT, parent: yard.root };
    await yard.files.link({ ...at, file, name: Buffer.from('before') });
    await rename('file', SILLY, true);
    await yard.files.link({ ...at, file, name: Buffer.from('after') });
    expect(await listed()).toEqual(['after', 'before']);
    await yard.check();
  });

  it('can be the twin of a directory', async () => {
    yard = await Yard.open(engine);
    await yard.put('file', Buffer.from('bytes'));
    await rename('file', SILLY, true);
    await yard.put(`${SILLY}/below`, Buffer.from('x'));
    expect(await listed()).toEqual([`${SILLY}/below`]);
    await yard.check();
    await yard.objects.delete(yard.object(`${SILLY}/below`));
    expect(await listed()).toEqual([]);
    expect((await yard.read(await yard.walk(SILLY))).toString()).toBe('bytes');
    await yard.check();
  });

  it('is never a directory', async () => {
    yard = await Yard.open(engine);
    await yard.put('dir/x', Buffer.from('x'));
    await rename('dir', SILLY, true);
    expect(await listed()).toEqual([`${SILLY}/`, `${SILLY}/x`]);
    await yard.check();
  });
});

it('an object that was named so by its own door is listed', async () => {
  yard = await Yard.open('memory');
  await yard.put(SILLY, Buffer.from('x'));
  await yard.touch(yard.root, '.nfs1');
  expect(await listed()).toEqual([SILLY, '.nfs1']);
});
