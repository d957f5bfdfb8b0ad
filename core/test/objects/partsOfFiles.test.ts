import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ENGINES, openRig, type Rig } from '../rig.ts';

let rig: Rig;
afterEach(() => rig.close());

const ROOT = { uid: 0, gid: 0, groups: [] };

describe.each(ENGINES)('parts copied from files on the %s engine', (engine) => {
  beforeEach(async () => {
    rig = await openRig(engine);
  });

  it.each([
    [undefined, Buffer.concat([Buffer.from('small'), Buffer.alloc(1_995)])],
    [{ start: 3, end: 9 }, Buffer.from('ll\0\0\0\0\0')],
    [{ start: 100, end: 149 }, Buffer.alloc(50)],
  ])('have the hole behind what is small, range %o', async (range, expected) => {
    const { files, objects } = rig.core;
    const parent = await files.root({ volume: rig.volume });
    const how = { kind: 'guarded', attributes: { mode: 0o644 } } as const;
    const { file } = await files.create({ caller: ROOT, parent, name: Buffer.from('file'), how });
    await files.write({ caller: ROOT, file, offset: 0, data: [Buffer.from('small')] });
    await files.setattr({ caller: ROOT, file, changes: { sizeBytes: 2_000 } });
    const at = { volume: rig.volume, key: Buffer.from('whole') };
    const { upload } = await objects.createUpload({
      ...at,
      properties: {},
      userMetadata: {},
      initiator: 'me',
    });
    const source = { volume: rig.volume, key: Buffer.from('file'), ...(range && { range }) };
    const { md5 } = await objects.copyPart({ ...at, upload, partNumber: 1, source });
    const parts = [{ partNumber: 1, etag: Buffer.from(md5).toString('hex') }];
    const combine = () => ({ etag: { digest: Buffer.alloc(16), parts: 1 } });
    await objects.completeUpload({ ...at, upload, parts, combine });
    const object = await objects.open(at);
    const chunks: Buffer[] = [];
    for await (const chunk of object.read()) chunks.push(Buffer.from(chunk));
    object.close();
    expect(Buffer.concat(chunks).equals(expected)).toBe(true);
  });
});
