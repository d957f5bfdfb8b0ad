import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { Journal, JournalDamaged, RECORD } from '../src/index.ts';
import { BLOCK_BYTES, base, batch, begun, bytes, FIRST, found, restart, SECOND } from './journalRig.ts';
import type { MemoryFiles } from './memoryFiles.ts';

let disk: MemoryFiles;
let journal: Journal;
beforeEach(async () => {
  ({ disk, journal } = await begun());
});

describe('a journal', () => {
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
});
