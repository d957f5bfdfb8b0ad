import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FileRef, FsError, type FsErrorCode } from '../../src/index.ts';
import { below, type Random, randomFrom } from '../random.ts';
import { ENGINES, ROOT, ref, Yard } from './yard.ts';

const NAMES = ['a', 'b', 'c', 'a-b'];

/** What random operations on few names may meet. */
const EXPECTED: ReadonlySet<FsErrorCode> = new Set([
  'NoEntry',
  'Exists',
  'IsDirectory',
  'NotDirectory',
  'NotEmpty',
  'Invalid',
  'NotPermitted',
  'Stale',
]);

/** Every file holds the number it was made with, so that each can be told wherever it goes. */
async function churn(yard: Yard, random: Random, steps: number): Promise<Set<FsErrorCode | 'done'>> {
  const outcomes = new Set<FsErrorCode | 'done'>();
  const marks = new Map<number, string>();
  const pick = (): Buffer => Buffer.from(NAMES[below(random, NAMES.length)] ?? 'a');
  const form = () => [{}, {}, { directory: true }, { directory: false }][below(random, 4)] ?? {};
  const somewhere = async (): Promise<FileRef> => {
    let at = yard.root;
    for (let depth = below(random, 4); depth > 0; depth -= 1) {
      const found = await yard.find(at, `${pick()}`);
      if (found?.type === 'directory') at = ref(found);
    }
    return at;
  };
  const someKey = (): string => Array.from({ length: 1 + below(random, 3) }, () => `${pick()}`).join('/');
  const one = async (): Promise<unknown> => {
    const [parent, name] = [await somewhere(), pick()];
    const at = { caller: ROOT, parent, name };
    switch (below(random, 10)) {
      case 0:
      case 1: {
        const { file } = await yard.create(parent, `${name}`);
        const mark = `file ${file.inode}`;
        await yard.write(ref(file), 0, Buffer.from(mark));
        return marks.set(file.inode, mark);
      }
      case 2:
        return yard.files.mkdir({ ...at, attributes: {} });
      case 3: {
        const { file } = await yard.files.lookup({ ...at, ...form() });
        return (
          file && yard.files.link({ caller: ROOT, file: ref(file), parent: await somewhere(), name: pick() })
        );
      }
      case 4:
        return yard.files.remove({ ...at, ...form() });
      case 5:
        return yard.files.rmdir({ ...at, ...form() });
      case 6:
        return yard.put(someKey(), Buffer.from('by S3'));
      case 7:
        return yard.objects.delete(yard.object(someKey() + (random() < 0.3 ? '/' : '')));
      default: {
        const to = { parent: await somewhere(), name: pick(), ...form() };
        return yard.files.rename({ caller: ROOT, from: { parent, name, ...form() }, to });
      }
    }
  };
  const attempt = async (): Promise<void> => {
    try {
      await one();
      outcomes.add('done');
    } catch (error) {
      if (!(error instanceof FsError) || !EXPECTED.has(error.code)) throw error;
      outcomes.add(error.code);
    }
  };
  for (let step = 0; step < steps; step += 1) {
    if (random() < 0.2) await Promise.all([attempt(), attempt(), attempt()]);
    else await attempt();
  }
  await yard.check();
  await visit(yard, yard.root, marks);
  return outcomes;
}

/** Every name leads to what it led to, and every directory to the one above. */
async function visit(yard: Yard, directory: FileRef, marks: ReadonlyMap<number, string>): Promise<void> {
  const page = { caller: ROOT, directory, after: 2, limit: 1000, attributes: true };
  for (const { name, type, attributes } of (await yard.files.readdir(page)).entries) {
    expect(attributes).toEqual(await yard.find(directory, `${name}`, type === 'directory'));
    if (!attributes) throw new Error('attributes were asked for');
    if (type === 'directory') {
      expect(await yard.find(ref(attributes), '..')).toMatchObject({ inode: directory.inode });
      await visit(yard, ref(attributes), marks);
      continue;
    }
    const bytes = `${await yard.read(ref(attributes))}`;
    if (bytes !== 'by S3') expect(bytes).toBe(marks.get(attributes.inode));
  }
}

describe.each(ENGINES)('names that come, go and move on the %s engine', (kind) => {
  it('leave a whole tree, with every count and place right', async () => {
    const met = new Set<FsErrorCode | 'done'>();
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (seed) => {
        const yard = await Yard.open(kind, seed);
        try {
          for (const outcome of await churn(yard, randomFrom(seed), 80)) met.add(outcome);
        } finally {
          await yard.close();
        }
      }),
      { numRuns: kind === 'memory' ? 30 : 10 },
    );
    expect([...met]).toEqual(
      expect.arrayContaining(['done', 'NotEmpty', 'Invalid', 'IsDirectory', 'NotDirectory']),
    );
  });
});
