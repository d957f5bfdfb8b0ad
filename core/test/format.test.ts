import { MemoryEngine } from '@facet/engine';
import { LocalExtentStore, MemoryDisk } from '@facet/extents';
import { describe, expect, it } from 'vitest';
import { fsck } from '../src/fsck/fsck.ts';
import { openCore, systemEnvironment } from '../src/index.ts';
import { formatKey } from '../src/meta/keys.ts';

const open = (engine: MemoryEngine, disk = new MemoryDisk({ random: () => 0.5 })) =>
  openCore({
    engine,
    openExtents: async (lease) => new LocalExtentStore({ disk: disk.mount(), lease }),
    environment: systemEnvironment(),
  });

async function withFlags(...flags: readonly [number, number, number]): Promise<MemoryEngine> {
  const engine = new MemoryEngine();
  const value = Buffer.alloc(13);
  value[0] = 1;
  for (const [i, word] of flags.entries()) value.writeUInt32BE(word, 1 + i * 4);
  await engine.write(function* (tx) {
    tx.put(formatKey(), value);
    return yield* tx.get(formatKey());
  });
  return engine;
}

describe('the format of a store', () => {
  it('is written into a new one, which opens again', async () => {
    const engine = new MemoryEngine();
    await (await open(engine)).close();
    const again = new MemoryEngine({ state: engine.snapshot() });
    await (await open(again)).close();
    expect(engine.snapshot().get(formatKey())).toHaveLength(13);
  });

  it('is not made where bytes lie whose metadata is lost', async () => {
    const disk = new MemoryDisk({ random: () => 0.5 });
    const core = await open(new MemoryEngine(), disk);
    await core.accounts.create({ name: 'tester' });
    const { id: volume } = await core.volumes.create({ name: 'bucket', owner: 'tester' });
    const writer = core.objects.stage({ lengthBytes: 5000 });
    await writer.write(Buffer.alloc(5000, 7));
    const etag = { digest: Buffer.alloc(16), parts: 0 };
    const body = await writer.finish();
    await core.objects.put({ volume, key: Buffer.from('k'), body, etag, properties: {}, userMetadata: {} });
    await core.close();

    const engine = new MemoryEngine();
    await expect(open(engine, disk)).rejects.toMatchObject({ code: 'Corrupt' });
    expect(engine.snapshot().get(formatKey())).toBeUndefined();
  });

  it('may have compatible features that are not known', async () => {
    await (await open(await withFlags(1, 0, 3))).close();
  });

  it.each([
    [0, 1, 3],
    [0, 0, 0x8000_0003],
  ] as const)('is refused with features %d, %d, %d', async (compatible, readOnlyCompatible, incompatible) => {
    await expect(open(await withFlags(compatible, readOnlyCompatible, incompatible))).rejects.toMatchObject({
      code: 'Invalid',
      message: expect.stringContaining('does not know'),
    });
  });

  it('is refused if an older program wrote it, by fsck, too, which would mend what is none of its own', async () => {
    const older = { code: 'Invalid', message: expect.stringContaining('written by an older version') };
    const engine = await withFlags(0, 0, 1);
    await expect(open(engine)).rejects.toMatchObject(older);
    const extents = new LocalExtentStore({
      disk: new MemoryDisk({ random: () => 0.5 }).mount(),
      lease: () => Promise.reject(new Error('nothing is written')),
    });
    await expect(fsck({ engine, extents, onFinding: () => undefined })).rejects.toMatchObject(older);
    await extents.close();
  });
});
