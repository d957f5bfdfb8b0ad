import { rmSync } from 'node:fs';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RemadeFreeList } from '../src/index.ts';
import { LEAVES_MAX } from '../src/lmdb/packedFreeList.ts';
import { headerOf, mustHoldAll, PAGE_BYTES, storeWithList, writeSome, wrongWith } from './freeListRig.ts';
import { copyStore, DATA, openJournaled } from './journalRig.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'facet-free-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const LEAF_FLAGS = 0x02;

/** Has each record of its list that lies in a leaf begin with that page. */
async function listAsFree(path: string, page: number): Promise<void> {
  const name = join(path, DATA);
  const file = await readFile(name);
  for (let at = 2 * PAGE_BYTES; at < file.length; at += PAGE_BYTES) {
    if (file.readUInt16LE(at + 18) !== LEAF_FLAGS) continue;
    const first = at + 24 + file.readUInt16LE(at + 24);
    const isOfFreePages = file.readUInt16LE(first + 6) === 8 && file.readUInt16LE(first + 4) === 0;
    if (isOfFreePages && file.readUInt16LE(at + 20) > 0)
      file.writeBigInt64LE(BigInt(page), first + 8 + 8 + 8);
  }
  await writeFile(name, file);
}

describe('a wrong list of free pages is made anew at a start', () => {
  const told: RemadeFreeList[] = [];
  const onRemadeFreeList = (remade: RemadeFreeList) => told.push(remade);
  beforeEach(() => {
    told.length = 0;
  });

  /** Of a store that was killed: its base, which the start goes on from, and what LMDB had since. */
  async function killedWithWrongList(): Promise<string> {
    const path = await storeWithList(folder, 40);
    const engine = await openJournaled({ path });
    await writeSome(engine, 100);
    const killed = join(folder, 'killed');
    await copyStore(path, killed);
    await engine.close();
    await listAsFree(killed, Number((await headerOf(killed)).trees.data.root));
    expect(await wrongWith(killed)).not.toEqual([]);
    return killed;
  }

  it('when it is wrong, with what the journal has to replay', async () => {
    const path = await killedWithWrongList();
    const engine = await openJournaled({ path, pageCheckMsMax: 10_000, onRemadeFreeList });
    expect(told).toEqual([{ pages: expect.any(Number), reason: expect.stringMatching(/^page \d+: /) }]);
    await mustHoldAll(engine);
    await writeSome(engine, 2000);
    await mustHoldAll(engine);
    await engine.close();
    expect(await wrongWith(path)).toEqual([]);
  });

  it('again, when the one before was killed before its end', async () => {
    const path = await killedWithWrongList();
    const again = join(folder, 'again');
    // It has replayed the journal, and what it goes on from is what it was.
    const engine = await openJournaled({
      path,
      pageCheckMsMax: 10_000,
      beforeBase: () => copyStore(path, again),
    });
    await engine.close();
    const next = await openJournaled({ path: again, pageCheckMsMax: 10_000, onRemadeFreeList });
    expect(told).toHaveLength(1);
    await mustHoldAll(next);
    await writeSome(next, 2000);
    await next.close();
    expect(await wrongWith(again)).toEqual([]);
  });

  it.each([60, LEAVES_MAX + 1])(
    'when it is damaged, of a store that was closed in order (%i leaves)',
    async (leaves) => {
      const path = await storeWithList(folder, leaves);
      const name = join(path, DATA);
      const file = await readFile(name);
      const root = Number((await headerOf(path)).trees.freePages.root) * PAGE_BYTES;
      file.writeUInt16LE(0, root + 24 + file.readUInt16LE(root + 24 + 2 * 50) + 4 + 2);
      file.writeUInt16LE(LEAF_FLAGS, root + 18);
      await writeFile(name, file);
      const engine = await openJournaled({ path, onRemadeFreeList });
      expect(told).toHaveLength(1);
      await writeSome(engine, 2000);
      await mustHoldAll(engine);
      await engine.close();
      expect(await wrongWith(path)).toEqual([]);
    },
  );

  it('but not where the header says that the file ends before its data', async () => {
    const path = await storeWithList(folder, 40);
    await listAsFree(path, Number((await headerOf(path)).trees.data.root));
    const name = join(path, DATA);
    const file = await readFile(name);
    for (const meta of [0, PAGE_BYTES]) file.writeBigUInt64LE(20n, meta + 144);
    await writeFile(name, file);
    const refused = await openJournaled({ path, pageCheckMsMax: 10_000 }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'Damaged' });
    expect((await readFile(name)).equals(file)).toBe(true);
  });
});
