/** UploadPartCopy of what lies in more pieces than are shared. */
import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { HashingThread } from '../src/hashing/hashingThread.ts';
import { md5Hex, textOf } from './client.ts';
import { startWorld, type World } from './world.ts';

const BLOCK_BYTES = 1_000;
const BLOCKS = 1_100;

let world: World;
beforeAll(async () => {
  world = await startWorld();
  await world.alice.put('/pieces');
});
afterAll(async () => {
  expect(world.errors).toEqual([]);
  await world.close();
});

/** A copy whose every second block was written since: what is between them is the original's. */
async function patchwork(): Promise<Buffer> {
  const bytes = randomBytes(BLOCKS * BLOCK_BYTES);
  await world.alice.put('/pieces/original', bytes);
  await world.alice.put('/pieces/patched', '', { 'x-amz-copy-source': '/pieces/original' });
  const { files, volumes } = world.core;
  const volume = await volumes.find('pieces');
  if (!volume) throw new Error('there is no bucket');
  const caller = { uid: 0, gid: 0, groups: [] };
  const parent = await files.root({ volume: volume.id });
  const { file } = await files.lookup({ parent, name: Buffer.from('patched'), caller });
  if (!file) throw new Error('there is no copy');
  for (let start = 0; start < bytes.length; start += 2 * BLOCK_BYTES) {
    const block = randomBytes(BLOCK_BYTES);
    block.copy(bytes, start);
    await files.write({ caller, file, offset: start, data: [block] });
  }
  return bytes;
}

it.each([{}, { 'x-amz-checksum-algorithm': 'CRC32', 'x-amz-checksum-type': 'FULL_OBJECT' }])(
  'copies the bytes instead, with %o',
  async (asked) => {
    const bytes = await patchwork();
    const created = await world.alice.post('/pieces/copy?uploads', '', asked as Record<string, string>);
    const path = `/pieces/copy?uploadId=${textOf(created.text, 'UploadId')}`;
    const source = { 'x-amz-copy-source': '/pieces/patched' };
    const refused = await world.alice.put(`${path}&partNumber=1`, '', {
      ...source,
      'x-amz-copy-source-if-match': '"00"',
    });
    expect(refused).toMatchObject({ status: 412, code: 'PreconditionFailed' });
    const opened = vi.spyOn(world.core.objects, 'open');
    const copied = await world.alice.put(`${path}&partNumber=1`, '', source);
    expect(copied.status).toBe(200);
    // What is read for a checksum is not read once more for the copy.
    expect(opened).toHaveBeenCalledTimes(1);
    opened.mockRestore();
    expect(textOf(copied.text, 'ETag')).toBe(`"${md5Hex(bytes)}"`);
    const part = `<Part><PartNumber>1</PartNumber><ETag>${md5Hex(bytes)}</ETag></Part>`;
    const done = await world.alice.post(path, `<CompleteMultipartUpload>${part}</CompleteMultipartUpload>`);
    expect(done.status).toBe(200);
    expect((await world.alice.get('/pieces/copy')).body.equals(bytes)).toBe(true);
  },
);

it('copies no bytes of a source that has none by then', async () => {
  await patchwork();
  const created = await world.alice.post('/pieces/copy?uploads');
  const path = `/pieces/copy?uploadId=${textOf(created.text, 'UploadId')}&partNumber=1`;
  const { copyPart } = world.core.objects;
  vi.spyOn(world.core.objects, 'copyPart').mockImplementationOnce((args) =>
    copyPart.call(world.core.objects, args).finally(() => world.alice.put('/pieces/patched')),
  );
  const copied = await world.alice.put(path, '', { 'x-amz-copy-source': '/pieces/patched' });
  expect(copied.status).toBe(200);
  expect(textOf(copied.text, 'ETag')).toBe(`"${md5Hex('')}"`);
});

it('stores the last bytes while they are hashed, and gives them back where that fails', async () => {
  await patchwork();
  const created = await world.alice.post('/pieces/copy?uploads');
  const path = `/pieces/copy?uploadId=${textOf(created.text, 'UploadId')}&partNumber=1`;
  const containers = () => readdir(world.extents, { recursive: true });
  const files = await containers();
  const { promise: stored, resolve } = Promise.withResolvers<void>();
  const { stage } = world.core.objects;
  vi.spyOn(world.core.objects, 'stage').mockImplementationOnce((hint) => {
    const writer = stage.call(world.core.objects, hint);
    const { finish } = writer;
    writer.finish = async () => {
      const staged = await finish.call(writer);
      resolve();
      return staged;
    };
    return writer;
  });
  const failure = new Error('the thread ended');
  vi.spyOn(HashingThread.prototype, 'end').mockImplementationOnce(async () => {
    await stored;
    throw failure;
  });
  const failed = await world.alice.put(path, '', { 'x-amz-copy-source': '/pieces/patched' });
  expect(failed).toMatchObject({ status: 500, code: 'InternalError' });
  expect(world.errors.splice(0)).toMatchObject([{ err: failure }]);
  await expect.poll(async () => (await containers()).filter((name) => !files.includes(name))).toEqual([]);
});
