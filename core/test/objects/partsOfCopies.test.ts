/** Copies of copies: each round doubles what the next one is made of. */
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StoredPart, UploadRef } from '../../src/index.ts';
import { ENGINES, openRig, type Rig } from '../rig.ts';

let rig: Rig;
afterEach(() => rig.close());

const PART_BYTES = 5 << 20;
const at = (key: string) => ({ volume: rig.volume, key: Buffer.from(key) });

async function begin(key: string): Promise<UploadRef> {
  const { upload } = await rig.core.objects.createUpload({
    ...at(key),
    properties: {},
    userMetadata: {},
    initiator: 'me',
  });
  return { ...at(key), upload };
}

const copy = (ref: UploadRef, partNumber: number, from: string): Promise<StoredPart> =>
  rig.core.objects.copyPart({ ...ref, partNumber, source: at(from) });

async function complete(ref: UploadRef, parts: readonly StoredPart[]): Promise<void> {
  const named = parts.map(({ partNumber, md5 }) => ({ partNumber, etag: Buffer.from(md5).toString('hex') }));
  const combine = () => ({ etag: { digest: Buffer.alloc(16), parts: parts.length } });
  await rig.core.objects.completeUpload({ ...ref, parts: named, combine });
}

/** An object of 2^rounds times the same bytes. */
async function doubled(rounds: number): Promise<string> {
  const writer = rig.core.objects.stage({ lengthBytes: PART_BYTES });
  await writer.write(randomBytes(PART_BYTES));
  const body = await writer.finish();
  const etag = { digest: Buffer.alloc(16), parts: 0 };
  await rig.core.objects.put({ ...at('0'), body, etag, properties: {}, userMetadata: {} });
  for (let round = 0; round < rounds; round += 1) {
    const ref = await begin(`${round + 1}`);
    await complete(ref, [await copy(ref, 1, `${round}`), await copy(ref, 2, `${round}`)]);
  }
  return `${rounds}`;
}

describe.each(ENGINES)('parts copied from copies on the %s engine', (engine) => {
  beforeEach(async () => {
    rig = await openRig(engine);
  });

  it('are refused where the source lies in too many pieces', async () => {
    const source = await doubled(10);
    const ref = await begin('more');
    await expect(copy(ref, 1, source)).rejects.toMatchObject({ code: 'TooMuchAtOnce' });
    // Of a range that is few of them nothing is wrong.
    const range = { start: 0, end: PART_BYTES };
    await rig.core.objects.copyPart({ ...ref, partNumber: 1, source: { ...at(source), range } });
  });

  it('refer once to what was written bit by bit', async () => {
    const { files, objects } = rig.core;
    const caller = { uid: 0, gid: 0, groups: [] };
    const parent = await files.root({ volume: rig.volume });
    const how = { kind: 'guarded', attributes: { mode: 0o644 } } as const;
    const { file } = await files.create({ caller, parent, name: Buffer.from('bits'), how });
    const bits = randomBytes(1_200 * 1_000);
    const write = (start: number) =>
      files.write({ caller, file, offset: start, data: [bits.subarray(start, start + 1_000)] });
    // A few at a time: each that comes between has the others run again.
    for (let start = 0; start < bits.length; start += 10_000)
      await Promise.all(Array.from({ length: 10 }, (_, at) => write(start + at * 1_000)));
    const ref = await begin('copied');
    await complete(ref, [await copy(ref, 1, 'bits')]);
    const object = await objects.open(at('copied'));
    const chunks: Buffer[] = [];
    for await (const chunk of object.read()) chunks.push(Buffer.from(chunk));
    object.close();
    expect(Buffer.concat(chunks).equals(bits)).toBe(true);
  });
});

it('parts of one upload that lie in too many pieces together are refused', async () => {
  rig = await openRig('lmdb');
  const source = await doubled(9);
  const ref = await begin('more');
  const most = Math.floor(50_000 / 512);
  for (let number = 1; number <= most; number += 1) await copy(ref, number, source);
  await expect(copy(ref, most + 1, source)).rejects.toMatchObject({ code: 'TooMuchAtOnce' });
  // One that takes the place of another does not add to it.
  await copy(ref, most, source);
});
