import { beforeEach, describe, expect, it, vi } from 'vitest';
import { Journal } from '../src/index.ts';
import { base, batch, begun, bytes, FIRST, found, restart, SECOND } from './journalRig.ts';
import { MemoryFiles } from './memoryFiles.ts';

let disk: MemoryFiles;
let journal: Journal;
beforeEach(async () => {
  ({ disk, journal } = await begun());
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
