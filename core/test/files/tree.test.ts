import type { Op } from '@facet/engine';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { layerId } from '../../src/index.ts';
import { inodeKey } from '../../src/meta/keys.ts';
import { decodeInode, encodeInode } from '../../src/meta/records/inode.ts';
import { ENGINES, ROOT, ref, refused, Yard } from './yard.ts';

describe.each(ENGINES)('the tree on the %s engine', (kind) => {
  let yard: Yard;
  beforeEach(async () => {
    yard = await Yard.open(kind);
  });
  afterEach(async () => {
    await yard.check();
    await yard.close();
  });
  const at = (name: string) => ({ caller: ROOT, parent: yard.root, name: Buffer.from(name) });

  describe('look-up', () => {
    it('finds what is there, says so where nothing is, and knows dots', async () => {
      const directory = await yard.mkdir(yard.root, 'dir');
      const file = await yard.touch(directory, 'file');
      expect(await yard.find(directory, 'file')).toMatchObject(file);
      expect(await yard.find(directory, 'File')).toBe(undefined);
      expect(await yard.find(directory, '.')).toMatchObject(directory);
      expect(await yard.find(directory, '..')).toMatchObject(yard.root);
      expect(await yard.find(yard.root, '..')).toMatchObject(yard.root);
      const { parent } = await yard.files.lookup({ ...at('nothing') });
      expect(parent).toEqual(await yard.stat(yard.root));
    });

    it('refuses files as directories, slashes, and what is gone', async () => {
      const file = await yard.touch(yard.root, 'file');
      await refused('NotDirectory', yard.find(file, 'x'));
      await refused('Invalid', yard.find(yard.root, 'a/b'));
      await yard.files.remove(at('file'));
      await refused('Stale', yard.stat(file));
      const root = await yard.stat(yard.root);
      await refused('Stale', yard.stat({ ...root, generation: root.generation ^ 1 }));
    });
  });

  describe('create', () => {
    it('makes a file with the attributes asked for, and counts it', async () => {
      const before = await yard.files.usage({ volume: yard.volume });
      const how = { kind: 'guarded', attributes: { mode: 0o640, uid: 7, gid: 8, sizeBytes: 5 } } as const;
      const { file, made, parent } = await yard.files.create({ ...at('file'), how });
      expect(made).toBe(true);
      expect(file).toMatchObject({ type: 'file', mode: 0o640, uid: 7, gid: 8, sizeBytes: 5, nlink: 1 });
      expect(await yard.stat(ref(file))).toEqual(file);
      expect(parent.after).toEqual(await yard.stat(yard.root));
      expect(parent.after.change).toBeGreaterThan(parent.before.change);
      expect(parent.after.mtime).toBeGreaterThan(parent.before.mtime);
      expect(await yard.read(ref(file))).toEqual(Buffer.alloc(5));
      const after = await yard.files.usage({ volume: yard.volume });
      expect(after).toEqual({ bytes: before.bytes + 5, inodes: before.inodes + 1 });
    });

    it('unchecked takes the file that is there and sets its size alone', async () => {
      const attributes = { mode: 0o600 };
      const first = await yard.files.create({ ...at('file'), how: { kind: 'unchecked', attributes } });
      await yard.write(ref(first.file), 0, Buffer.from('hello'));
      const again = await yard.files.create({
        ...at('file'),
        how: { kind: 'unchecked', attributes: { mode: 0o777 } },
      });
      expect(again.made).toBe(false);
      expect(again.file).toMatchObject({ inode: first.file.inode, mode: 0o600, sizeBytes: 5 });
      expect(again.parent.after).toEqual(again.parent.before);
      const cut = await yard.files.create({
        ...at('file'),
        how: { kind: 'unchecked', attributes: { sizeBytes: 0 } },
      });
      expect(cut.file.sizeBytes).toBe(0);
    });

    it('guarded refuses any name that is there', async () => {
      await yard.touch(yard.root, 'file');
      await yard.mkdir(yard.root, 'dir');
      const how = { kind: 'guarded', attributes: {} } as const;
      for (const name of ['file', 'dir']) await refused('Exists', yard.files.create({ ...at(name), how }));
      const unchecked = { kind: 'unchecked', attributes: {} } as const;
      await refused('IsDirectory', yard.files.create({ ...at('dir'), how: unchecked }));
      await yard.files.symlink({ ...at('link'), target: Buffer.from('x'), attributes: {} });
      await refused('Exists', yard.files.create({ ...at('link'), how: unchecked }));
    });

    it('exclusive knows its own verifier again', async () => {
      const verifier = Buffer.from('verifier');
      const { file, made } = await yard.files.create({ ...at('file'), how: { kind: 'exclusive', verifier } });
      expect(made).toBe(true);
      await yard.files.setattr({ caller: ROOT, file: ref(file), changes: { mode: 0o644 } });
      const again = await yard.files.create({ ...at('file'), how: { kind: 'exclusive', verifier } });
      expect(again).toMatchObject({ made: false, file: { inode: file.inode } });
      const other = { kind: 'exclusive', verifier: Buffer.from('another!') } as const;
      await refused('Exists', yard.files.create({ ...at('file'), how: other }));
      await yard.touch(yard.root, 'plain');
      await refused('Exists', yard.files.create({ ...at('plain'), how: other }));
    });

    it.each([
      ['', 'Invalid'],
      ['.', 'Invalid'],
      ['..', 'Invalid'],
      ['a/b', 'Invalid'],
      ['a\0b', 'Invalid'],
      ['n'.repeat(256), 'NameTooLong'],
    ] as const)('refuses the name %j', async (name, code) => {
      const how = { kind: 'guarded', attributes: {} } as const;
      await refused(code, yard.files.create({ ...at(name), how }));
      await refused(code, yard.files.mkdir({ ...at(name), attributes: {} }));
      await yard.touch(yard.root, 'file');
      await refused(code, yard.rename([yard.root, 'file'], [yard.root, name]));
    });

    it('takes any other bytes as a name, 255 of them at most', async () => {
      const names = [Buffer.from([0xff, 0xfe, 1]), Buffer.alloc(255, 'n'), Buffer.from('...')];
      for (const name of names) {
        const how = { kind: 'guarded', attributes: {} } as const;
        const { file } = await yard.files.create({ caller: ROOT, parent: yard.root, name, how });
        const found = await yard.files.lookup({ caller: ROOT, parent: yard.root, name });
        expect(found.file).toEqual(file);
      }
    });

    it('of racing creates one makes the file', async () => {
      const verifiers = Array.from({ length: 8 }, (_, index) => Buffer.alloc(8, index));
      const settled = await Promise.allSettled(
        verifiers.map((verifier) => yard.files.create({ ...at('f'), how: { kind: 'exclusive', verifier } })),
      );
      expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    });
  });

  describe('mkdir, symlink and mknod', () => {
    it('makes directories and counts the links of their parents', async () => {
      const parent = await yard.mkdir(yard.root, 'parent');
      expect(await yard.stat(parent)).toMatchObject({ type: 'directory', mode: 0o755, nlink: 2 });
      await yard.mkdir(parent, 'one');
      await yard.mkdir(parent, 'two');
      await yard.touch(parent, 'file');
      expect(await yard.stat(parent)).toMatchObject({ nlink: 4 });
      await refused('Exists', yard.mkdir(parent, 'one'));
      await refused('Exists', yard.mkdir(parent, 'file'));
    });

    it('keeps a symlink’s target as it is', async () => {
      const target = Buffer.from('../\xff somewhere', 'latin1');
      const { file } = await yard.files.symlink({ ...at('link'), target, attributes: {} });
      expect(file).toMatchObject({ type: 'symlink', mode: 0o777, sizeBytes: target.length });
      expect((await yard.files.readlink({ caller: ROOT, file: ref(file) })).target).toEqual(target);
      const plain = await yard.touch(yard.root, 'plain');
      await refused('Invalid', yard.files.readlink({ caller: ROOT, file: plain }));
      await refused('Invalid', yard.read(ref(file)));
      await refused('Invalid', yard.write(ref(file), 0, Buffer.from('x')));
      await refused('Invalid', yard.truncate(ref(file), 0));
      const empty = { ...at('e'), target: Buffer.alloc(0), attributes: {} };
      await refused('Invalid', yard.files.symlink(empty));
      const long = { ...at('e'), target: Buffer.alloc(4096, 'x'), attributes: {} };
      await refused('NameTooLong', yard.files.symlink(long));
      await yard.files.symlink({ ...at('e'), target: Buffer.alloc(4095, 'x'), attributes: {} });
    });

    it('makes special files', async () => {
      const device = { major: 8, minor: 1 };
      for (const type of ['fifo', 'socket'] as const) {
        const { file } = await yard.files.mknod({ ...at(type), type, attributes: { mode: 0o600 } });
        expect(file).toMatchObject({ type, mode: 0o600, sizeBytes: 0 });
      }
      for (const type of ['character', 'block'] as const) {
        const { file } = await yard.files.mknod({ ...at(type), type, device, attributes: {} });
        expect(await yard.stat(ref(file))).toMatchObject({ type, device });
      }
    });
  });

  describe('link and remove', () => {
    it('counts names, and lets the file go with the last', async () => {
      const file = await yard.touch(yard.root, 'one');
      const directory = await yard.mkdir(yard.root, 'dir');
      await yard.write(file, 0, Buffer.alloc(5000, 'x'));
      const linked = await yard.files.link({
        caller: ROOT,
        file,
        parent: directory,
        name: Buffer.from('two'),
      });
      expect(linked.file.before.nlink).toBe(1);
      expect(linked.file.after.nlink).toBe(2);
      expect(linked.file.after.ctime).toBeGreaterThan(linked.file.before.ctime);
      expect(linked.file.after.mtime).toBe(linked.file.before.mtime);
      expect(linked.parent.after).toEqual(await yard.stat(directory));
      await yard.files.link({ caller: ROOT, file, parent: yard.root, name: Buffer.from('three') });
      await yard.check();
      // The first name goes: another takes its place.
      await yard.files.remove(at('one'));
      expect(await yard.stat(file)).toMatchObject({ nlink: 2 });
      await yard.check();
      await yard.files.remove({ caller: ROOT, parent: directory, name: Buffer.from('two') });
      await yard.files.remove(at('three'));
      await refused('Stale', yard.stat(file));
      expect(await yard.files.usage({ volume: yard.volume })).toEqual({ bytes: 0, inodes: 2 });
    });

    it('refuses links to directories, onto names, and beyond the count', async () => {
      const directory = await yard.mkdir(yard.root, 'dir');
      const file = await yard.touch(yard.root, 'file');
      const linkTo = (target: typeof file, name: string) =>
        yard.files.link({ caller: ROOT, file: target, parent: yard.root, name: Buffer.from(name) });
      await refused('NotPermitted', linkTo(directory, 'other'));
      await refused('Exists', linkTo(file, 'dir'));
      await refused('Exists', linkTo(file, 'file'));
      const key = inodeKey(layerId(1), file.inode);
      const setLinks = (nlink: number) =>
        yard.engine.write(function* (tx): Op<number> {
          const stored = yield* tx.get(key);
          if (!stored) throw new Error('the file is there');
          tx.put(key, encodeInode({ ...decodeInode(stored), nlink }));
          return nlink;
        });
      await setLinks(2 ** 32 - 1);
      await refused('TooManyLinks', linkTo(file, 'other'));
      await setLinks(1);
    });

    it('tells files from directories', async () => {
      const directory = await yard.mkdir(yard.root, 'dir');
      await yard.touch(yard.root, 'file');
      await yard.touch(directory, 'inside');
      await refused('IsDirectory', yard.files.remove(at('dir')));
      await refused('NotDirectory', yard.files.rmdir(at('file')));
      await refused('NotEmpty', yard.files.rmdir(at('dir')));
      await refused('NoEntry', yard.files.remove(at('nothing')));
      await refused('NoEntry', yard.files.rmdir(at('nothing')));
      await refused('Invalid', yard.files.rmdir(at('.')));
      await refused('Invalid', yard.files.remove(at('..')));
      await yard.files.remove({ caller: ROOT, parent: directory, name: Buffer.from('inside') });
      const { parent } = await yard.files.rmdir(at('dir'));
      expect(parent.before.nlink).toBe(3);
      expect(parent.after.nlink).toBe(2);
      await refused('Stale', yard.touch(directory, 'late'));
      expect(await yard.names(yard.root)).toEqual(['file']);
    });

    it('of a racing rmdir and create one loses', async () => {
      for (let round = 0; round < 5; round += 1) {
        const directory = await yard.mkdir(yard.root, 'dir');
        const [gone, made] = await Promise.allSettled([
          yard.files.rmdir(at('dir')),
          yard.touch(directory, 'x'),
        ]);
        expect([gone.status, made.status].toSorted()).toEqual(['fulfilled', 'rejected']);
        await yard.check();
        if (gone.status === 'fulfilled') continue;
        await yard.files.remove({ caller: ROOT, parent: directory, name: Buffer.from('x') });
        await yard.files.rmdir(at('dir'));
      }
    });
  });
});
