import { isUtf8 } from 'node:buffer';
import fc from 'fast-check';
import { afterEach, expect, it } from 'vitest';
import { CommandRunner } from '../../src/commands/command.ts';
import { type FileRef, systemEnvironment } from '../../src/index.ts';
import { countUnshown } from '../../src/volumes/unshown.ts';
import { ROOT, Yard } from '../files/yard.ts';

let yard: Yard;
afterEach(() => yard.close());

const count = (entriesMax?: number) =>
  countUnshown(
    new CommandRunner(yard.engine, systemEnvironment()),
    yard.volume,
    entriesMax === undefined ? {} : { entriesMax },
  );

async function make(parent: FileRef, name: Buffer, type: 'file' | 'directory'): Promise<FileRef> {
  const at = { caller: ROOT, parent, name };
  const made =
    type === 'file'
      ? await yard.files.create({ ...at, how: { kind: 'guarded', attributes: {} } })
      : await yard.files.mkdir({ ...at, attributes: {} });
  return made.file;
}

it('names what is no UTF-8, too long, or below such a directory; a rename above mends it', async () => {
  yard = await Yard.open('memory');
  await yard.put('shown/file', Buffer.from('x'));
  expect(await count()).toEqual({ files: 0, directories: 0, paths: [], complete: true });
  const odd = await make(yard.root, Buffer.from('odd-\xff', 'latin1'), 'directory');
  await make(odd, Buffer.from('below'), 'file');
  await make(yard.root, Buffer.from('\xe9', 'latin1'), 'file');
  const found = await count();
  expect(found).toMatchObject({ files: 2, directories: 1, complete: true });
  expect(found.paths.map((path) => path.toString('latin1')).toSorted()).toEqual([
    'odd-\xff',
    'odd-\xff/below',
    '\xe9',
  ]);
  await yard.files.rename({
    caller: ROOT,
    from: { parent: yard.root, name: Buffer.from('odd-\xff', 'latin1') },
    to: { parent: yard.root, name: Buffer.from('even') },
  });
  expect(await count()).toMatchObject({ files: 1, directories: 0 });
  // Paths of 1,024 bytes are keys; one more is not.
  let deep = await make(yard.root, Buffer.alloc(255, 'd'), 'directory');
  for (let depth = 1; depth < 4; depth += 1) deep = await make(deep, Buffer.alloc(255, 'd'), 'directory');
  await make(deep, Buffer.from('x'), 'file');
  expect(await count()).toMatchObject({ files: 2, directories: 0 });
  await yard.rename([yard.root, 'd'.repeat(255)], [yard.root, 'd'.repeat(254)]);
  expect(await count()).toMatchObject({ files: 1, directories: 0 });
});

it('is what the listing leaves out, and no more', async () => {
  const name = fc.constantFrom('a', 'b', '\xff', '\xfe', 'l'.repeat(255), 'é'.repeat(127), '\xc3');
  const path = fc.array(name, { minLength: 1, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(fc.array(path, { maxLength: 12 }), async (paths) => {
      yard = await Yard.open('memory');
      const made = new Map<string, { readonly ref: FileRef; readonly type: 'file' | 'directory' }>();
      for (const names of paths) {
        let parent = yard.root;
        for (const [depth, one] of names.entries()) {
          const type = depth === names.length - 1 ? 'file' : 'directory';
          const at = names.slice(0, depth + 1).join('/');
          const known = made.get(at) ?? { ref: await make(parent, Buffer.from(one, 'latin1'), type), type };
          made.set(at, known);
          if (known.type === 'file') break;
          parent = known.ref;
        }
      }
      const unshown = [...made].filter(([at, { type }]) => {
        const bytes = Buffer.from(type === 'file' ? at : `${at}/`, 'latin1');
        return bytes.length > 1024 || !isUtf8(bytes);
      });
      const { files, directories, paths: named } = await count();
      expect(files).toBe(unshown.filter(([, { type }]) => type === 'file').length);
      expect(directories).toBe(unshown.filter(([, { type }]) => type === 'directory').length);
      for (const one of named) expect(unshown.map(([at]) => at)).toContain(one.toString('latin1'));
      const { entries } = await yard.objects.list({
        volume: yard.volume,
        prefix: Buffer.alloc(0),
        delimiter: Buffer.alloc(0),
        limit: 1000,
      });
      expect(entries.length + files + directories).toBe(made.size);
      await yard.close();
    }),
    { numRuns: 60 },
  );
});

it('ends at a bound, and says so', async () => {
  yard = await Yard.open('memory');
  for (let at = 0; at < 700; at += 1) await make(yard.root, Buffer.from(`${at}-\xff`, 'latin1'), 'file');
  expect(await count()).toMatchObject({ files: 700, complete: true });
  const some = await count(300);
  expect(some.complete).toBe(false);
  expect(some.files).toBeGreaterThanOrEqual(300);
  expect(some.files).toBeLessThan(700);
  expect(some.paths).toHaveLength(10);
});
