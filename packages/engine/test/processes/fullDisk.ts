import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Bytes, EngineError, openLmdbEngine } from '../../src/index.ts';
import { openJournaled } from '../journalRig.ts';

/**
 * Works on a small disk, given by its mount point, that fills and empties; compares with a model all along.
 * Ends with 0 and one line of JSON when all was as it should.
 */
const [disk = '', journal] = process.argv.slice(2);
const path = join(disk, 'data');
const ballast = join(disk, 'ballast');
const fatal: string[] = [];
const onFatal = (error: EngineError) => fatal.push(error.message);
const open = () =>
  journal === undefined
    ? openLmdbEngine({ path, onFatal })
    : openJournaled({ path, onFatal, growthBytesMax: 200_000 });

let engine = await open();
const model = new Map<string, Bytes>();
const counts = { kept: 0, refused: 0 };

for (let round = 0; round < 8; round++) {
  if (round % 4 === 0) rmSync(ballast, { force: true });
  if (round % 4 === 2) fillDisk();
  for (let step = 0; step < 40; step++) {
    await Promise.all(Array.from({ length: 8 }, (_, at) => change(round, step * 8 + at)));
  }
  await compare();
  await engine.close();
  engine = await open();
  await compare();
}
await engine.close();
if (fatal.length > 0) throw new Error(`taken for a failed device: ${fatal}`);
process.stdout.write(`${JSON.stringify(counts)}\n`);

function fillDisk(): void {
  const { bavail, bsize } = statfsSync(disk);
  writeFileSync(ballast, Buffer.alloc(Math.max(0, (bavail - 20) * bsize)));
}

/** Each operation has keys of its own within a step, so that the order of a step's operations does not matter. */
async function change(round: number, at: number): Promise<void> {
  const key = Buffer.from(`key ${(at * 7 + round) % 640}`);
  const value = Buffer.alloc(((at * 131 + round * 17) % 40) * 150 + 20, at % 256);
  const removes = round % 2 === 1 && at % 3 !== 0;
  try {
    await engine.write(function* (tx) {
      if (removes) tx.delete(key);
      else tx.put(key, value);
      return yield* tx.get(key);
    });
    counts.kept++;
    if (removes) model.delete(key.toString());
    else model.set(key.toString(), value);
  } catch (error) {
    if (!(error instanceof EngineError && error.code === 'Full')) throw error;
    counts.refused++;
    // Reads go on.
    await engine.read((tx) => tx.get(key));
  }
}

async function compare(): Promise<void> {
  const range = { start: Buffer.from('key'), end: Buffer.from('kez'), limit: 10_000 };
  const entries = await engine.read((tx) => tx.range(range));
  const found = entries.map(({ key, value }) => `${key} ${Buffer.from(value).toString('hex')}`);
  const expected = [...model].map(([key, value]) => `${key} ${Buffer.from(value).toString('hex')}`);
  if (found.join() !== expected.sort().join())
    throw new Error(`${found.length} entries differ from ${model.size}`);
}
