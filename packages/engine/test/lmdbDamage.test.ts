import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32c } from '@facet/journal';
import { open as openLmdb } from 'lmdb';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Bytes, checkPages, type DamagedPage, openLmdbEngine } from '../src/index.ts';
import { bytes, everything, get, randomFrom, readRange, write } from './shorthand.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'facet-damage-'));
});
afterEach(() => rm(folder, { recursive: true }));

const PAGE_BYTES = 4096;
const FLIPS = 300;
const SEED = Number(process.env['FACET_DAMAGE_SEED'] ?? 20_261_129);

async function damagedPages(path: string): Promise<readonly DamagedPage[]> {
  const damaged: DamagedPage[] = [];
  await checkPages(path, (one) => damaged.push(one));
  return damaged;
}

/** Records of all sizes that there are: of nothing, of some bytes, of pages of their own. */
function someRecords(random: () => number): ReadonlyMap<string, Buffer> {
  const records = new Map<string, Buffer>();
  for (let at = 0; at < 300; at++) {
    const key = `${'abc'[at % 3]}/${'k'.repeat(Math.floor(random() * 40))}/${at}`;
    const length = at % 50 === 0 ? 9000 : at % 7 === 0 ? 0 : Math.floor(random() * 400);
    records.set(key, Buffer.alloc(length, `value ${at} `));
  }
  return records;
}

async function storeOf(records: ReadonlyMap<string, Buffer>): Promise<string> {
  const path = join(folder, 'sound');
  const engine = await openLmdbEngine({ path });
  const entries = [...records].map(([key, value]) => [bytes(key), value] as const);
  for (let at = 0; at < entries.length; at += 40) await write(engine, entries.slice(at, at + 40));
  await engine.close();
  return path;
}

/** What a reader meets in a store: how many records were as written, damaged, and not found. */
async function readAll(path: string, records: ReadonlyMap<string, Buffer>) {
  const engine = await openLmdbEngine({ path });
  const seen = { right: 0, damaged: 0, missing: 0 };
  for (const [key, value] of records) {
    const found = await get(engine, bytes(key)).catch((error: unknown) => {
      expect(error).toMatchObject({ name: 'EngineError', code: 'Damaged' });
      return 'damaged' as const;
    });
    if (found === 'damaged') seen.damaged += 1;
    else if (found === undefined) seen.missing += 1;
    else {
      expect(Buffer.compare(found, value)).toBe(0);
      seen.right += 1;
    }
  }
  const told: Bytes[] = [];
  const walked = await readRange(engine, { ...everything, onDamaged: (key) => told.push(key) });
  for (const { key, value } of walked)
    expect(records.get(Buffer.from(key).toString())?.equals(value)).toBe(true);
  const plain = readRange(engine, everything);
  if (told.length > 0) await expect(plain).rejects.toMatchObject({ code: 'Damaged' });
  else expect(await plain).toHaveLength(walked.length);
  // What is said of free pages is looked at by nobody before they are used.
  const failed = await write(engine, [[bytes('z'), bytes('written all the same')]])
    .then(async () => {
      expect(await get(engine, bytes('z'))).toEqual(bytes('written all the same'));
      return 0;
    })
    .catch((error: unknown) => {
      expect(error).toMatchObject({ code: expect.stringMatching(/^(Failed|Damaged)$/) });
      return 1;
    });
  await engine.close();
  return { ...seen, walked: walked.length, told: told.length, failed };
}

it('keeps with each value the CRC-32C of key and value', async () => {
  const path = join(folder, 'golden');
  const engine = await openLmdbEngine({ path });
  // RFC 3720 appendix B.4 has the sum of 32 bytes of zeros.
  const zeros = Buffer.alloc(32);
  const long = Buffer.alloc(1000, 'long');
  await write(engine, [
    [zeros.subarray(0, 20), zeros.subarray(20)],
    [bytes('long'), long],
  ]);
  await engine.close();
  const raw = openLmdb<Buffer, Buffer>({ path, encoding: 'binary', keyEncoding: 'binary', noSubdir: false });
  expect(raw.get(zeros.subarray(0, 20))?.toString('hex')).toBe(`${'00'.repeat(12)}8a9136aa`);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32c(Buffer.concat([bytes('long'), long])));
  expect(raw.get(Buffer.from('long'))).toEqual(Buffer.concat([long, sum]));
  await raw.close();
});

it('finds no fault in pages that are as they were written', async () => {
  const random = randomFrom(SEED);
  const records = someRecords(random);
  const path = await storeOf(records);
  expect(await damagedPages(path)).toEqual([]);
  expect(await readAll(path, records)).toMatchObject({ right: 300, walked: 300, told: 0 });
  expect(await damagedPages(path)).toEqual([]);
});

it('finds no fault in what is noted of free pages, however many transactions that is of', async () => {
  const path = join(folder, 'free');
  const database = openLmdb<Buffer, Buffer>({
    path,
    encoding: 'binary',
    keyEncoding: 'binary',
    noSubdir: false,
  });
  const write = async (count: number): Promise<void> => {
    for (let at = 0; at < count; at++)
      await database.put(Buffer.from(`k${at % 50}`), Buffer.alloc(1500, `${at}`));
  };
  await write(200);
  // What it sees is let go of by one transaction after the other, and not used again.
  const reader = database.useReadTransaction();
  // Past 256: numbers are not in the order of their bytes.
  await write(100);
  expect(await damagedPages(path)).toEqual([]);
  reader.done();
  await database.close();
});

describe('a bit that flipped', () => {
  it(`anywhere in the file is never read as anything, and is told of (seed ${SEED})`, async () => {
    const random = randomFrom(SEED);
    const records = someRecords(random);
    const sound = await storeOf(records);
    const file = await readFile(join(sound, 'data.mdb'));
    const seen = { inPages: 0, damaged: 0, missing: 0, nowhere: 0, failed: 0 };
    for (let flip = 0; flip < FLIPS; flip++) {
      const at = 2 * PAGE_BYTES + Math.floor(random() * (file.length - 2 * PAGE_BYTES));
      const flipped = Buffer.from(file);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << Math.floor(random() * 8));
      // A place of its own: a store that failed is never closed.
      const path = join(folder, `flipped-${flip}`);
      await mkdir(path);
      await writeFile(join(path, 'data.mdb'), flipped);
      if ((await damagedPages(path)).length > 0) {
        // LMDB might not survive it.
        seen.inPages += 1;
        continue;
      }
      const { right, damaged, missing, told, walked, failed } = await readAll(path, records);
      await rm(path, { recursive: true });
      seen.failed += failed;
      expect(right + damaged + missing, `byte ${at}`).toBe(records.size);
      // Whatever is not as it was is told by a walk.
      expect(told > 0, `byte ${at}`).toBe(right < records.size);
      expect(walked + told, `byte ${at}`).toBe(records.size);
      if (damaged > 0) seen.damaged += 1;
      else if (missing > 0) seen.missing += 1;
      else seen.nowhere += 1;
    }
    expect(seen.inPages).toBeGreaterThan(5);
    expect(seen.damaged).toBeGreaterThan(40);
    expect(seen.missing + seen.nowhere).toBeGreaterThan(0);
    expect(seen.failed).toBeLessThan(FLIPS / 50);
  }, 180_000);

  it('fails the operation that meets it, and no other', async () => {
    const path = join(folder, 'one');
    const engine = await openLmdbEngine({ path });
    await write(engine, [
      [bytes('a'), bytes('sound')],
      [bytes('b'), bytes('damaged')],
    ]);
    await engine.close();
    const name = join(path, 'data.mdb');
    const file = await readFile(name);
    for (let at = file.indexOf('damaged'); at >= 0; at = file.indexOf('damaged', at + 1)) file[at] = 0x44;
    await writeFile(name, file);
    const again = await openLmdbEngine({ path });
    await expect(get(again, bytes('b'))).rejects.toMatchObject({
      code: 'Damaged',
      key: bytes('b'),
      message: expect.stringContaining('62'),
    });
    const both = [
      again.write(function* (tx) {
        tx.put(bytes('c'), bytes('never'));
        return yield* tx.get(bytes('b'));
      }),
      write(again, [[bytes('d'), bytes('written')]]),
    ];
    const [first, second] = await Promise.allSettled(both);
    expect(first).toMatchObject({ status: 'rejected', reason: { code: 'Damaged' } });
    expect(second).toMatchObject({ status: 'fulfilled' });
    expect(await get(again, bytes('a'))).toEqual(bytes('sound'));
    expect(await get(again, bytes('c'))).toBeUndefined();
    // What is written anew is sound.
    await write(again, [[bytes('b'), bytes('new')]]);
    expect(await get(again, bytes('b'))).toEqual(bytes('new'));
    await again.close();
  });
});

it('says in words what is wrong with one page, and with several that a value is in', async () => {
  const path = await storeOf(new Map([['a', Buffer.alloc(9_000)]]));
  const name = join(path, 'data.mdb');
  const file = await readFile(name);
  // The pages of the value are not there any more.
  const pages = file.length / PAGE_BYTES;
  const at = Array.from({ length: pages }, (_, page) => page * PAGE_BYTES);
  const run = at.filter((page) => file.readUInt16LE(page + 18) === 4).map((page) => page / PAGE_BYTES);
  for (const leaf of at.filter((page) => page > PAGE_BYTES && file.readUInt16LE(page + 18) === 2)) {
    const node = leaf + 24 + file.readUInt16LE(leaf + 24);
    const value = node + 8 + file.readUInt16LE(node + 6);
    if (file.readUInt16LE(node + 4) === 1 && run.includes(file.readUInt32LE(value)))
      file.writeUInt32LE(pages, value);
  }
  await writeFile(name, file);
  const reason = `pages ${pages} to ${pages + 2} can not be in the tree, which has pages 2 to ${pages - 1}`;
  const damaged = await damagedPages(path);
  expect(damaged.map((one) => one.reason)).toEqual([reason]);
  await expect(openLmdbEngine({ path, pageCheckMsMax: Number.POSITIVE_INFINITY })).rejects.toThrow(
    `one of the pages of ${name} is damaged, so that nothing in it is certain: page `,
  );
});

/** Where the number is, in the newest state, that the list of free pages begins with, and of the trees their roots. */
function freeListOf(file: Buffer) {
  const transactionOf = (page: number): bigint => file.readBigUInt64LE(page * PAGE_BYTES + 24 + 128);
  const meta = PAGE_BYTES * Number(transactionOf(1) > transactionOf(0));
  const [freeRoot, root] = [file.readUInt32LE(meta + 88), file.readUInt32LE(meta + 136)];
  const leaf = freeRoot * PAGE_BYTES;
  const node = leaf + 24 + file.readUInt16LE(leaf + 24);
  expect(file.readUInt16LE(node + 4), 'the list is in the page itself').toBe(0);
  const record = node + 8 + 8;
  const count = file.readUInt32LE(record);
  return { record, count, numbers: record + 8, root };
}

it.each([
  ['in use', (root: number) => BigInt(root), 'it is in use, and listed as free'],
  ['not there', () => 1n << 40n, 'can not be free'],
  ['no page', () => -(1n << 40n), 'can not be free'],
] as const)('finds that a page is listed as free that is %s', async (_, wrong, reason) => {
  const path = await storeOf(someRecords(randomFrom(SEED)));
  const name = join(path, 'data.mdb');
  const file = await readFile(name);
  const list = freeListOf(file);
  file.fill(0, list.numbers, list.numbers + 8 * list.count);
  file.writeBigInt64LE(wrong(list.root), list.numbers);
  await writeFile(name, file);
  expect((await damagedPages(path)).map((one) => one.reason)).toEqual([expect.stringContaining(reason)]);
});

it('takes no memory for pages that only a damaged header names', async () => {
  const path = await storeOf(someRecords(randomFrom(SEED)));
  const name = join(path, 'data.mdb');
  const file = await readFile(name);
  for (const meta of [0, PAGE_BYTES]) file.writeBigUInt64LE(1n << 50n, meta + 24 + 120);
  await writeFile(name, file);
  expect(await damagedPages(path)).toEqual([]);
});

it('finds that a list of free pages is none', async () => {
  const path = await storeOf(someRecords(randomFrom(SEED)));
  const name = join(path, 'data.mdb');
  const file = await readFile(name);
  file.writeUInt32LE(70_000, freeListOf(file).record);
  await writeFile(name, file);
  expect((await damagedPages(path)).map((one) => one.reason)).toEqual([
    expect.stringContaining('no list of free pages: it says it has 70000 numbers'),
  ]);
});

it('refuses a store whose records have no checksums, and leaves it as it is', async () => {
  const path = join(folder, 'old');
  await mkdir(path);
  const old = openLmdb<Buffer, Buffer>({ path, encoding: 'binary', keyEncoding: 'binary', noSubdir: false });
  await old.put(bytes('a') as Buffer, Buffer.from('of a time without checksums'));
  await old.close();
  const before = join(folder, 'before.mdb');
  await copyFile(join(path, 'data.mdb'), before);
  await expect(openLmdbEngine({ path })).rejects.toMatchObject({
    code: 'Failed',
    message: expect.stringContaining('older version'),
  });
  expect(await readFile(join(path, 'data.mdb'))).toEqual(await readFile(before));
});

it('finds that a record reaches into the one beside it, over which to remove it would move others', async () => {
  const path = await storeOf(someRecords(randomFrom(SEED)));
  const file = await readFile(join(path, 'data.mdb'));
  for (let page = 2; page < file.length / PAGE_BYTES; page++) {
    const bytes = file.subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES);
    if (bytes.readUInt16LE(18) !== 0x02) continue;
    // The one that lies first, since behind the last there is no other.
    const first = 24 + bytes.readUInt16LE(22);
    bytes.writeUInt32LE(bytes.readUInt32LE(first) + 2, first);
  }
  await writeFile(join(path, 'data.mdb'), file);
  const damaged = await damagedPages(path);
  expect(damaged.length).toBeGreaterThan(0);
  expect(damaged.some(({ reason }) => /^its node at \d+ reaches into the one at \d+$/.test(reason))).toBe(
    true,
  );
});

it.each([
  ['leaf', 0x02],
  ['run', 0x04],
])(
  'finds that a %s says it is of a transaction to come, which would write to it in its place',
  async (_what, flag) => {
    const path = await storeOf(someRecords(randomFrom(SEED)));
    const file = await readFile(join(path, 'data.mdb'));
    for (let page = 2; page < file.length / PAGE_BYTES; page++) {
      const header = file.subarray(page * PAGE_BYTES, page * PAGE_BYTES + 24);
      const isPage = header.readBigUInt64LE(0) === BigInt(page);
      if (isPage && (header.readUInt16LE(18) & flag) !== 0) header.writeBigUInt64LE(1_000_000n, 8);
    }
    await writeFile(join(path, 'data.mdb'), file);
    const damaged = await damagedPages(path);
    expect(damaged.length).toBeGreaterThan(0);
    for (const { reason } of damaged)
      expect(reason).toMatch(/it says it is of transaction 1000000, the newest is \d+$/);
  },
);
