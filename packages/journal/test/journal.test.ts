import { beforeEach, describe, expect, it } from 'vitest';
import { Journal, RECORD } from '../src/index.ts';
import { BLOCK_BYTES, base, batch, begun, bytes, FIRST, found, restart } from './journalRig.ts';
import { MemoryFiles } from './memoryFiles.ts';

let disk: MemoryFiles;
let journal: Journal;
beforeEach(async () => {
  ({ disk, journal } = await begun());
});

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
