import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Journal, RECORD } from '@facet/journal';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NodeDisk } from '../src/index.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'facet-journal-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** As a file system does that opens files for direct writes and then does not take any. */
class Refusing extends NodeDisk {
  override memory(bytes: number): Buffer {
    return super.memory(bytes + 1).subarray(1);
  }
}

describe.each([
  ['takes direct writes, where it can', NodeDisk],
  ['refuses direct writes', Refusing],
])('a journal on a disk that %s', (_, Kind) => {
  it('has what was acknowledged', async () => {
    const disk = new Kind(folder);
    const journal = await Journal.open({ disk });
    await journal.begin();
    await journal.complete(Buffer.from('base'));
    const texts = [1, 4000, 4056, 4057, 200_000, (1 << 20) - 40, (1 << 20) - 39, 3 << 20]
      .flatMap((length) => [length, 10])
      .map((length, at) => `${at}`.padEnd(length, '.'));
    for (const text of texts) {
      await journal.commit({ kind: RECORD.batch, payload: [Buffer.from(text)] });
      expect(await stored()).toHaveLength(texts.indexOf(text) + 1);
    }
    await journal.close();
    expect((await stored()).every((text, at) => text === texts[at])).toBe(true);
    // All or nothing: whatever is not of whole blocks would go through the page cache.
    const { directBytes, writtenBytes } = disk.counts;
    expect(Kind === Refusing ? [0] : [0, writtenBytes]).toContain(directBytes);
  });
});

/** What a start finds, were the process killed now. */
async function stored(): Promise<readonly string[]> {
  const found = await Journal.open({ disk: new NodeDisk(folder) });
  const texts: string[] = [];
  for await (const { payload } of found.replay()) texts.push(`${payload}`);
  expect(found.base && `${Buffer.from(found.base)}`).toBe('base');
  await found.close();
  return texts;
}
