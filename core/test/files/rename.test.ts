import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BOB, ENGINES, ROOT, ref, refused, Yard } from './yard.ts';

describe.each(ENGINES)('rename on the %s engine', (kind) => {
  let yard: Yard;
  beforeEach(async () => {
    yard = await Yard.open(kind);
  });
  afterEach(async () => {
    await yard.check();
    await yard.close();
  });
  const entry = (name: string, directory?: boolean) => ({
    parent: yard.root,
    name: Buffer.from(name),
    ...(directory !== undefined && { directory }),
  });

  it('moves a file, and tells both directories’ attributes', async () => {
    const [from, to] = [await yard.mkdir(yard.root, 'from'), await yard.mkdir(yard.root, 'to')];
    const file = await yard.touch(from, 'a');
    const before = await yard.stat(file);
    const moved = await yard.files.rename({
      caller: ROOT,
      from: { parent: from, name: Buffer.from('a') },
      to: { parent: to, name: Buffer.from('b') },
    });
    expect(moved.from.after).toEqual(await yard.stat(from));
    expect(moved.to.after).toEqual(await yard.stat(to));
    expect(moved.to.after.change).toBeGreaterThan(moved.to.before.change);
    expect(await yard.names(from)).toEqual([]);
    expect(await yard.names(to)).toEqual(['b']);
    const after = await yard.stat(file);
    expect(after).toMatchObject({ mtime: before.mtime, nlink: 1 });
    expect(after.ctime).toBeGreaterThan(before.ctime);
  });

  it('of a directory that was there for its keys alone makes it one to stay', async () => {
    await yard.put('implicit/key', Buffer.from('x'));
    await yard.rename([yard.root, 'implicit'], [yard.root, 'named']);
    expect(await yard.objects.head(yard.object('named/'))).toMatchObject({ sizeBytes: 0 });
    await yard.objects.delete(yard.object('named/key'));
    expect(await yard.names(yard.root)).toEqual(['named/']);
  });

  it('replaces a file, which goes unless it has other names', async () => {
    const [a, b] = [await yard.touch(yard.root, 'a'), await yard.touch(yard.root, 'b')];
    await yard.files.link({ caller: ROOT, file: b, parent: yard.root, name: Buffer.from('other') });
    await yard.rename([yard.root, 'a'], [yard.root, 'b']);
    expect(await yard.names(yard.root)).toEqual(['b', 'other']);
    expect(await yard.find(yard.root, 'b')).toMatchObject(a);
    expect(await yard.stat(b)).toMatchObject({ nlink: 1 });
    await yard.check();
    await yard.rename([yard.root, 'b'], [yard.root, 'other']);
    await refused('Stale', yard.stat(b));
    expect(await yard.names(yard.root)).toEqual(['other']);
  });

  it('keeps track of the names of a linked file', async () => {
    const directory = await yard.mkdir(yard.root, 'dir');
    const file = await yard.touch(yard.root, 'one');
    await yard.files.link({ caller: ROOT, file, parent: yard.root, name: Buffer.from('two') });
    await yard.rename([yard.root, 'two'], [directory, 'two']);
    await yard.check();
    await yard.rename([yard.root, 'one'], [directory, 'one']);
    await yard.check();
    await yard.files.remove({ caller: ROOT, parent: directory, name: Buffer.from('one') });
    await yard.rename([directory, 'two'], [yard.root, 'three']);
    expect(await yard.stat(file)).toMatchObject({ nlink: 1 });
  });

  it('does nothing between two names of one file', async () => {
    const file = await yard.touch(yard.root, 'one');
    await yard.files.link({ caller: ROOT, file, parent: yard.root, name: Buffer.from('two') });
    const before = await yard.stat(yard.root);
    await yard.rename([yard.root, 'one'], [yard.root, 'two']);
    await yard.rename([yard.root, 'one'], [yard.root, 'one']);
    const directory = await yard.mkdir(yard.root, 'dir');
    await yard.rename([yard.root, 'dir'], [yard.root, 'dir']);
    expect(await yard.names(yard.root)).toEqual(['one', 'two', 'dir/']);
    expect(await yard.stat(file)).toMatchObject({ nlink: 2 });
    expect(await yard.stat(directory)).toMatchObject({ nlink: 2 });
    expect((await yard.stat(yard.root)).change).toBe(before.change + 1);
  });

  it('moves a directory with all below it, and its dot-dot', async () => {
    const [from, to] = [await yard.mkdir(yard.root, 'from'), await yard.mkdir(yard.root, 'to')];
    const moving = await yard.mkdir(from, 'moving');
    const deep = await yard.mkdir(moving, 'deep');
    await yard.touch(deep, 'file');
    await yard.rename([from, 'moving'], [to, 'moved']);
    expect(await yard.find(moving, '..')).toMatchObject(to);
    expect((await yard.walk('to/moved/deep/file')).inode).toBeGreaterThan(0);
    expect((await yard.stat(from)).nlink).toBe(2);
    expect((await yard.stat(to)).nlink).toBe(3);
  });

  it('replaces an empty directory and no other', async () => {
    const [a, b] = [await yard.mkdir(yard.root, 'a'), await yard.mkdir(yard.root, 'b')];
    await yard.touch(a, 'inside');
    await yard.touch(b, 'inside');
    await refused('NotEmpty', yard.rename([yard.root, 'a'], [yard.root, 'b']));
    await yard.files.remove({ caller: ROOT, parent: b, name: Buffer.from('inside') });
    await yard.rename([yard.root, 'a'], [yard.root, 'b']);
    await refused('Stale', yard.stat(b));
    expect(await yard.names(yard.root)).toEqual(['b/']);
    expect(await yard.names(a)).toEqual(['inside']);
    expect((await yard.stat(yard.root)).nlink).toBe(3);
  });

  it('never puts a directory under itself', async () => {
    const a = await yard.mkdir(yard.root, 'a');
    const b = await yard.mkdir(a, 'b');
    const c = await yard.mkdir(b, 'c');
    await refused('Invalid', yard.rename([yard.root, 'a'], [a, 'x']));
    await refused('Invalid', yard.rename([yard.root, 'a'], [c, 'x']));
    await refused('Invalid', yard.rename([a, 'b'], [c, 'x']));
    // An ancestor is never empty.
    await refused('NotEmpty', yard.rename([b, 'c'], [yard.root, 'a']));
    await yard.rename([b, 'c'], [yard.root, 'c']);
    await yard.rename([yard.root, 'a'], [c, 'a']);
    expect(await yard.find(a, '..')).toMatchObject(c);
    await refused('Invalid', yard.rename([yard.root, 'c'], [b, 'x']));
  });

  it('of two moves that would make a ring one loses', async () => {
    for (let round = 0; round < 5; round += 1) {
      const [a, b] = [await yard.mkdir(yard.root, 'a'), await yard.mkdir(yard.root, 'b')];
      const moves = await Promise.allSettled([
        yard.rename([yard.root, 'a'], [b, 'a']),
        yard.rename([yard.root, 'b'], [a, 'b']),
      ]);
      expect(moves.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
      const [outer] = await yard.names(yard.root);
      expect(['a/', 'b/']).toContain(outer);
      const [first, second] = outer === 'a/' ? ['a', 'b'] : ['b', 'a'];
      const parent = outer === 'a/' ? a : b;
      await yard.files.rmdir({ caller: ROOT, parent, name: Buffer.from(second) });
      await yard.files.rmdir({ caller: ROOT, parent: yard.root, name: Buffer.from(first) });
    }
  });

  it('does not mix files and directories', async () => {
    await yard.mkdir(yard.root, 'dir');
    await yard.touch(yard.root, 'file');
    await refused('IsDirectory', yard.rename([yard.root, 'file'], [yard.root, 'dir']));
    await refused('NotDirectory', yard.rename([yard.root, 'dir'], [yard.root, 'file']));
    await refused('NoEntry', yard.rename([yard.root, 'nothing'], [yard.root, 'file']));
  });

  it('gives an entry a new cookie in another directory, and leaves it its own within one', async () => {
    for (const name of ['a', 'b', 'c']) await yard.touch(yard.root, name);
    await yard.rename([yard.root, 'a'], [yard.root, 'z']);
    expect(await yard.names(yard.root)).toEqual(['z', 'b', 'c']);
    const directory = await yard.mkdir(yard.root, 'dir');
    await yard.touch(directory, 'first');
    await yard.rename([yard.root, 'b'], [directory, 'b']);
    expect(await yard.names(directory)).toEqual(['first', 'b']);
    await yard.rename([directory, 'first'], [yard.root, 'first']);
    expect(await yard.names(yard.root)).toEqual(['z', 'c', 'dir/', 'first']);
  });

  describe('where S3 made both `a` and `a/…`', () => {
    beforeEach(async () => {
      await yard.put('a', Buffer.from('the file'));
      await yard.put('a/b', Buffer.from('below'));
    });

    it('the plain name is the directory, and the file is reached by its form', async () => {
      expect(await yard.find(yard.root, 'a')).toMatchObject({ type: 'directory' });
      expect(await yard.find(yard.root, 'a', true)).toMatchObject({ type: 'directory' });
      const file = await yard.find(yard.root, 'a', false);
      expect(file).toMatchObject({ type: 'file', sizeBytes: 8 });
      if (file) expect(await yard.read(ref(file))).toEqual(Buffer.from('the file'));
      const { entries } = await yard.files.readdir({
        caller: ROOT,
        directory: yard.root,
        after: 2,
        limit: 9,
        attributes: false,
      });
      expect(entries.map(({ type, twin }) => [type, twin])).toEqual([
        ['file', true],
        ['directory', true],
      ]);
    });

    it('removes either', async () => {
      await refused('IsDirectory', yard.files.remove({ caller: ROOT, ...entry('a') }));
      await refused('NotEmpty', yard.files.rmdir({ caller: ROOT, ...entry('a') }));
      await yard.files.remove({ caller: ROOT, ...entry('a', false) });
      await yard.check();
      expect(await yard.names(yard.root)).toEqual(['a/']);
      await refused('NoEntry', yard.files.remove({ caller: ROOT, ...entry('a', false) }));
      expect(await yard.get('a/b')).toEqual(Buffer.from('below'));
    });

    it('renames either away', async () => {
      await yard.files.rename({ caller: ROOT, from: entry('a', false), to: entry('file') });
      expect(await yard.get('file')).toEqual(Buffer.from('the file'));
      await yard.check();
      await yard.rename([yard.root, 'a'], [yard.root, 'dir']);
      expect(await yard.get('dir/b')).toEqual(Buffer.from('below'));
    });

    it('refuses to put a file over any `a/`, or a directory over a mere file', async () => {
      await yard.touch(yard.root, 'file');
      await yard.mkdir(yard.root, 'dir');
      for (const form of [undefined, true, false]) {
        await refused(
          'IsDirectory',
          yard.files.rename({ caller: ROOT, from: entry('file'), to: entry('a', form) }),
        );
      }
      await refused('NotEmpty', yard.files.rename({ caller: ROOT, from: entry('dir'), to: entry('a') }));
      await refused(
        'NotDirectory',
        yard.files.rename({ caller: ROOT, from: entry('dir'), to: entry('a', false) }),
      );
      await refused(
        'IsDirectory',
        yard.files.rename({ caller: ROOT, from: entry('a', false), to: entry('a') }),
      );
      await refused(
        'NotDirectory',
        yard.files.rename({ caller: ROOT, from: entry('a'), to: entry('a', false) }),
      );
      // Nothing has happened.
      await yard.files.rename({ caller: ROOT, from: entry('a', false), to: entry('a', false) });
      expect((await yard.names(yard.root)).toSorted()).toEqual(['a', 'a/', 'dir/', 'file']);
      await yard.objects.delete(yard.object('a/b'));
      expect(await yard.names(yard.root)).toEqual(['a', 'file', 'dir/']);
      await refused('NotDirectory', yard.files.rename({ caller: ROOT, from: entry('dir'), to: entry('a') }));
    });

    it('an empty directory gives way to another, and its twin stays', async () => {
      await yard.files.remove({ caller: ROOT, parent: await yard.walk('a'), name: Buffer.from('b') });
      const moving = await yard.mkdir(yard.root, 'dir');
      await yard.rename([yard.root, 'dir'], [yard.root, 'a']);
      expect(await yard.find(yard.root, 'a')).toMatchObject(moving);
      expect(await yard.get('a')).toEqual(Buffer.from('the file'));
    });

    it('new names never make a twin', async () => {
      const how = { kind: 'guarded', attributes: {} } as const;
      await yard.put('only/below', Buffer.from('x'));
      await refused('Exists', yard.files.create({ caller: ROOT, ...entry('only'), how }));
      await yard.put('file', Buffer.from('x'));
      await refused('Exists', yard.files.mkdir({ caller: ROOT, ...entry('file'), attributes: {} }));
    });
  });

  describe('directories that S3 made on the way to a key', () => {
    it('go with their last key until a change by the file view', async () => {
      await yard.put('implicit/key', Buffer.from('x'));
      await yard.objects.delete(yard.object('implicit/key'));
      expect(await yard.names(yard.root)).toEqual([]);
      await yard.put('kept/key', Buffer.from('x'));
      await yard.touch(await yard.walk('kept'), 'file');
      await yard.objects.delete(yard.object('kept/key'));
      await yard.objects.delete(yard.object('kept/file'));
      expect(await yard.names(yard.root)).toEqual(['kept/']);
    });

    it.each(['chmod', 'remove', 'rename', 'link'])('are kept after %s', async (what) => {
      await yard.put('dir/key', Buffer.from('x'));
      await yard.put('dir/other', Buffer.from('x'));
      const directory = await yard.walk('dir');
      const key = Buffer.from('key');
      if (what === 'chmod') {
        await yard.files.setattr({ caller: ROOT, file: directory, changes: { mode: 0o700 } });
      } else if (what === 'remove') {
        await yard.files.remove({ caller: ROOT, parent: directory, name: key });
      } else if (what === 'rename') {
        await yard.rename([directory, 'key'], [yard.root, 'key']);
      } else {
        const file = await yard.walk('dir/key');
        await yard.files.link({ caller: ROOT, file, parent: directory, name: Buffer.from('link') });
        await yard.objects.delete(yard.object('dir/link'));
      }
      await yard.objects.delete(yard.object('dir/key'));
      await yard.objects.delete(yard.object('dir/other'));
      expect(await yard.names(yard.root)).toContain('dir/');
    });
  });

  it('finds, renames and removes names that only S3 makes', async () => {
    const long = 'l'.repeat(300);
    for (const key of [long, '../x', './y', '/rooted']) await yard.put(key, Buffer.from(key));
    expect((await yard.names(yard.root)).toSorted()).toEqual(['../', './', '/', long].toSorted());
    expect(await yard.find(yard.root, '..', true)).not.toMatchObject(yard.root);
    expect(await yard.find(yard.root, '')).toMatchObject({ type: 'directory' });
    await yard.files.rename({ caller: ROOT, from: entry('..', true), to: entry('dots') });
    await yard.rename([yard.root, ''], [yard.root, 'empty']);
    await yard.rename([yard.root, long], [yard.root, 'short']);
    expect(await yard.get('dots/x')).toEqual(Buffer.from('../x'));
    expect(await yard.get('empty/rooted')).toEqual(Buffer.from('/rooted'));
    expect(await yard.get('short')).toEqual(Buffer.from(long));
    const [inner] = [await yard.find(yard.root, '.', true)];
    if (!inner) throw new Error('./ is there');
    await yard.files.remove({ caller: ROOT, parent: ref(inner), name: Buffer.from('y') });
    await yard.files.rmdir({ caller: ROOT, ...entry('.', true) });
    expect((await yard.names(yard.root)).toSorted()).toEqual(['dots/', 'empty/', 'short']);
  });

  it('asks to write a directory that goes elsewhere', async () => {
    const open = await yard.mkdir(yard.root, 'open', 0o777);
    const other = await yard.mkdir(yard.root, 'other', 0o777);
    await yard.mkdir(open, 'locked', 0o755);
    await refused('AccessDenied', yard.rename([open, 'locked'], [other, 'locked'], BOB));
    await yard.rename([open, 'locked'], [open, 'renamed'], BOB);
  });
});
