import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DirectoryEntry, FileRef } from '../../src/index.ts';
import { ENGINES, ROOT, ref, refused, Yard } from './yard.ts';

describe.each(ENGINES)('readdir on the %s engine', (kind) => {
  let yard: Yard;
  beforeEach(async () => {
    yard = await Yard.open(kind);
  });
  afterEach(async () => {
    await yard.check();
    await yard.close();
  });
  const page = (directory: FileRef, after: number, limit: number, attributes = false) =>
    yard.files.readdir({ caller: ROOT, directory, after, limit, attributes });

  async function list(directory: FileRef, limit: number): Promise<DirectoryEntry[]> {
    const all: DirectoryEntry[] = [];
    for (;;) {
      const after = all.at(-1)?.cookie ?? 0;
      const { entries, end } = await page(directory, after, limit);
      expect(entries.every(({ cookie }) => cookie > after)).toBe(true);
      all.push(...entries);
      if (end) return all;
      expect(entries).toHaveLength(limit);
    }
  }

  it('begins with the dots, and pages the rest', async () => {
    const directory = await yard.mkdir(yard.root, 'dir');
    const names = Array.from({ length: 7 }, (_, index) => `name${index}`);
    for (const name of names) await yard.touch(directory, name);
    for (const limit of [1, 2, 3, 8, 9, 10, 100]) {
      const all = await list(directory, limit);
      expect(all.map((entry) => `${entry.name}`)).toEqual(['.', '..', ...names]);
      expect(all.slice(0, 2).map(({ cookie, inode }) => [cookie, inode])).toEqual([
        [1, directory.inode],
        [2, yard.root.inode],
      ]);
    }
    const { directory: attributes } = await page(directory, 0, 1);
    expect(attributes).toEqual(await yard.stat(directory));
  });

  it('ends where there is nothing, and with no limit gives nothing', async () => {
    const directory = await yard.mkdir(yard.root, 'dir');
    expect(await page(directory, 0, 2)).toMatchObject({ end: true });
    expect(await page(directory, 0, 1)).toMatchObject({ end: false });
    expect(await page(directory, 2, 5)).toMatchObject({ entries: [], end: true });
    expect(await page(directory, 1_000_000, 5)).toMatchObject({ entries: [], end: true });
    expect(await page(directory, 0, 0)).toMatchObject({ entries: [], end: false });
    for (const cookie of [-1, 0.5, Number.NaN, 2 ** 60])
      await refused('BadCookie', page(directory, cookie, 5));
    await refused('NotDirectory', page(await yard.touch(directory, 'file'), 0, 5));
  });

  it('with attributes says what look-up says', async () => {
    const directory = await yard.mkdir(yard.root, 'dir');
    await yard.touch(directory, 'file', 0o600);
    await yard.mkdir(directory, 'below', 0o700);
    const { entries } = await page(directory, 0, 9, true);
    expect(entries).toHaveLength(4);
    for (const { name, attributes, type, inode } of entries) {
      expect(attributes).toEqual(await yard.find(directory, `${name}`));
      expect(attributes).toMatchObject({ type, inode });
    }
  });

  it('neither skips nor repeats a name that stays, while others come, go and move', async () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('page' as const), limit: fc.integer({ min: 1, max: 4 }) }),
      fc.record({ kind: fc.constantFrom('add' as const, 'remove' as const), name: fc.nat(9) }),
      fc.record({ kind: fc.constant('move' as const), name: fc.nat(9), to: fc.nat(9) }),
    );
    let rounds = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async (steps) => {
        rounds += 1;
        const directory = await yard.mkdir(yard.root, `dir${rounds}`);
        const stays = new Set(['s0', 's1', 's2', 's3']);
        for (const name of ['s0', 'm1', 's1', 'm2', 's2', 'm3', 'm4', 's3'])
          await yard.touch(directory, name);
        const seen: DirectoryEntry[] = [];
        let end = false;
        const read = async (limit: number): Promise<void> => {
          if (end) return;
          const got = await page(directory, seen.at(-1)?.cookie ?? 0, limit);
          seen.push(...got.entries);
          end = got.end;
        };
        for (const step of steps) {
          if (step.kind === 'page') {
            await read(step.limit);
            continue;
          }
          const name = `m${step.name}`;
          const found = await yard.find(directory, name);
          if (step.kind === 'add' && !found) await yard.touch(directory, name);
          const at = { caller: ROOT, parent: directory, name: Buffer.from(name) };
          if (step.kind === 'remove' && found) await yard.files.remove(at);
          if (step.kind === 'move' && found) await yard.rename([directory, name], [directory, `m${step.to}`]);
        }
        while (!end) await read(3);
        const names = seen.map((entry) => `${entry.name}`);
        for (const name of stays) expect(names.filter((other) => other === name)).toEqual([name]);
        const cookies = seen.map((entry) => entry.cookie);
        expect(cookies).toEqual([...new Set(cookies)].toSorted((a, b) => a - b));
      }),
      { numRuns: 25 },
    );
  });

  it('gives each inode once to a reader who renames all he reads, be it for good or there and back', async () => {
    const directory = await yard.mkdir(yard.root, 'dir');
    for (let index = 0; index < 6; index += 1) await yard.touch(directory, `name${index}`);
    const below = await yard.mkdir(directory, 'below');
    const twice = await yard.find(directory, 'name1');
    if (!twice) throw new Error('name1 is there');
    const second = { parent: directory, name: Buffer.from('second') };
    await yard.files.link({ caller: ROOT, file: ref(twice), ...second });
    const read: DirectoryEntry[] = [];
    for (let after = 2; ; after = read.at(-1)?.cookie ?? 2) {
      const { entries, end } = await page(directory, after, 1);
      read.push(...entries);
      for (const entry of entries) {
        const name = `${entry.name}`;
        await yard.rename([directory, name], [directory, 'moving']);
        await yard.rename([directory, 'moving'], [directory, read.length % 2 ? name : `${name}.new`]);
      }
      if (end || read.length > 20) break;
    }
    expect(read).toHaveLength(8);
    const after = await list(directory, 9);
    expect(after.slice(2).map(({ inode, cookie }) => [inode, cookie])).toEqual(
      read.map(({ inode, cookie }) => [inode, cookie]),
    );
    await yard.touch(directory, 'late');
    expect((await list(directory, 99)).at(-1)?.name).toEqual(Buffer.from('late'));
    await yard.rename([directory, 'below'], [yard.root, 'above']);
    expect((await yard.find(yard.root, 'above'))?.inode).toBe(below.inode);
    await yard.files.remove({ caller: ROOT, parent: directory, name: Buffer.from('name1.new') });
    expect(await yard.stat(ref(twice))).toMatchObject({ nlink: 1 });
  });

  it('goes on where an entry was that is gone', async () => {
    const directory = await yard.mkdir(yard.root, 'dir');
    for (const name of ['a', 'b', 'c', 'd']) await yard.touch(directory, name);
    const { entries } = await page(directory, 2, 2);
    await yard.files.remove({ caller: ROOT, parent: directory, name: Buffer.from('b') });
    await yard.files.remove({ caller: ROOT, parent: directory, name: Buffer.from('c') });
    const rest = await page(directory, entries.at(-1)?.cookie ?? 0, 9);
    expect(rest.entries.map(({ name }) => `${name}`)).toEqual(['d']);
    await yard.rename([directory, 'a'], [directory, 'd']);
    const found = await yard.find(directory, 'd');
    if (!found) throw new Error('d is there');
    expect(await yard.stat(ref(found))).toEqual(found);
  });
});
