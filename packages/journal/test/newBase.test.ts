import { beforeEach, describe, expect, it } from 'vitest';
import { Journal } from '../src/index.ts';
import { base, batch, begun, bytes, FIRST, found, restart, SECOND } from './journalRig.ts';
import { MemoryFiles } from './memoryFiles.ts';

let disk: MemoryFiles;
let journal: Journal;
beforeEach(async () => {
  ({ disk, journal } = await begun());
});

describe('a journal with a new base', () => {
  it('replays both files until it is complete, and then the second only', async () => {
    await journal.commit(batch('a'));
    await journal.rotate();
    await journal.commit(batch('b'));
    expect(await found(disk)).toEqual({ base: 'start', records: ['1 a', '1 b'] });
    await journal.complete(base('next'));
    await journal.commit(batch('c'));
    expect(await found(disk)).toEqual({ base: 'next', records: ['1 b', '1 c'] });
    await journal.rotate();
    await journal.commit(batch('d'));
    expect(await found(disk)).toEqual({ base: 'next', records: ['1 b', '1 c', '1 d'] });
  });

  it('takes turns with its files for ever, whenever it ends', async () => {
    let expected: string[] = [];
    let name = 'start';
    for (let turn = 0; turn < 40; turn += 1) {
      await journal.commit(batch(`${turn}`));
      expected.push(`1 ${turn}`);
      if (turn % 3 === 1) {
        await journal.rotate();
        await journal.commit(batch(`${turn} rotated`));
        expected.push(`1 ${turn} rotated`);
        if (turn % 2 === 0) {
          await journal.complete(base(`${turn}`));
          expected = expected.slice(-1);
          name = `${turn}`;
        }
      }
      if (turn % 3 !== 1 || turn % 2 === 0) continue;
      // The end comes before the base is complete: both files count, and go on in the other.
      expect(await found(disk)).toEqual({ base: name, records: expected });
      journal = await Journal.open({ disk });
      for await (const _ of journal.replay());
      name = `${turn} again`;
      await restart(journal, base(name));
      expected = [];
    }
    expect(await found(disk)).toEqual({ base: name, records: expected });
  });

  it('refuses to begin another before it is complete', async () => {
    await journal.rotate();
    await expect(journal.rotate()).rejects.toThrow('not complete');
  });

  it('puts what was added and not committed into the second file', async () => {
    journal.add(bytes('added'));
    await journal.rotate();
    await journal.commit(batch('a'));
    await journal.complete(base('next'));
    expect(await found(disk)).toEqual({ base: 'next', records: ['3 added', '1 a'] });
  });

  it('is never of epochs that were not told before it was complete', async () => {
    const epochs = (one: Journal): string =>
      one.epochs.map((name) => Buffer.from(name).toString('hex')).join();
    let told = '';
    const asAfterCrash = async (): Promise<void> => {
      const after = await Journal.open({ disk: disk.copy() });
      expect(told).toContain(epochs(after));
      expect(after.epochs).toHaveLength(2);
      expect(after.isNamed).toBe(true);
    };
    for (let turn = 0; turn < 5; turn += 1) {
      if (turn === 2) {
        journal = await Journal.open({ disk });
        for await (const _ of journal.replay());
        await journal.begin();
      } else await journal.rotate();
      told = epochs(journal);
      expect(journal.epochs).toHaveLength(3);
      await asAfterCrash();
      await journal.complete(base(`${turn}`));
      await asAfterCrash();
      // The one before the last base is not in the files any more.
      told = epochs(journal);
      expect(journal.epochs).toHaveLength(2);
      await asAfterCrash();
    }
  });

  it('takes nothing between its begin and its base: nobody would find it', async () => {
    await journal.begin();
    expect(() => journal.add(bytes('lost'))).toThrow('has not begun');
    await journal.complete(base('again'));
    await journal.commit(batch('a'));
    expect(await found(disk)).toEqual({ base: 'again', records: ['1 a'] });
  });

  it.each([
    [FIRST, 0],
    [FIRST, 2060],
    [SECOND, 0],
    [SECOND, 2060],
  ])('begins with a %s of %i bytes, left by one that came no further', async (name, length) => {
    const left = new MemoryFiles();
    left.files.set(name, Buffer.alloc(length));
    const again = await Journal.open({ disk: left });
    await restart(again, base('again'));
    expect(await found(left)).toEqual({ base: 'again', records: [] });
    await again.commit(batch('a'));
    await again.rotate();
    await again.commit(batch('b'));
    expect(await found(left)).toEqual({ base: 'again', records: ['1 a', '1 b'] });
  });
});
