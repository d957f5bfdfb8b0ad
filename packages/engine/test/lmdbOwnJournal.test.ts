import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32c, Journal } from '@facet/journal';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bytes, Engine } from '../src/index.ts';
import { readNewestHeader } from '../src/lmdb/header.ts';
import { openJournaledHere } from './journaledHere.ts';
import { contents, copyStore, DATA, FILES, folderDisk, JOURNALS } from './journalRig.ts';
import { bytes, get, write } from './shorthand.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'facet-journal-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function copied(from: string, name: string): Promise<string> {
  const to = join(folder, name);
  await copyStore(from, to);
  return to;
}

describe('a store with a journal', () => {
  it('is refused when its metadata is older than its journal, or gone', async () => {
    const engine = await openJournaledHere({ path: folder });
    await write(engine, [[bytes('a'), bytes('1')]]);
    copyFileSync(join(folder, 'data.mdb'), join(folder, 'older'));
    for (let at = 0; at < 5; at++) await write(engine, [[bytes('a'), bytes('2')]]);
    await engine.close();
    const data = readFileSync(join(folder, 'data.mdb'));
    copyFileSync(join(folder, 'older'), join(folder, 'data.mdb'));
    await expect(openJournaledHere({ path: folder })).rejects.toThrow('older than its journal');
    await rm(join(folder, 'data.mdb'));
    await expect(openJournaledHere({ path: folder })).rejects.toThrow('not the metadata');
    writeFileSync(join(folder, 'data.mdb'), data);
    const again = await openJournaledHere({ path: folder });
    expect(await get(again, bytes('a'))).toEqual(bytes('2'));
    await again.close();
  });

  it('refuses a journal that does not belong to it, and changes nothing', async () => {
    const fill = async (engine: Engine, count: number): Promise<void> => {
      for (let at = 0; at < count; at++) await write(engine, [[bytes(`${at % 50}`), Buffer.alloc(300, at)]]);
    };
    const stores = { own: join(folder, 'own'), other: join(folder, 'other') };
    const other = await openJournaledHere({ path: stores.other, growthBytesMax: 100_000 });
    const own = await openJournaledHere({ path: stores.own, growthBytesMax: 100_000 });
    // Fewer: of two that did the same it is chance whether a root lies elsewhere.
    await fill(other, 100);
    await fill(own, 20);
    const older = await copied(stores.own, 'older');
    await fill(own, 130);
    const now = await copied(stores.own, 'now');
    const foreign = await copied(stores.other, 'foreign');
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
      await expect(openJournaledHere({ path: mixed }), name).rejects.toThrow(new RegExp(refusal));
      expect(readFileSync(join(mixed, DATA)).equals(readFileSync(join(data, DATA))), name).toBe(true);
    }
    const after = await openJournaledHere({ path: now });
    expect(await contents(after)).toMatchObject({ '49': '300 99', '29': '300 129' });
    await after.close();
  });

  describe('and a copy of it', () => {
    let mixtures = 0;
    const mixed = async (data: string, journals: Readonly<Record<string, string>>): Promise<string> => {
      mixtures += 1;
      const to = await copied(data, `mixed-${mixtures}`);
      for (const [file, from] of Object.entries(journals)) copyFileSync(join(from, file), join(to, file));
      return to;
    };
    const bothOf = (from: string) => ({ '0.journal': from, '1.journal': from });
    const refused = async (path: string): Promise<void> => {
      const before = FILES.map((file) => readFileSync(join(path, file)));
      await expect(openJournaledHere({ path })).rejects.toMatchObject({
        code: 'Damaged',
        message: expect.stringContaining('are not its own'),
      });
      for (const [at, file] of FILES.entries())
        expect(before[at]?.equals(readFileSync(join(path, file))), file).toBe(true);
    };
    /** As it is when its process is killed after so many writes, all of one length. */
    const killed = async (path: string, value: string, count = 5): Promise<string> => {
      const engine = await openJournaledHere({ path });
      for (let at = 0; at < count; at++) await write(engine, [[bytes(`key ${at}`), bytes(value)]]);
      const crashed = await copied(path, `killed-${value}`);
      await engine.close();
      return crashed;
    };

    it('that goes its own way have journals that are not taken for one another', async () => {
      const first = join(folder, 'first');
      await (await openJournaledHere({ path: first })).close();
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
        const engine = await openJournaledHere({ path });
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
      const engine = await openJournaledHere({ path: now });
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
        else await (await openJournaledHere({ path: harmed })).close();
      }
    });
  });

  it('goes on without the last write, where its journal reads as if that had never been made', async () => {
    const store = join(folder, 'store');
    const engine = await openJournaledHere({ path: store });
    for (const key of ['a', 'b', 'c']) await write(engine, [[bytes(key), bytes('1')]]);
    const undone = await copied(store, 'undone');
    await engine.close();
    // Each in a block of its own. A power cut in the middle of it, before it was acknowledged, leaves the same.
    const journal = readFileSync(join(undone, '0.journal'));
    writeFileSync(join(undone, '0.journal'), journal.fill(0, 3 * 4096, 4 * 4096));
    const after = await openJournaledHere({ path: undone });
    expect(await contents(after)).toEqual({ a: '1 49', b: '1 49' });
    await after.close();
  });

  it('refuses a journal without its last record, where LMDB took that in a transaction of its own', async () => {
    const store = join(folder, 'store');
    const engine = await openJournaledHere({ path: store });
    const many = Array.from({ length: 1001 }, (_, at) => bytes(`many ${at}`));
    for (const value of ['1', '2', '3']) {
      await write(
        engine,
        many.map((key): [Bytes, Bytes] => [key, bytes(value)]),
      );
    }
    const cut = await copied(store, 'cut');
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
    await expect(openJournaledHere({ path: cut })).rejects.toThrow('newer than its journal, by 1');
    expect(readFileSync(join(cut, DATA)).equals(whole)).toBe(true);
  });
});
