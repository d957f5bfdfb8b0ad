import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { crc32c, Journal } from '@facet/journal';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Bytes, type Engine, type EngineError, openLmdbEngine } from '../src/index.ts';
import { openDatabase } from '../src/lmdb/database.ts';
import { DataFile } from '../src/lmdb/dataFile.ts';
import { LmdbEngine } from '../src/lmdb/engine.ts';
import { environmentOf } from '../src/lmdb/environment.ts';
import { readNewestHeader } from '../src/lmdb/header.ts';
import { JournaledCommit } from '../src/lmdb/journaledCommit.ts';
import { LmdbStore } from '../src/lmdb/store.ts';
import { folderDisk, openJournaled } from './journalRig.ts';
import { bytes, everything, get, readRange, write } from './shorthand.ts';

const script = fileURLToPath(new URL('processes/killedWriter.ts', import.meta.url));

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'facet-journal-'));
});
afterEach(() => rm(folder, { recursive: true }));

const FILES = ['data.mdb', '0.journal', '1.journal'] as const;
const [DATA, ...JOURNALS] = FILES;
const SECTOR_BYTES = 512;
const KEYS = 400;

/** Chance from a seed. */
function chance(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/**
 * A store whose power can be cut: what LMDB wrote since the last checkpoint is on disk, or not, or in part, sector by
 * sector; of the journal everything that was acknowledged.
 */
class Plug {
  readonly #random: (below: number) => number;
  readonly #path: string;
  checkpoints = 0;

  constructor(path: string, random: (below: number) => number) {
    this.#path = path;
    this.#random = random;
  }

  async open(): Promise<Engine> {
    await mkdir(this.#path, { recursive: true });
    const journal = await Journal.open({ disk: folderDisk(this.#path) });
    // LMDB's file is synced after this, and before the base of this moment counts.
    journal.attach(async () => copyFileSync(this.#data, `${this.#path}.syncing`));
    const complete = journal.complete.bind(journal);
    journal.complete = (base) => {
      this.checkpoints += 1;
      copyFileSync(`${this.#path}.syncing`, `${this.#path}.synced`);
      return complete(base);
    };
    const replay = async () => undefined;
    return openLmdbEngine({
      path: this.#path,
      journal: { journal, replay, growthBytesMax: 400_000 },
    });
  }

  /** What is on disk now, in another place: this process can not let go of the files. */
  cut(target: string): void {
    const now = readFileSync(this.#data);
    const image = Buffer.alloc(now.length);
    readFileSync(`${this.#path}.synced`).copy(image);
    for (let at = 0; at < now.length; at += SECTOR_BYTES) {
      // Mostly neighbours together, as the kernel writes them.
      const length = SECTOR_BYTES * (1 + this.#random(32));
      if (this.#random(2) === 0) now.copy(image, at, at, Math.min(now.length, at + length));
      at += length - SECTOR_BYTES;
    }
    const kept =
      this.#random(4) === 0 ? Math.max(readFileSync(`${this.#path}.synced`).length, 8192) : image.length;
    writeFileSync(join(target, 'data.mdb'), image.subarray(0, kept));
    for (const name of ['0.journal', '1.journal']) copyFileSync(join(this.#path, name), join(target, name));
  }

  get #data(): string {
    return join(this.#path, 'data.mdb');
  }
}

async function contents(engine: Engine): Promise<Record<string, string>> {
  const entries = await readRange(engine, { ...everything, limit: 100_000 });
  return Object.fromEntries(
    entries.map(({ key, value }) => [Buffer.from(key).toString(), `${value.length} ${value[0]}`]),
  );
}

describe('a store with a journal', () => {
  it('has after a power cut what was acknowledged, whatever LMDB had written of it', async () => {
    const seed = Number(process.env['FACET_SEED'] ?? randomInt(2 ** 31));
    const random = chance(seed);
    let path = join(folder, 'store');
    let checkpoints = 0;
    const model: Record<string, string> = {};
    for (let life = 0; life < 12; life++) {
      const plug = new Plug(path, random);
      const engine = await plug.open();
      expect(await contents(engine), `seed ${seed}, life ${life}`).toEqual(model);
      for (let step = random(60); step >= 0; step--) {
        const changes = Array.from({ length: 1 + random(12) }, () => ({
          key: `key ${random(KEYS)}`,
          length: random(8) === 0 ? 3000 + random(9000) : random(300),
          fill: random(256),
          deletes: random(3) === 0,
        }));
        await Promise.all(
          changes.map(({ key, length, fill, deletes }) =>
            engine.write(function* (tx) {
              if (deletes) tx.delete(bytes(key));
              else tx.put(bytes(key), Buffer.alloc(length + 1, fill));
              return yield* tx.get(bytes(key));
            }),
          ),
        );
        for (const { key, length, fill, deletes } of changes) {
          if (deletes) delete model[key];
          else model[key] = `${length + 1} ${fill}`;
        }
      }
      const next = join(folder, `life-${life}`);
      await cp(path, next, { recursive: true, filter: (source) => !source.endsWith('.mdb') });
      plug.cut(next);
      checkpoints += plug.checkpoints;
      await engine.close();
      path = next;
    }
    expect(checkpoints, `seed ${seed}`).toBeGreaterThan(5);
  });

  it('replays nothing after it was closed', async () => {
    const engine = await openJournaled({ path: folder });
    await write(engine, [[bytes('a'), bytes('1')]]);
    await engine.close();
    const journal = await Journal.open({ disk: folderDisk(folder) });
    const replayed = [];
    for await (const record of journal.replay()) replayed.push(record);
    expect(replayed).toEqual([]);
    await journal.close();
    // Nor does it need its journal then.
    const without = await openLmdbEngine({ path: folder });
    expect(await get(without, bytes('a'))).toEqual(bytes('1'));
    await without.close();
  });

  it('is refused when its metadata is older than its journal, or gone', async () => {
    const engine = await openJournaled({ path: folder });
    await write(engine, [[bytes('a'), bytes('1')]]);
    copyFileSync(join(folder, 'data.mdb'), join(folder, 'older'));
    for (let at = 0; at < 5; at++) await write(engine, [[bytes('a'), bytes('2')]]);
    await engine.close();
    const data = readFileSync(join(folder, 'data.mdb'));
    copyFileSync(join(folder, 'older'), join(folder, 'data.mdb'));
    await expect(openJournaled({ path: folder })).rejects.toThrow('older than its journal');
    await rm(join(folder, 'data.mdb'));
    await expect(openJournaled({ path: folder })).rejects.toThrow('not the metadata');
    writeFileSync(join(folder, 'data.mdb'), data);
    const again = await openJournaled({ path: folder });
    expect(await get(again, bytes('a'))).toEqual(bytes('2'));
    await again.close();
  });

  it('opens one that was made without a journal', async () => {
    const without = await openLmdbEngine({ path: folder });
    await write(without, [[bytes('a'), bytes('1')]]);
    await without.close();
    const engine = await openJournaled({ path: folder });
    expect(await get(engine, bytes('a'))).toEqual(bytes('1'));
    await engine.close();
  });

  /** An engine on an LMDB whose functions can be made to fail. */
  async function openInside() {
    const journal = await Journal.open({ disk: folderDisk(folder) });
    const database = openDatabase({ path: folder, mapSizeBytes: 2 ** 30, noSync: true });
    const file = await DataFile.of(await open(join(folder, DATA), 'r+'));
    const store = new LmdbStore(database);
    const parts = { store, journal, file, path: folder, onFailure: () => undefined };
    const commit = await JournaledCommit.begin(parts, async () => undefined);
    const fatal: EngineError[] = [];
    const onFatal = (error: EngineError) => fatal.push(error);
    const engine = new LmdbEngine({ store, commit, path: folder, onFatal });
    // One that failed can not be closed; its files can.
    const letGo = async (): Promise<void> => {
      await journal.close();
      await file.handle.close();
    };
    return { engine, database, fatal, letGo };
  }

  const newestTransaction = async (): Promise<bigint> => {
    const handle = await open(join(folder, DATA), 'r');
    const header = await readNewestHeader(handle);
    await handle.close();
    return header?.transaction ?? 0n;
  };

  it('gives many batches to one transaction of LMDB, and shows each of them at once', async () => {
    const engine = await openJournaled({ path: folder });
    const before = await newestTransaction();
    for (let at = 0; at < 100; at++) {
      await write(engine, [[bytes(`${at}`), bytes(`${at}`)]]);
      expect(await get(engine, bytes(`${at}`))).toEqual(bytes(`${at}`));
      expect(Object.keys(await contents(engine))).toHaveLength(at + 1);
      // Who asks for room, as all do on a full disk, ends none: it would take more pages than were counted on.
      await engine.spareBytes();
    }
    expect((await newestTransaction()) - before).toBeLessThanOrEqual(10n);
    // A store at rest is clean.
    await expect.poll(newestTransaction, { timeout: 20_000 }).toBeGreaterThan(before);
    await engine.close();
    const without = await openLmdbEngine({ path: folder });
    expect(Object.keys(await contents(without))).toHaveLength(100);
    await without.close();
  });

  it('ends when LMDB does not commit what was acknowledged, and has it after a start', async () => {
    const { engine, database, fatal, letGo } = await openInside();
    for (const key of ['a', 'b']) await write(engine, [[bytes(key), bytes('1')]]);
    Object.defineProperty(environmentOf(database), 'commitTxn', {
      value: () => {
        throw Object.assign(new Error('planted'), { code: 28 });
      },
    });
    // As many as are gathered at most.
    const many = Array.from({ length: 400 }, (_, at) => [bytes(`m${at}`), bytes('1')] as const);
    await expect(write(engine, many)).rejects.toMatchObject({ code: 'Failed' });
    // Not what LMDB had before.
    await expect(get(engine, bytes('a'))).rejects.toMatchObject({ code: 'Failed' });
    await expect(write(engine, [[bytes('c'), bytes('1')]])).rejects.toMatchObject({ code: 'Failed' });
    expect(fatal).toHaveLength(1);
    const crashed = join(folder, 'crashed');
    await mkdir(crashed);
    for (const name of FILES) copyFileSync(join(folder, name), join(crashed, name));
    const after = await openJournaled({ path: crashed });
    expect(await contents(after)).toMatchObject({ a: '1 49', b: '1 49' });
    await after.close();
    await letGo();
  });

  it('makes a batch void that LMDB does not take, and goes on', async () => {
    const { engine, database } = await openInside();
    for (const key of ['a', 'd']) await write(engine, [[bytes(key), bytes('1')]]);
    const put = database.put.bind(database);
    Object.assign(database, {
      put: (key: Bytes, value: Buffer) => {
        if (value.toString('latin1').startsWith('refused'))
          throw Object.assign(new Error('planted'), { code: 28 });
        return put(key, value);
      },
    });
    const refused: [Bytes, Bytes][] = [
      [bytes('a'), bytes('2')],
      [bytes('b'), bytes('refused')],
    ];
    await expect(write(engine, refused)).rejects.toMatchObject({ code: 'Full' });
    expect(await get(engine, bytes('b'))).toBeUndefined();
    expect(await contents(engine)).toEqual({ a: '1 49', d: '1 49' });
    await write(engine, [[bytes('c'), bytes('1')]]);
    // As after a crash: with what the journal holds, and LMDB's file as it is.
    const crashed = join(folder, 'crashed');
    await mkdir(crashed);
    for (const name of FILES) copyFileSync(join(folder, name), join(crashed, name));
    const after = await openJournaled({ path: crashed });
    expect(await contents(after)).toEqual({ a: '1 49', c: '1 49', d: '1 49' });
    await after.close();
    await engine.close();
  });

  it('says that the disk is full when there is no room to begin a journal', async () => {
    const before = await openLmdbEngine({ path: folder });
    await write(before, [[bytes('a'), bytes('1')]]);
    await before.close();
    const create = async () => {
      throw Object.assign(new Error('planted'), { code: 'ENOSPC' });
    };
    const full = await Journal.open({ disk: { ...folderDisk(folder), create } });
    const replay = async () => undefined;
    const opened = openLmdbEngine({ path: folder, journal: { journal: full, replay } });
    await expect(opened).rejects.toMatchObject({ code: 'Full' });
    const after = await openJournaled({ path: folder });
    expect(await contents(after)).toEqual({ a: '1 49' });
    await after.close();
  });

  it('refuses a journal that does not belong to it, and changes nothing', async () => {
    const take = async (from: string, name: string): Promise<string> => {
      const to = join(folder, name);
      await mkdir(to);
      for (const file of FILES) copyFileSync(join(from, file), join(to, file));
      return to;
    };
    const fill = async (engine: Engine, count: number): Promise<void> => {
      for (let at = 0; at < count; at++) await write(engine, [[bytes(`${at % 50}`), Buffer.alloc(300, at)]]);
    };
    const stores = { own: join(folder, 'own'), other: join(folder, 'other') };
    const other = await openJournaled({ path: stores.other, growthBytesMax: 100_000 });
    const own = await openJournaled({ path: stores.own, growthBytesMax: 100_000 });
    // Fewer: of two that did the same it is chance whether a root lies elsewhere.
    await fill(other, 100);
    await fill(own, 20);
    const older = await take(stores.own, 'older');
    await fill(own, 130);
    const now = await take(stores.own, 'now');
    const foreign = await take(stores.other, 'foreign');
    for (const engine of [own, other]) await engine.close();
    const mixtures = [
      { name: 'older journals', data: now, journals: older, refusal: 'newer than its journal' },
      { name: 'older data', data: older, journals: now, refusal: 'older than its journal' },
      { name: 'journals of another', data: now, journals: foreign, refusal: 'not of one store|newer|older' },
    ];
    for (const { name, data, journals, refusal } of mixtures) {
      const mixed = join(folder, name);
      await mkdir(mixed);
      copyFileSync(join(data, DATA), join(mixed, DATA));
      for (const file of JOURNALS) copyFileSync(join(journals, file), join(mixed, file));
      await expect(openJournaled({ path: mixed }), name).rejects.toThrow(new RegExp(refusal));
      expect(readFileSync(join(mixed, DATA)).equals(readFileSync(join(data, DATA))), name).toBe(true);
    }
    const after = await openJournaled({ path: now });
    expect(await contents(after)).toMatchObject({ '49': '300 99', '29': '300 129' });
    await after.close();
  });

  describe('and a copy of it', () => {
    let mixtures = 0;
    const copied = async (from: string, name: string): Promise<string> => {
      const to = join(folder, name);
      await mkdir(to);
      for (const file of FILES) copyFileSync(join(from, file), join(to, file));
      return to;
    };
    const mixed = async (data: string, journals: Readonly<Record<string, string>>): Promise<string> => {
      mixtures += 1;
      const to = await copied(data, `mixed-${mixtures}`);
      for (const [file, from] of Object.entries(journals)) copyFileSync(join(from, file), join(to, file));
      return to;
    };
    const bothOf = (from: string) => ({ '0.journal': from, '1.journal': from });
    const refused = async (path: string): Promise<void> => {
      const before = FILES.map((file) => readFileSync(join(path, file)));
      await expect(openJournaled({ path })).rejects.toMatchObject({
        code: 'Damaged',
        message: expect.stringContaining('are not its own'),
      });
      for (const [at, file] of FILES.entries())
        expect(before[at]?.equals(readFileSync(join(path, file))), file).toBe(true);
    };
    /** As it is when its process is killed after so many writes, all of one length. */
    const killed = async (path: string, value: string, count = 5): Promise<string> => {
      const engine = await openJournaled({ path });
      for (let at = 0; at < count; at++) await write(engine, [[bytes(`key ${at}`), bytes(value)]]);
      const crashed = await copied(path, `killed-${value}`);
      await engine.close();
      return crashed;
    };

    it('that goes its own way have journals that are not taken for one another', async () => {
      const first = join(folder, 'first');
      await (await openJournaled({ path: first })).close();
      const second = await copied(first, 'second');
      // Both files are their own then.
      for (const path of [first, second]) await killed(path, path === first ? 'x' : 'y');
      const [one, other] = [await killed(first, '1'), await killed(second, '2')];
      const header = async (path: string) => {
        const handle = await open(join(path, DATA), 'r');
        const found = await readNewestHeader(handle);
        await handle.close();
        return found;
      };
      // What LMDB says of the two is the same.
      expect(await header(one)).toEqual(await header(other));
      await refused(await mixed(one, bothOf(other)));
      await refused(await mixed(other, bothOf(one)));
      for (const file of JOURNALS) await refused(await mixed(one, { [file]: other }));
      for (const [path, value] of [
        [one, '1'],
        [other, '2'],
      ] as const) {
        const engine = await openJournaled({ path });
        expect(await get(engine, bytes('key 4'))).toEqual(bytes(value));
        await engine.close();
      }
    });

    it('of another time have not, nor those of before in their place', async () => {
      const path = join(folder, 'store');
      // As many as LMDB might have made transactions of since.
      const before = await killed(path, 'before', 20);
      const now = await killed(path, 'now');
      await refused(await mixed(now, bothOf(before)));
      // Nor while it was the base only just before.
      const base = await killed(path, 'base');
      await refused(await mixed(path, bothOf(base)));
    });

    /** As a version left it that kept no names in LMDB's file. */
    const withoutNames = (path: string): void => {
      const data = readFileSync(join(path, DATA));
      for (const page of [0, 4096]) data.fill(0, page + 168, page + 4096);
      writeFileSync(join(path, DATA), data);
      for (const file of JOURNALS) {
        const journal = readFileSync(join(path, file));
        if (journal.readUInt32BE(12) === 0) continue;
        journal.fill(0, 2048, 4096);
        journal.writeUInt32BE(2, 12);
        journal.writeUInt32BE(crc32c(journal.subarray(12, 52 + journal.readUInt32BE(48))), 8);
        writeFileSync(join(path, file), journal);
      }
    };

    it('of an older version is opened, and has its own from then on', async () => {
      const path = join(folder, 'store');
      const now = await killed(path, 'value');
      withoutNames(now);
      const older = await copied(now, 'older');
      const engine = await openJournaled({ path: now });
      expect(await get(engine, bytes('key 4'))).toEqual(bytes('value'));
      await engine.close();
      await refused(await mixed(now, bothOf(older)));
      // A journal of this version goes with no file of one before it.
      const other = await killed(join(folder, 'other'), 'others');
      await refused(await mixed(older, bothOf(other)));
    });

    it('knows its own by either of two places', async () => {
      const path = await killed(join(folder, 'store'), 'value');
      const data = readFileSync(join(path, DATA));
      for (const harm of [[1024], [4096 + 1024], [1024, 4096 + 1024]]) {
        const harmed = await copied(path, `harmed-${harm}`);
        for (const at of harm) data[at + 20] = (data[at + 20] ?? 0) ^ 1;
        writeFileSync(join(harmed, DATA), data);
        for (const at of harm) data[at + 20] = (data[at + 20] ?? 0) ^ 1;
        if (harm.length === 2) await refused(harmed);
        else await (await openJournaled({ path: harmed })).close();
      }
    });
  });

  it('goes on without the last write, where its journal reads as if that had never been made', async () => {
    const store = join(folder, 'store');
    const engine = await openJournaled({ path: store });
    for (const key of ['a', 'b', 'c']) await write(engine, [[bytes(key), bytes('1')]]);
    const undone = join(folder, 'undone');
    await mkdir(undone);
    for (const file of FILES) copyFileSync(join(store, file), join(undone, file));
    await engine.close();
    // Each in a block of its own. A power cut in the middle of it, before it was acknowledged, leaves the same.
    const journal = readFileSync(join(undone, '0.journal'));
    writeFileSync(join(undone, '0.journal'), journal.fill(0, 3 * 4096, 4 * 4096));
    const after = await openJournaled({ path: undone });
    expect(await contents(after)).toEqual({ a: '1 49', b: '1 49' });
    await after.close();
  });

  it('refuses a journal without its last record, where LMDB took that in a transaction of its own', async () => {
    const store = join(folder, 'store');
    const engine = await openJournaled({ path: store });
    const many = Array.from({ length: 1001 }, (_, at) => bytes(`many ${at}`));
    for (const value of ['1', '2', '3']) {
      await write(
        engine,
        many.map((key): [Bytes, Bytes] => [key, bytes(value)]),
      );
    }
    const cut = join(folder, 'cut');
    await mkdir(cut);
    for (const file of FILES) copyFileSync(join(store, file), join(cut, file));
    await engine.close();
    const whole = readFileSync(join(cut, DATA));
    const journal = await Journal.open({ disk: folderDisk(cut) });
    let last = Buffer.alloc(0);
    for await (const { payload } of journal.replay()) last = Buffer.from(payload);
    await journal.close();
    expect(last.length).toBeGreaterThan(1001);
    for (const file of JOURNALS) {
      const content = readFileSync(join(cut, file));
      const at = content.indexOf(last);
      if (at >= 0) writeFileSync(join(cut, file), content.fill(0, at, at + last.length));
    }
    await expect(openJournaled({ path: cut })).rejects.toThrow('newer than its journal, by 1');
    expect(readFileSync(join(cut, DATA)).equals(whole)).toBe(true);
  });

  it('keeps every acknowledged write when its process is killed, time and again', async () => {
    const acknowledged = new Set<string>();
    for (let life = 0; life < 8; life++) {
      const writer = spawn(process.execPath, [script, folder, `w${life}`, 'journal'], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const ended = once(writer, 'close');
      let lines = 0;
      for await (const line of createInterface({ input: writer.stdout })) {
        acknowledged.add(`w${life}/${line}`);
        if (++lines === 100 * (life + 1)) writer.kill('SIGKILL');
      }
      await ended;
      const engine = await openJournaled({ path: folder });
      const found = await contents(engine);
      expect([...acknowledged].filter((key) => found[key] === undefined)).toEqual([]);
      expect(Buffer.from((await get(engine, bytes('count'))) ?? []).toString()).toBe(
        String(Object.keys(found).length - 1),
      );
      await engine.close();
    }
  });
});
