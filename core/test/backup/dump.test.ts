import { MemoryEngine, type OwnWrite, WatchedEngine } from '@facet/engine';
import { describe, expect, it } from 'vitest';
import { ChangeWriter, changesIn } from '../../src/backup/changes.ts';
import { CheckedWriter, readBlocks } from '../../src/backup/checkedFile.ts';
import { dumpMetadata } from '../../src/backup/dump.ts';
import { CommandRunner } from '../../src/commands/command.ts';
import { systemEnvironment } from '../../src/environment.ts';
import { backupKey } from '../../src/meta/keys.ts';
import { Pace } from '../../src/scrub/pace.ts';
import { damageRecord } from '../fsck/vandal.ts';
import { placeForBackups } from './yard.ts';

const KEYS = 1200;
const keyOf = (at: number): Buffer => Buffer.from(`key${String(at).padStart(5, '0')}`);
const mark = { repository: Buffer.alloc(16, 1), newest: undefined, backup: Buffer.alloc(16, 2) };

/** Copies while `meanwhile` runs each time that a page was looked at and is not here yet. */
async function dumpWhile(
  meanwhile: (engine: WatchedEngine, page: number) => Promise<unknown>,
  damaged: Buffer = Buffer.from('none'),
) {
  let page = 0;
  let isDumping = false;
  const memory: MemoryEngine = new MemoryEngine({
    onYield: async ({ kind }) => {
      if (!isDumping || kind !== 'range') return;
      page += 1;
      await meanwhile(engine, page);
    },
  });
  const engine = new WatchedEngine(memory);
  await engine.write(function* (tx) {
    for (let at = 0; at < KEYS; at += 1) tx.put(keyOf(at), Buffer.from('old'));
    return yield* tx.get(keyOf(0));
  });
  const disk = placeForBackups().mount();
  const identity = { kind: 'metadata', repository: mark.repository, backup: mark.backup } as const;
  const file = await CheckedWriter.create(disk, 'metadata', identity);
  const noted: OwnWrite[] = [];
  isDumping = true;
  const heal = damageRecord(memory, damaged);
  const lost = await dumpMetadata({
    engine,
    commands: new CommandRunner(engine, systemEnvironment()),
    writer: new ChangeWriter(file),
    note: (change) => noted.push(change),
    mark,
    pace: new Pace({ bytesPerSecond: Number.POSITIVE_INFINITY }),
    onBytes: () => undefined,
  });
  isDumping = false;
  heal();
  await file.finish();
  await file.close();
  const copy = new Map<string, string>();
  let count = 0;
  for await (const block of readBlocks(disk, 'metadata', identity)) {
    for (const { key, value } of changesIn(block)) {
      count += 1;
      if (value === undefined) copy.delete(Buffer.from(key).toString('hex'));
      else copy.set(Buffer.from(key).toString('hex'), Buffer.from(value).toString('hex'));
    }
  }
  expect(noted).toHaveLength(count);
  const all = await memory.read((tx) =>
    tx.range({ start: Buffer.of(0), end: Buffer.of(0xff), limit: 10_000 }),
  );
  const state = new Map(
    all.map(({ key, value }) => [Buffer.from(key).toString('hex'), Buffer.from(value).toString('hex')]),
  );
  return { copy, state, pages: page, lost: lost.count };
}

async function change(engine: WatchedEngine, at: number, value: string | undefined): Promise<unknown> {
  return engine.write(function* (tx) {
    if (value === undefined) tx.delete(keyOf(at));
    else tx.put(keyOf(at), Buffer.from(value));
    return yield* tx.get(keyOf(at));
  });
}

describe('what is committed after a page was looked at and told before it is here', () => {
  it.each(['new', undefined])('counts, as %s, wherever the walk is', async (value) => {
    const { copy, state, pages } = await dumpWhile(async (engine, page) => {
      // Of the page itself, of one before, of the last one, and a key that was not there.
      for (const at of [(page - 1) * 500 + 7, 3, KEYS - 1, KEYS + page]) await change(engine, at, value);
    });
    expect(pages).toBe(3);
    expect(copy).toEqual(state);
    expect(copy.has(backupKey(mark.repository).toString('hex'))).toBe(true);
  });

  it.each([1, 3])('is no damage where it is of a record that was damaged (page %i)', async (when) => {
    const { copy, state, lost } = await dumpWhile(async (engine, page) => {
      if (page === when) await change(engine, 7, 'new');
    }, keyOf(7));
    expect(lost).toBe(0);
    expect(copy).toEqual(state);
  });

  it('fails the copy, and nobody else, where more comes than can be written', async () => {
    const value = 'x'.repeat(1 << 20);
    let written = 0;
    const copying = dumpWhile(async (engine, page) => {
      for (let at = 0; page === 1 && at < 70; at += 1) {
        await change(engine, at, value);
        written += 1;
      }
    });
    await expect(copying).rejects.toMatchObject({ code: 'Failed' });
    expect(written).toBe(70);
  });
});
