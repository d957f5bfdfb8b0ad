import { describe, expect, it } from 'vitest';
import { type ContainerId, containerId, type DiskFile, MemoryDisk } from '../src/index.ts';
import { OpenFiles } from '../src/openFiles.ts';
import { randomFrom } from './fixtures.ts';

/** Open files over a disk that holds container 1 to 20, with a count of those open. */
async function counted(max: number) {
  const disk = new MemoryDisk({ random: randomFrom(1) }).mount();
  for (let id = 1; id <= 20; id++) await (await disk.create(`${id}`, 'buffered')).close();
  const open = new Set<DiskFile>();
  let opened = 0;
  const files = new OpenFiles({
    max,
    open: async (container) => {
      if (container > 20) return undefined;
      if (container === 20) throw Object.assign(new Error('EMFILE'), { code: 'EMFILE' });
      const file = await disk.open(`${container}`, 'buffered');
      opened++;
      open.add(file);
      const close = file.close.bind(file);
      file.close = async () => {
        open.delete(file);
        await close();
      };
      return file;
    },
  });
  const use = async (id: number) => {
    const entry = files.take(containerId(id), 'segment');
    await entry.opened;
    return entry;
  };
  return { files, open, use, opens: () => opened };
}

const first: ContainerId = containerId(1);

describe('open files', () => {
  it('stay open for the next use, the least recently used going first', async () => {
    const { files, open, use, opens } = await counted(3);
    for (const id of [1, 2, 3, 1, 4, 1, 5]) files.release(await use(id));
    expect(opens()).toBe(5);
    expect(open.size).toBe(3);
    files.release(await use(1));
    expect(opens()).toBe(5);
    files.release(await use(2));
    expect(opens()).toBe(6);
    expect(open.size).toBe(3);
  });

  it('are never closed while in use, and are closed when the last user is done', async () => {
    const { files, open, use } = await counted(2);
    const inUse = await Promise.all([1, 2, 3, 4, 5, 5].map(use));
    expect(open.size).toBe(5);
    for (const entry of inUse) {
      expect(await entry.file?.size()).toBe(0);
      files.release(entry);
    }
    expect(open.size).toBe(2);
    files.retireAll();
    expect(open.size).toBe(0);
  });

  it('are opened once for all who ask at the same time', async () => {
    const { files, use, opens } = await counted(2);
    const users = await Promise.all([use(1), use(1), use(1)]);
    expect(opens()).toBe(1);
    expect(new Set(users.map(({ file }) => file)).size).toBe(1);
    for (const entry of users) files.release(entry);
  });

  it('are forgotten when retired: at once for those who come, at their end for those who read', async () => {
    const { files, open, use, opens } = await counted(3);
    const reading = await use(1);
    files.retire(first);
    expect(open.size).toBe(1);
    files.release(reading);
    expect(open.size).toBe(0);
    files.release(await use(1));
    expect(opens()).toBe(2);
  });

  it('are closed even when released and retired before they were open', async () => {
    const { files, open } = await counted(3);
    const entry = files.take(first, 'segment');
    files.retire(first);
    files.release(entry);
    await entry.opened;
    await Promise.resolve();
    expect(open.size).toBe(0);
  });

  it('are not remembered when there was none or it could not be opened', async () => {
    const { files, use } = await counted(3);
    for (let round = 0; round < 2; round++) {
      const missing = await use(30);
      expect(missing.file).toBeUndefined();
      files.release(missing);
      const refused = files.take(containerId(20), 'segment');
      await expect(refused.opened).rejects.toThrow('EMFILE');
      files.release(refused);
    }
  });
});
