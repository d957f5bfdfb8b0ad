import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Engine, EngineError } from '../../src/index.ts';
import { openJournaled } from '../journalRig.ts';
import { everything, readRange } from '../shorthand.ts';

/**
 * One life of a store on a small disk that others fill to the last block. What was acknowledged lies in a file
 * elsewhere: it is compared first, and after some changes written again, by a process that then kills itself.
 *
 *   takenDisk.ts DISK MODEL COUNT [taken]
 *
 * The first life begins with many entries. COUNT changes are made, each a batch of its own; on a disk that is taken
 * before, or only afterwards. With a count of 0 the store is closed, and one line of JSON says how many entries there
 * are.
 */
const [disk = '', modelFile = '', count = '0', taken] = process.argv.slice(2);
const filler = join(disk, 'filler');
const PLACES = 1500;
const NEIGHBOURS = 8;
const LARGE_PLACES = 150;
const LIMIT = 2 * PLACES * NEIGHBOURS;

/** To the last block. */
function takeTheRest(): void {
  for (let blockBytes = 1 << 20; blockBytes >= 4096; ) {
    try {
      appendFileSync(filler, Buffer.alloc(blockBytes));
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
      blockBytes /= 2;
    }
  }
}

interface Model {
  step: number;
  readonly entries: Record<string, string>;
}

function readModel(): Model {
  if (!existsSync(modelFile)) return { step: 0, entries: {} };
  return JSON.parse(readFileSync(modelFile, 'utf8'));
}

async function compare(engine: Engine, { entries }: Model): Promise<void> {
  const found = await readRange(engine, { ...everything, limit: LIMIT });
  const text = found.map(({ key, value }) => `${key} ${value.length} ${value[0]}`);
  const expected = Object.entries(entries).map(([key, value]) => `${key} ${value}`);
  if (text.join() !== expected.sort().join())
    throw new Error(`${found.length} entries differ from ${expected.length} acknowledged`);
}

/** Neighbours at once, as what belongs together is stored: they share the pages that a commit copies. */
async function change(engine: Engine, model: Model): Promise<void> {
  const step = model.step++;
  // In order at first, which leaves hardly a free page; then anywhere.
  const place = step < PLACES ? step : (step * 7919) % PLACES;
  const keys = Array.from({ length: NEIGHBOURS }, (_, at) => `key ${10_000 + place * NEIGHBOURS + at}`);
  const value = Buffer.alloc(20 + ((step * 131) % 500), step % 256);
  // Of several pages, which have to lie side by side, in a file whose free ones are scattered.
  const large = step % 10 === 1 || step >= PLACES ? `large ${100 + ((step * 13) % LARGE_PLACES)}` : undefined;
  const largeValue = Buffer.alloc(5_000 + ((step * 97) % 11_000), step % 256);
  const deletes = step >= PLACES && step % 3 === 0;
  try {
    await engine.write(function* (tx) {
      for (const key of keys) {
        if (deletes) tx.delete(Buffer.from(key));
        else tx.put(Buffer.from(key), value);
      }
      if (large) tx.put(Buffer.from(large), largeValue);
      return yield* tx.get(Buffer.from('key'));
    });
    for (const key of keys) {
      if (deletes) delete model.entries[key];
      else model.entries[key] = `${value.length} ${value[0]}`;
    }
    if (large) model.entries[large] = `${largeValue.length} ${largeValue[0]}`;
  } catch (error) {
    if (!(error instanceof EngineError && error.code === 'Full')) throw error;
  }
}

rmSync(filler, { force: taken === undefined });
const engine = await openJournaled({ path: join(disk, 'data'), growthBytesMax: 1 << 20 });
const model = readModel();
await compare(engine, model);
if (taken !== undefined) takeTheRest();
if (model.step === 0) await Promise.all(Array.from({ length: PLACES }, () => change(engine, model)));
for (let left = Number(count); left > 0; left -= 1) await change(engine, model);
if (count === '0') {
  await engine.close();
  process.stdout.write(JSON.stringify({ entries: Object.keys(model.entries).length }));
} else {
  takeTheRest();
  writeFileSync(modelFile, JSON.stringify(model));
  process.kill(process.pid, 'SIGKILL');
}
