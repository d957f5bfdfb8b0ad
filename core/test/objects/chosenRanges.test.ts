import type { Op, ReadTx } from '@facet/engine';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ByteRange } from '../../src/index.ts';
import { below, bytesFrom, randomFrom } from '../random.ts';
import { ENGINES, openRig, type Rig } from '../rig.ts';

const ROOT = { uid: 0, gid: 0, groups: [] };
const BLOCK_BYTES = 4096;
const BLOCKS = 300;
const SIZE_BYTES = 2 * BLOCKS * BLOCK_BYTES;

let rig: Rig;
/** Entries that readers got of the store. */
let entriesRead = 0;
let expected: Buffer;

/** A file whose every other block is a hole. */
async function writeFile(key: string): Promise<void> {
  const { files } = rig.core;
  const parent = await files.root({ volume: rig.volume });
  const how = { kind: 'guarded', attributes: { mode: 0o644 } } as const;
  const { file } = await files.create({ caller: ROOT, parent, name: Buffer.from(key), how });
  const random = randomFrom(1);
  expected = Buffer.alloc(SIZE_BYTES);
  for (let offset = BLOCK_BYTES; offset < SIZE_BYTES; offset += 2 * BLOCK_BYTES) {
    const block = bytesFrom(random, BLOCK_BYTES);
    await files.write({ caller: ROOT, file, offset, data: [block] });
    expected.set(block, offset);
  }
}

function countReads(): void {
  const { engine } = rig;
  const read = engine.read.bind(engine);
  const counted = (tx: ReadTx): ReadTx => ({
    get: (key) => tx.get(key),
    getMany: (keys) => tx.getMany(keys),
    *range(range) {
      const page = yield* tx.range(range);
      entriesRead += page.length;
      return page;
    },
  });
  vi.spyOn(engine, 'read').mockImplementation(<T>(op: (tx: ReadTx) => Op<T>) =>
    read((tx) => op(counted(tx))),
  );
}

async function readChosen(key: string, range: ByteRange): Promise<Buffer> {
  const at = { volume: rig.volume, key: Buffer.from(key) };
  const object = await rig.core.objects.open({ ...at, choose: () => range });
  try {
    const chunks: Buffer[] = [];
    for await (const chunk of object.read(range)) chunks.push(Buffer.from(chunk));
    return Buffer.concat(chunks);
  } finally {
    object.close();
  }
}

describe.each(ENGINES)('what is chosen of an object on the %s engine', (engine) => {
  beforeEach(async () => {
    rig = await openRig(engine);
    await writeFile('file');
    const at = (key: string) => ({ volume: rig.volume, key: Buffer.from(key) });
    await rig.core.objects.copy({ source: at('file'), target: at('copy') });
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await rig.close();
  });

  it.each(['file', 'copy'])('is read, wherever it lies in a %s', async (key) => {
    const random = randomFrom(2);
    for (let i = 0; i < 60; i += 1) {
      const start = below(random, SIZE_BYTES);
      const end = Math.min(SIZE_BYTES - 1, start + below(random, 5 * BLOCK_BYTES));
      const read = await readChosen(key, { start, end });
      expect(read.equals(expected.subarray(start, end + 1)), `${start}-${end}`).toBe(true);
    }
  });

  it.each(['file', 'copy'])('is all that is looked for of a %s', async (key) => {
    countReads();
    const start = SIZE_BYTES - 20 * BLOCK_BYTES;
    entriesRead = 0;
    await readChosen(key, { start, end: start + 4 * BLOCK_BYTES });
    const few = entriesRead;
    entriesRead = 0;
    await readChosen(key, { start: 0, end: SIZE_BYTES - 1 });
    expect(few).toBeLessThan(20);
    expect(entriesRead).toBeGreaterThanOrEqual(BLOCKS);
  });

  it('must lie within the object, and may be nothing', async () => {
    const range = { start: 0, end: SIZE_BYTES };
    await expect(readChosen('file', range)).rejects.toMatchObject({ code: 'InvalidRange' });
    const at = { volume: rig.volume, key: Buffer.from('file') };
    const object = await rig.core.objects.open({ ...at, choose: () => 'nothing' });
    expect(object.info.sizeBytes).toBe(SIZE_BYTES);
    expect(await object.read().next()).toMatchObject({ done: true });
    object.close();
  });

  it('may be refused by who chooses, who then has nothing open', async () => {
    const refusal = new Error('not this one');
    const choose = () => {
      throw refusal;
    };
    const at = { volume: rig.volume, key: Buffer.from('file') };
    await expect(rig.core.objects.open({ ...at, choose })).rejects.toBe(refusal);
  });
});
