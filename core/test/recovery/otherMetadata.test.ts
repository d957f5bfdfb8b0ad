import { MemoryEngine, type MemoryState } from '@facet/engine';
import { containerId, LocalExtentStore, MemoryDisk } from '@facet/extents';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Core, openCore, systemEnvironment } from '../../src/index.ts';
import { randomFrom } from '../random.ts';

let disk: MemoryDisk;
let old: MemoryState;
let current: MemoryState;

function open(engine: MemoryEngine): Promise<Core> {
  return openCore({
    engine,
    openExtents: async (lease) => new LocalExtentStore({ disk: disk.mount(), lease }),
    environment: systemEnvironment(),
  });
}

async function containers(): Promise<readonly number[]> {
  const store = new LocalExtentStore({
    disk: disk.mount(),
    lease: () => Promise.reject(new Error('nothing is written')),
  });
  return (await store.list()).map(({ container }) => container);
}

beforeEach(async () => {
  disk = new MemoryDisk({ random: randomFrom(1) });
  const engine = new MemoryEngine();
  const core = await open(engine);
  await core.accounts.create({ name: 'tester' });
  const { id: volume } = await core.volumes.create({ name: 'bucket', owner: 'tester' });
  const put = async (key: string): Promise<unknown> => {
    const writer = core.objects.stage({ lengthBytes: 1 << 20 });
    await writer.write(Buffer.alloc(40_000, key));
    const etag = { digest: Buffer.alloc(16), parts: 0 };
    const object = { volume, key: Buffer.from(key), etag, properties: {}, userMetadata: {} };
    return core.objects.put({ ...object, body: await writer.finish() });
  };
  await put('early');
  old = engine.snapshot();
  // Past the containers that were leased for the first one.
  for (let index = 0; index < 70; index += 1) await put(`late ${index}`);
  await core.close();
  current = engine.snapshot();
});

describe('a start', () => {
  it('with metadata older than the containers is refused, and changes neither', async () => {
    const before = await containers();
    const engine = new MemoryEngine({ state: old });
    await expect(open(engine)).rejects.toMatchObject({
      name: 'FsError',
      code: 'Corrupt',
      message: expect.stringMatching(
        /older than the data: it knows of containers up to 00\/00000000000040, and there are some up to 00\/00000000000047\..* named 00000000000041 and/,
      ),
    });
    expect(engine.snapshot()).toBe(old);
    expect(await containers()).toEqual(before);
  });

  it('is possible with it once those it does not know are moved away', async () => {
    const mount = disk.mount();
    for (const id of await containers()) {
      if (id > 64) await mount.unlink(`00/${containerId(id).toString(16).padStart(14, '0')}.ext`);
    }
    await (await open(new MemoryEngine({ state: old }))).close();
  });

  it('with the metadata of the containers goes on', async () => {
    await (await open(new MemoryEngine({ state: current }))).close();
  });

  it('without metadata beside containers is refused', async () => {
    await expect(open(new MemoryEngine())).rejects.toMatchObject({
      code: 'Corrupt',
      message: expect.stringContaining('there is no metadata, but containers up to 00/00000000000047'),
    });
  });
});
