import fc from 'fast-check';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { Journal, JournalDamaged, type JournalRecord, RECORD } from '../src/index.ts';
import { MemoryFiles } from './memoryFiles.ts';

const BLOCK_BYTES = 4096;
const [FIRST, SECOND] = ['0.journal', '1.journal'] as const;

const batch = (text: string): JournalRecord => ({ kind: RECORD.batch, payload: [Buffer.from(text)] });
const bytes = (text: string): JournalRecord => ({ kind: RECORD.bytes, payload: [Buffer.from(text)] });
const base = (text: string): Buffer => Buffer.from(text);

async function restart(one: Journal, on: Buffer): Promise<void> {
  await one.begin();
  await one.complete(on);
}

let disk: MemoryFiles;
let journal: Journal;
beforeEach(async () => {
  disk = new MemoryFiles();
  journal = await Journal.open({ disk });
  await restart(journal, base('start'));
});

/** What a start after a crash finds on `from`. */
async function found(
  from: MemoryFiles,
): Promise<{ readonly base: string; readonly records: readonly string[] }> {
  const after = await Journal.open({ disk: from });
  const records: string[] = [];
  for await (const { kind, payload } of after.replay()) records.push(`${kind} ${payload}`);
  return { base: `${after.base === undefined ? undefined : Buffer.from(after.base)}`, records };
}

describe('a journal', () => {
  it('has nothing before it has begun', async () => {
    const none = new MemoryFiles();
    expect(await found(none)).toEqual({ base: 'undefined', records: [] });
    const unbegun = await Journal.open({ disk: none });
    expect(() => unbegun.add(bytes('a'))).toThrow('has not begun');
  });

  it('holds what was committed, and what was added before', async () => {
    journal.add(bytes('a'));
    journal.add(bytes('b'));
    await journal.commit(batch('c'));
    journal.add(bytes('lost'));
    expect(await found(disk)).toEqual({ base: 'start', records: ['3 a', '3 b', '1 c'] });
  });

  it('has no base while it is suspended, which it is only with nothing to replay', async () => {
    await journal.commit(batch('a'));
    const names: (readonly Uint8Array[])[] = [];
    const kept = async (epochs: readonly Uint8Array[]): Promise<void> => void names.push(epochs);
    const unsettled = await Journal.open({ disk });
    await expect(unsettled.suspend(kept)).rejects.toThrow('record 1 of the journal is to be replayed first');
    expect(await found(disk)).toEqual({ base: 'start', records: ['1 a'] });

    const settled = await Journal.open({ disk });
    for await (const _record of settled.replay());
    await restart(settled, base('settled'));
    await settled.close();
    const before = disk.writes;
    const suspended = await Journal.open({ disk });
    await suspended.suspend(kept);
    expect(disk.writes - before).toBe(1);
    expect(await found(disk)).toEqual({ base: 'undefined', records: [] });
    await suspended.suspend(kept);
    await suspended.close();
    // Before it was suspended there was one more: it had to be known of either way.
    expect(names.map((epochs) => epochs.length)).toEqual([3, 2]);
    expect((await Journal.open({ disk })).epochs).toEqual(names[1]);

    const again = await Journal.open({ disk });
    await restart(again, base('elsewhere'));
    await again.commit(batch('b'));
    expect(await found(disk)).toEqual({ base: 'elsewhere', records: ['1 b'] });
  });

  it('writes what comes at once in one go, and what comes meanwhile in the next', async () => {
    const before = disk.writes;
    const sequences = await Promise.all(
      Array.from({ length: 50 }, (_, at) => journal.commit(batch(`${at}`))),
    );
    expect(sequences).toEqual(Array.from({ length: 50 }, (_, at) => at + 1));
    expect(disk.writes - before).toBeLessThan(5);
    expect((await found(disk)).records).toHaveLength(50);
  });

  it('begins each group with a block of its own, and leaves those before alone', async () => {
    for (const text of ['a', 'b', 'c']) {
      const before = Buffer.from(disk.bytes(FIRST));
      const used = journal.usedBytes;
      expect(used % BLOCK_BYTES).toBe(0);
      await journal.commit(batch(text));
      expect(disk.bytes(FIRST).subarray(0, used).equals(before.subarray(0, used))).toBe(true);
    }
  });

  it('ends where a group was cut off, at whichever byte', async () => {
    await journal.commit(batch('kept'));
    const from = journal.usedBytes;
    journal.add(bytes('first'));
    await journal.commit(batch('second'));
    const written =
      disk
        .bytes(FIRST)
        .subarray(from, journal.usedBytes)
        .findLastIndex((byte) => byte !== 0) + 1;
    for (let left = 0; left <= written; left += 1) {
      const torn = disk.copy();
      torn.bytes(FIRST).fill(0, from + left);
      const { records } = await found(torn);
      const whole = left >= written ? 3 : left >= 40 + 'first'.length ? 2 : 1;
      expect(records, `${left} of ${written}`).toEqual(['1 kept', '3 first', '1 second'].slice(0, whole));
      // Whatever was left of it, what comes after is read.
      const again = await Journal.open({ disk: torn });
      for await (const _ of again.replay());
      await restart(again, base('again'));
      await again.commit(batch('new'));
      expect(await found(torn)).toEqual({ base: 'again', records: ['1 new'] });
    }
  });

  it('reads no damaged record, whichever byte it is', async () => {
    await journal.commit(batch('kept'));
    const from = journal.usedBytes;
    await journal.commit(batch('damaged'));
    for (let at = 0; at < 40 + 'damaged'.length; at += 1) {
      const damaged = disk.copy();
      damaged.bytes(FIRST)[from + at] = (damaged.bytes(FIRST)[from + at] ?? 0) ^ 0x10;
      expect((await found(damaged)).records).toEqual(['1 kept']);
    }
  });

  it('survives any bytes where records are looked for', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 200 }), fc.nat(300), async (noise, at) => {
        const hostile = disk.copy();
        hostile.bytes(FIRST).set(noise, BLOCK_BYTES + at);
        expect((await found(hostile)).records).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  it('takes no record of another epoch for one of its own, wherever it lies', async () => {
    await journal.commit(batch('old'));
    const old = Buffer.from(disk.bytes(FIRST).subarray(BLOCK_BYTES, 2 * BLOCK_BYTES));
    const again = await Journal.open({ disk });
    for await (const _ of again.replay());
    await restart(again, base('again'));
    await again.commit({
      kind: RECORD.bytes,
      payload: [Buffer.concat([Buffer.alloc(BLOCK_BYTES - 40), old])],
    });
    // The group that has it inside is torn at its first byte: a client's bytes then begin a block.
    const torn = disk.copy();
    torn.bytes(SECOND).fill(0, BLOCK_BYTES, 2 * BLOCK_BYTES);
    expect(await found(torn)).toEqual({ base: 'again', records: [] });
  });

  it('leaves out a batch that came to nothing, and nothing else', async () => {
    await journal.commit(batch('a'));
    const sequence = await journal.commit(batch('b'));
    journal.add(bytes('between'));
    await journal.makeVoid(sequence);
    await journal.commit(batch('c'));
    expect((await found(disk)).records).toEqual(['1 a', '3 between', '1 c']);
  });

  it('writes on its own what nobody commits, when it is much', async () => {
    journal.add({ kind: RECORD.bytes, payload: [Buffer.alloc(5 << 20)] });
    await journal.commit(batch('a'));
    journal.add({ kind: RECORD.bytes, payload: [Buffer.alloc(5 << 20)] });
    await journal.close();
    expect((await found(disk)).records).toHaveLength(3);
  });
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

  it('is damaged when records of the first file are gone that the second goes on from', async () => {
    await journal.commit(batch('a'));
    await journal.commit(batch('b'));
    await journal.rotate();
    await journal.commit(batch('c'));
    disk.bytes(FIRST).fill(0, 2 * BLOCK_BYTES, 3 * BLOCK_BYTES);
    await expect(found(disk)).rejects.toThrow(JournalDamaged);
  });

  it('is damaged when records are gone that others were durable after, in either file', async () => {
    for (const text of ['a', 'b', 'c']) await journal.commit(batch(text));
    await journal.rotate();
    for (const text of ['d', 'e', 'f']) await journal.commit(batch(text));
    for (const [file, last] of [
      [FIRST, 3],
      [SECOND, 2],
    ] as const) {
      for (let at = 1; at <= last; at += 1) {
        const damaged = disk.copy();
        damaged.bytes(file)[at * BLOCK_BYTES + 40] = 0;
        await expect(found(damaged), `${file}, block ${at}`).rejects.toThrow(JournalDamaged);
      }
    }
  });

  it('is damaged when a file was cut off, wherever', async () => {
    await journal.commit(batch('a'));
    // Several blocks, of which the first ones tell nothing of those behind.
    await journal.commit(batch('b'.repeat(4 * BLOCK_BYTES)));
    await journal.rotate();
    await journal.commit(batch('c'.repeat(4 * BLOCK_BYTES)));
    for (const file of [FIRST, SECOND]) {
      const whole = disk.bytes(file).length;
      const ends = Array.from({ length: 9 }, (_, block) => block * BLOCK_BYTES);
      // An empty one in the place of the first might never have begun: whoever has the journal may know better.
      for (const bytesLeft of [...ends, 1, 100, BLOCK_BYTES + 1, whole - BLOCK_BYTES]) {
        if (file === FIRST && bytesLeft === 0) continue;
        const cut = disk.copy();
        cut.files.set(file, Buffer.from(cut.bytes(file).subarray(0, bytesLeft)));
        await expect(found(cut), `${file}, ${bytesLeft}`).rejects.toThrow(JournalDamaged);
      }
    }
    expect((await found(disk)).records).toHaveLength(3);
  });

  it('is damaged when a file was cut off before it held anything, and when it had become longer', async () => {
    const cutTo = (bytesLeft: number): MemoryFiles => {
      const cut = disk.copy();
      cut.files.set(FIRST, Buffer.from(cut.bytes(FIRST).subarray(0, bytesLeft)));
      return cut;
    };
    await expect(found(cutTo(BLOCK_BYTES))).rejects.toThrow(`${FIRST} was cut off`);
    for (let at = 0; at < 8; at += 1) await journal.commit(batch('x'.repeat(300_000)));
    expect(disk.bytes(FIRST).length).toBeGreaterThanOrEqual(3 << 20);
    for (const bytesLeft of [BLOCK_BYTES, 1 << 20, 2 << 20])
      await expect(found(cutTo(bytesLeft)), `${bytesLeft}`).rejects.toThrow(JournalDamaged);
  });

  it('is whole when it is longer than it says, or what it says can not be read', async () => {
    await journal.commit(batch('a'));
    const extended = disk.copy();
    extended.files.set(FIRST, Buffer.concat([extended.bytes(FIRST), Buffer.alloc(3 * BLOCK_BYTES)]));
    const unread = disk.copy();
    unread.bytes(FIRST).fill(0xff, BLOCK_BYTES / 2, BLOCK_BYTES);
    for (const whole of [extended, unread]) {
      expect(await found(whole)).toEqual({ base: 'start', records: ['1 a'] });
      const again = await Journal.open({ disk: whole });
      for await (const _ of again.replay());
      await restart(again, base('again'));
      await again.close();
      whole.files.set(FIRST, Buffer.from(whole.bytes(FIRST).subarray(0, 2 * BLOCK_BYTES)));
      await expect(found(whole)).rejects.toThrow(JournalDamaged);
    }
  });

  it('can not tell a group that was never written from the last one, when that reads as if', async () => {
    for (const text of ['a', 'b', 'c']) await journal.commit(batch(text));
    const undone = disk.copy();
    undone.bytes(FIRST).fill(0, 3 * BLOCK_BYTES, 4 * BLOCK_BYTES);
    expect((await found(undone)).records).toEqual(['1 a', '1 b']);
    undone.bytes(FIRST).fill(0, 2 * BLOCK_BYTES, 3 * BLOCK_BYTES);
    expect((await found(undone)).records).toEqual(['1 a']);
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

  it('is damaged when one of its files is gone, empty or of another time', async () => {
    const first = disk.copy();
    await journal.rotate();
    await journal.complete(base('second'));
    await journal.rotate();
    await journal.complete(base('third'));
    for (const file of [FIRST, SECOND]) {
      for (const harm of ['gone', 'empty', 'old'] as const) {
        const damaged = disk.copy();
        if (harm === 'gone') damaged.files.delete(file);
        if (harm === 'empty') damaged.bytes(file).fill(0);
        // An old one that went before the other is not known here: the state it is for is newer than what it holds.
        if (harm === 'old') damaged.files.set(SECOND, first.bytes(SECOND));
        await expect(found(damaged), `${file} is ${harm}`).rejects.toThrow(JournalDamaged);
      }
    }
    first.files.delete(SECOND);
    await expect(found(first)).rejects.toThrow(JournalDamaged);
  });

  it('is damaged when a header is, whichever byte', async () => {
    for (let at = 0; at < 52 + 'start'.length; at += 1) {
      const damaged = disk.copy();
      damaged.bytes(FIRST)[at] = (damaged.bytes(FIRST)[at] ?? 0) ^ 0x20;
      await expect(found(damaged), `byte ${at}`).rejects.toThrow(JournalDamaged);
    }
  });

  it('asks all who attached themselves to settle, until they do not any more', async () => {
    const settled: string[] = [];
    const detach = journal.attach(async () => {
      settled.push('a');
    });
    journal.attach(async () => {
      settled.push('b');
    });
    await journal.settleOthers();
    detach();
    await journal.settleOthers();
    expect(settled).toEqual(['a', 'b', 'b']);
  });
});

describe('a journal whose disk', () => {
  const twoMiB = 2 << 20;

  it('is full refuses commits, keeps what others added, and has room to make a batch void', async () => {
    disk.capacityBytes = twoMiB;
    const big = batch('x'.repeat(100_000));
    const sequences: number[] = [];
    const refusal = await (async () => {
      for (;;) sequences.push(await journal.commit(big));
    })().catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: 'ENOSPC' });
    expect(sequences.length).toBeGreaterThan(5);
    journal.add(bytes('kept'));
    await expect(journal.commit(big)).rejects.toMatchObject({ code: 'ENOSPC' });
    await journal.makeVoid(sequences.at(-1) ?? 0);
    expect(journal.failure).toBeUndefined();
    const { records } = await found(disk);
    expect(records).toHaveLength(sequences.length - 1);
    // The other file has its room, and then there is some.
    await journal.rotate();
    await journal.complete(base('next'));
    await journal.commit(big);
    expect((await found(disk)).records.map((text) => text.slice(0, 6))).toEqual(['3 kept', '1 xxxx']);
  });

  it('has hardly any room takes what fits', async () => {
    disk = new MemoryFiles();
    disk.capacityBytes = 64 << 10;
    journal = await Journal.open({ disk });
    await restart(journal, base('start'));
    const big = 'x'.repeat(30_000);
    await journal.commit(batch(big));
    await expect(journal.commit(batch(big))).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(await found(disk)).toEqual({ base: 'start', records: [`1 ${big}`] });
  });

  it('is full makes a batch void, however much was added', async () => {
    const { sequence, kept } = await fillAndAdd(100_000);
    await journal.makeVoid(sequence);
    expect(journal.failure).toBeUndefined();
    await journal.rotate();
    await journal.commit(batch('after'));
    expect((await found(disk)).records.slice(-2)).toEqual([`3 ${kept}`, '1 after']);
  });

  it('is full lets its other file be used, however much was added', async () => {
    await fillAndAdd(5 << 20);
    await journal.rotate();
    await journal.complete(base('next'));
    disk.capacityBytes = 20 << 20;
    await journal.commit(batch('after'));
    expect((await found(disk)).records.slice(-1)).toEqual(['1 after']);
  });

  /** Until no commit has room. */
  async function fillAndAdd(count: number): Promise<{ readonly sequence: number; readonly kept: string }> {
    disk.capacityBytes = twoMiB;
    let sequence = 0;
    const fill = async (text: string): Promise<void> => {
      for (;;) sequence = await journal.commit(batch(text));
    };
    await expect(fill('x'.repeat(100_000))).rejects.toMatchObject({ code: 'ENOSPC' });
    await expect(fill('x')).rejects.toMatchObject({ code: 'ENOSPC' });
    const kept = 'y'.repeat(count);
    journal.add(bytes(kept));
    return { sequence, kept };
  }

  it('fails a write takes nothing any more', async () => {
    await journal.commit(batch('a'));
    disk.failure = Object.assign(new Error('EIO'), { code: 'EIO' });
    await expect(journal.commit(batch('b'))).rejects.toThrow('EIO');
    disk.failure = undefined;
    await expect(journal.commit(batch('c'))).rejects.toThrow('EIO');
    expect(() => journal.add(bytes('d'))).toThrow('EIO');
    await expect(journal.rotate()).rejects.toThrow('EIO');
    expect((await found(disk)).records).toEqual(['1 a']);
  });

  it('does not take a commit for durable that was lost, though a write beside it has heard of that', async () => {
    await journal.commit(batch('a'));
    await journal.rotate();
    const shown = Promise.withResolvers<void>();
    disk.loss = shown.promise;
    const committed = journal.commit(batch('b'));
    committed.catch(() => undefined);
    await vi.waitUntil(() => disk.loss === undefined);
    await expect(journal.complete(base('next'))).rejects.toThrow('EIO');
    shown.resolve();
    await expect(committed).rejects.toThrow('EIO');
    expect(journal.failure).toBeInstanceOf(Error);
  });

  it('has room is written in steps, a small one for a small journal', async () => {
    await journal.commit(batch('a'));
    expect(disk.bytes(FIRST).length).toBe(1 << 20);
    expect(disk.bytes(SECOND).length).toBe(1 << 20);
    for (let at = 0; at < 10; at += 1) await journal.commit(batch('x'.repeat(300_000)));
    expect(disk.bytes(FIRST).length).toBeLessThanOrEqual(4 << 20);
  });
});
