import { existsSync } from 'node:fs';
import { cp, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Journal } from '@facet/journal';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CompactedFile, type CompactFileOptions, compactFile, type Engine } from '../src/index.ts';
import { folderDisk, openJournaled } from './journalRig.ts';
import { bytes, everything, readRange, write } from './shorthand.ts';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'facet-compact-'));
  path = join(folder, 'store');
});
afterEach(() => rm(folder, { recursive: true }));

const KEYS = 20_000;
const size = async (): Promise<number> => (await stat(join(path, 'data.mdb'))).size;
const contents = (engine: Engine) => readRange(engine, { ...everything, limit: 1_000_000 });

type Keep = Parameters<Journal['suspend']>[0];

/** @param how what is done instead of suspending the journal */
async function compact(
  options: Pick<CompactFileOptions, 'onProgress'> = {},
  how: (journal: Journal, keep: Keep) => Promise<void> = (journal, keep) => journal.suspend(keep),
): Promise<CompactedFile> {
  const journal = await Journal.open({ disk: folderDisk(path) });
  try {
    return await compactFile({ path, journal: { suspend: (keep) => how(journal, keep) }, ...options });
  } finally {
    await journal.close();
  }
}

/** Values of all lengths, most of them removed again. @returns what is left, of a store that is closed */
async function filled(): Promise<Awaited<ReturnType<typeof contents>>> {
  const engine = await openJournaled({ path });
  const key = (i: number) => bytes(`${(i * 7919) % KEYS} ${'long '.repeat(i % 40)}`);
  // Of the least keys LMDB's JavaScript has ideas of its own.
  await write(
    engine,
    Array.from({ length: 10 }, (_, byte) => [Buffer.of(byte), bytes('low')] as const),
  );
  const numbers = Array.from({ length: KEYS }, (_, i) => i);
  for (let from = 0; from < KEYS; from += 1000) {
    const batch = numbers.slice(from, from + 1000);
    await write(
      engine,
      batch.map((i) => [key(i), Buffer.alloc(i % 100 === 0 ? 9000 : i % 400, i)] as const),
    );
  }
  await engine.write(function* (tx) {
    for (const i of numbers) if (i % 10 !== 0) tx.delete(key(i));
    return yield* tx.getMany([]);
  });
  const left = await contents(engine);
  await engine.close();
  return left;
}

describe('a file of LMDB that is written anew', () => {
  it('holds what it held, is as short as can be, and goes on', async () => {
    const left = await filled();
    const before = await size();
    const shown: number[] = [];
    const compacted = await compact({ onProgress: ({ bytes: done }) => shown.push(done) });
    expect(compacted).toEqual({ entries: left.length, bytesBefore: before, bytesAfter: await size() });
    // With a seal of 4 bytes each.
    const data = left.reduce((sum, { key, value }) => sum + key.length + value.length + 4, 0);
    expect(shown.at(-1)).toBe(data);
    expect(compacted.bytesAfter).toBeLessThan(1.35 * data);
    expect(before).toBeGreaterThan(4 * compacted.bytesAfter);
    expect(await readdir(path)).not.toContain('compact.new');

    let engine = await openJournaled({ path });
    expect(await contents(engine)).toEqual(left);
    // As it is after a kill before the first change, and after one.
    for (const life of ['idle', 'changed']) {
      const killed = join(folder, life);
      await cp(path, killed, { recursive: true });
      const after = await openJournaled({ path: killed });
      expect(await contents(after)).toEqual(await contents(engine));
      await after.close();
      await write(engine, [[bytes('one more'), bytes(life)]]);
    }
    await engine.close();
    engine = await openJournaled({ path });
    expect(await contents(engine)).toHaveLength(left.length + 1);
    await engine.close();
  });

  it('of nothing is a store of nothing', async () => {
    await (await openJournaled({ path })).close();
    expect(await compact()).toMatchObject({ entries: 0 });
    const engine = await openJournaled({ path });
    expect(await contents(engine)).toEqual([]);
    await engine.close();
  });

  it.each(['before', 'after'])('is whole when it is cut off %s the journal is suspended', async (when) => {
    const left = await filled();
    const before = await size();
    const cut = async (journal: Journal, keep: Keep): Promise<void> => {
      if (when === 'after') await journal.suspend(keep);
      // What a kill would leave.
      await cp(path, join(folder, 'killed'), { recursive: true });
      throw new Error('cut off');
    };
    await expect(compact({}, cut)).rejects.toThrow('cut off');
    path = join(folder, 'killed');
    expect(existsSync(join(path, 'compact.new'))).toBe(true);
    expect(await size()).toBe(before);
    const engine = await openJournaled({ path });
    expect(await contents(engine)).toEqual(left);
    await engine.close();
    // What was left is no use, and in nobody's way.
    expect((await compact()).entries).toBe(left.length);
    expect(existsSync(join(path, 'compact.new'))).toBe(false);
  });

  it('goes with the journal of its store, and with no other, before that has begun again', async () => {
    const left = await filled();
    const copy = join(folder, 'copy');
    await cp(path, copy, { recursive: true });
    const opened = await openJournaled({ path: copy });
    await opened.close();
    await compact();
    const own = join(folder, 'own');
    await cp(path, own, { recursive: true });
    for (const name of ['0.journal', '1.journal']) await cp(join(copy, name), join(path, name));
    await expect(openJournaled({ path })).rejects.toMatchObject({ code: 'Damaged' });
    // One that is suspended, too.
    path = copy;
    await compact();
    for (const name of ['0.journal', '1.journal']) await cp(join(own, name), join(path, name));
    await expect(openJournaled({ path })).rejects.toThrow('are not its own');
    const engine = await openJournaled({ path: own });
    expect(await contents(engine)).toEqual(left);
    await engine.close();
  });

  it('is not made of a store that was killed, before that is opened again', async () => {
    const engine = await openJournaled({ path });
    await write(engine, [[bytes('key'), bytes('value')]]);
    await cp(path, join(folder, 'killed'), { recursive: true });
    await engine.close();
    path = join(folder, 'killed');
    await expect(compact()).rejects.toThrow('is to be replayed first');
    const again = await openJournaled({ path });
    expect(await contents(again)).toHaveLength(1);
    await again.close();
  });
});
