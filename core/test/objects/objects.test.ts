import { createHash, randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Etag, OpenObject, PutObjectArgs, PutObjectResult, Tags } from '../../src/index.ts';
import { ENGINES, openRig, type Rig } from '../rig.ts';

const md5 = (bytes: Uint8Array): Etag => ({ digest: createHash('md5').update(bytes).digest(), parts: 0 });

async function readAll(object: OpenObject, range?: { start: number; end: number }): Promise<Buffer> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of object.read(range)) chunks.push(chunk);
  } finally {
    object.close();
  }
  return Buffer.concat(chunks);
}

describe.each(ENGINES)('objects on the %s engine', (kind) => {
  let rig: Rig;
  beforeEach(async () => {
    rig = await openRig(kind);
  });
  afterEach(() => rig.close());

  async function put(
    key: string,
    bytes: Uint8Array,
    more: Partial<PutObjectArgs> & { tags?: Tags } = {},
  ): Promise<PutObjectResult> {
    const { objects } = rig.core;
    const writer = objects.stage({ lengthBytes: bytes.length });
    for (let at = 0; at < bytes.length; at += 65_536) await writer.write(bytes.subarray(at, at + 65_536));
    const body = await writer.finish();
    return objects.put({
      volume: rig.volume,
      key: Buffer.from(key),
      body,
      etag: md5(bytes),
      properties: {},
      userMetadata: {},
      ...more,
    });
  }
  const at = (key: string) => ({ volume: rig.volume, key: Buffer.from(key) });
  const get = async (key: string) => readAll(await rig.core.objects.open(at(key)));
  async function keys(prefix = '', delimiter = '', after?: string): Promise<string[]> {
    const { entries } = await rig.core.objects.list({
      volume: rig.volume,
      prefix: Buffer.from(prefix),
      delimiter: Buffer.from(delimiter),
      limit: 1000,
      ...(after !== undefined && { after: Buffer.from(after) }),
    });
    return entries.map((entry) => (entry.kind === 'object' ? entry.key : entry.prefix).toString());
  }

  it.each([0, 1, 960, 961, 4096, 262_144, 262_145, 1_048_576, 3_500_001])(
    'holds %d bytes, and reads any slice of them',
    async (length) => {
      const bytes = randomBytes(length);
      const { etag } = await put('file', bytes, { userMetadata: { colour: 'blue' } });
      expect(etag).toBe(createHash('md5').update(bytes).digest('hex'));
      expect((await get('file')).equals(bytes)).toBe(true);
      const info = await rig.core.objects.head(at('file'));
      expect(info).toMatchObject({ sizeBytes: length, etag, userMetadata: { colour: 'blue' } });
      if (length === 0) return;
      const [start, end] = [Math.floor(length / 3), length - 1 - Math.floor(length / 5)];
      const slice = await readAll(await rig.core.objects.open(at('file')), { start, end });
      expect(slice.equals(bytes.subarray(start, end + 1))).toBe(true);
    },
  );

  it('keeps a reader on the version it opened', async () => {
    const first = randomBytes(300_000);
    await put('file', first);
    const reader = await rig.core.objects.open(at('file'));
    await put('file', randomBytes(200_000));
    await rig.core.objects.delete(at('file'));
    expect((await readAll(reader)).equals(first)).toBe(true);
  });

  const SHAPES = [
    'a',
    'a/b',
    'a/',
    'a//b',
    'a//',
    '/a',
    '/',
    '//',
    '.',
    '..',
    './a',
    '../a',
    'a/./b',
    'a/../b',
    'foo+1/bar',
    'foo/bar',
    'foo/bar/xyzzy',
    'quux ab/thud',
    'asdf+b',
    'A',
    'é',
    'e\u0301',
    'nul\0inside',
    `${'x'.repeat(300)}/y`,
    'k'.repeat(1024),
    `${'d/'.repeat(511)}ee`,
  ];

  it('holds every shape of key side by side, and lists them in byte order', async () => {
    for (const key of SHAPES) await put(key, Buffer.from(`body of ${key}`));
    for (const key of SHAPES) expect((await get(key)).toString()).toBe(`body of ${key}`);
    const sorted = [...SHAPES].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect(await keys()).toEqual(sorted);
    for (const key of SHAPES) expect(await rig.core.objects.delete(at(key))).toEqual({ existed: true });
    expect(await keys()).toEqual([]);
    // What was made for the keys went with them.
    expect(await rig.core.volumes.usage(rig.volume)).toEqual({ bytes: 0, inodes: 1 });
    await rig.core.volumes.delete(rig.volume);
  });

  it('refuses what is no key', async () => {
    await expect(put('', Buffer.from('x'))).rejects.toMatchObject({ code: 'Invalid' });
    await expect(put('k'.repeat(1025), Buffer.from('x'))).rejects.toMatchObject({ code: 'NameTooLong' });
  });

  it('lists with prefix, delimiter and start as a sorted list of keys would', async () => {
    const universe = [
      'a',
      'a/',
      'a/b',
      'a/b/c',
      'a/bc',
      'a-b',
      'a.b',
      'ab',
      'b/',
      'b/c/d',
      'c//d',
      'c/d',
      '/e',
      'f',
    ];
    for (const key of universe) await put(key, Buffer.from(key));
    const sorted = universe.map((key) => Buffer.from(key)).sort(Buffer.compare);
    for (const prefix of ['', 'a', 'a/', 'a/b', 'a/b/', 'b', 'b/c', 'c/', '/', 'zz', 'a/b/c/d']) {
      for (const delimiter of ['', '/', 'b', '-', '/b', '.']) {
        for (const after of [
          undefined,
          'a',
          'a/',
          'a/b',
          'a/b/',
          'a/b/c',
          'b/',
          'b/c',
          'c/',
          'c//',
          'f',
          '',
        ]) {
          const expected = naive(sorted, prefix, delimiter, after);
          expect(await keys(prefix, delimiter, after), `${prefix}|${delimiter}|${after}`).toEqual(expected);
        }
      }
    }
  });

  it('ends a page early when it goes through very many directories, and goes on from there', async () => {
    const deep = Array.from({ length: 12 }, (_, at) => `${String(at).padStart(2, '0')}${'/'.repeat(1000)}x`);
    for (const key of deep) await put(key, Buffer.of());
    const found: string[] = [];
    const lengths: number[] = [];
    for (let after: string | undefined; ; after = found.at(-1)) {
      const { entries, truncated } = await rig.core.objects.list({
        volume: rig.volume,
        prefix: Buffer.of(),
        delimiter: Buffer.of(),
        limit: 1000,
        ...(after !== undefined && { after: Buffer.from(after) }),
      });
      found.push(...entries.map((entry) => (entry.kind === 'object' ? entry.key : entry.prefix).toString()));
      lengths.push(entries.length);
      if (!truncated) break;
    }
    expect(found).toEqual(deep);
    expect(Math.max(...lengths)).toBeLessThan(8);
    // Common prefixes are looked for as deep.
    const prefixes = { volume: rig.volume, prefix: Buffer.of(), delimiter: Buffer.from('x'), limit: 1000 };
    const { entries, truncated } = await rig.core.objects.list(prefixes);
    expect(truncated).toBe(true);
    expect(entries.length).toBeLessThan(8);
  });

  it('pages without gap or repeat', async () => {
    const universe = Array.from({ length: 137 }, (_, i) => `${i % 7}/${i % 3}/${i}`);
    for (const key of universe) await put(key, Buffer.from(key));
    for (const delimiter of ['', '/']) {
      const seen: string[] = [];
      let after: Buffer | undefined;
      for (;;) {
        const page = await rig.core.objects.list({
          volume: rig.volume,
          prefix: Buffer.alloc(0),
          delimiter: Buffer.from(delimiter),
          limit: 5,
          ...(after && { after }),
        });
        for (const entry of page.entries) {
          after = entry.kind === 'object' ? entry.key : entry.prefix;
          seen.push(after.toString());
        }
        if (!page.truncated) break;
        expect(page.entries).toHaveLength(5);
      }
      expect(seen).toEqual(await keys('', delimiter));
    }
  });

  it('lets one of many racing writers win', async () => {
    const attempts = Array.from({ length: 64 }, (_, i) =>
      put('race', Buffer.from(`writer ${i}`), { precondition: { ifNoneMatch: ['*'] } }),
    );
    const settled = await Promise.allSettled(attempts);
    const won = settled.flatMap((result, i) => (result.status === 'fulfilled' ? [i] : []));
    expect(won).toHaveLength(1);
    expect((await get('race')).toString()).toBe(`writer ${won[0]}`);
    for (const result of settled) {
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'PreconditionFailed' });
    }
  });

  it('checks what a writer demands of the object', async () => {
    await expect(put('f', Buffer.from('x'), { precondition: { ifMatch: ['abc'] } })).rejects.toMatchObject({
      code: 'NoEntry',
    });
    const { etag } = await put('f', Buffer.from('one'));
    await put('f', Buffer.from('two'), { precondition: { ifMatch: [etag] } });
    await expect(put('f', Buffer.from('three'), { precondition: { ifMatch: [etag] } })).rejects.toMatchObject(
      {
        code: 'PreconditionFailed',
      },
    );
    const stale = { ...at('f'), precondition: { ifMatch: [etag] } };
    await expect(rig.core.objects.delete(stale)).rejects.toMatchObject({ code: 'PreconditionFailed' });
    expect((await get('f')).toString()).toBe('two');
  });

  it('copies without moving bytes, onto itself too', async () => {
    const { objects } = rig.core;
    for (const length of [0, 10, 10_000, 600_000]) {
      const bytes = randomBytes(length);
      const { etag } = await put('from', bytes, {
        userMetadata: { a: '1' },
        tags: [{ key: 't', value: 'v' }],
      });
      const copied = await objects.copy({ source: at('from'), target: at('to/here') });
      expect(copied.etag).toBe(etag);
      await objects.delete(at('from'));
      expect((await get('to/here')).equals(bytes)).toBe(true);
      expect(await objects.getTags(at('to/here'))).toEqual([{ key: 't', value: 'v' }]);
      const attributes = { properties: {}, userMetadata: { a: '2' } };
      await objects.copy({ source: at('to/here'), target: at('to/here'), attributes });
      expect((await get('to/here')).equals(bytes)).toBe(true);
      expect((await objects.head(at('to/here'))).userMetadata).toEqual({ a: '2' });
      await objects.delete(at('to/here'));
    }
    await expect(objects.copy({ source: at('none'), target: at('x') })).rejects.toMatchObject({
      code: 'NoEntry',
    });
  });

  it('keeps the object `dir/` apart from what is in the directory', async () => {
    const { objects } = rig.core;
    await put('dir/x', Buffer.from('x'));
    await expect(objects.head(at('dir/'))).rejects.toMatchObject({ code: 'NoEntry' });
    await put('dir/', Buffer.from('the directory has bytes'));
    expect((await get('dir/')).toString()).toBe('the directory has bytes');
    await objects.delete(at('dir/'));
    expect(await keys()).toEqual(['dir/x']);
    await put('dir/', Buffer.alloc(0));
    await objects.delete(at('dir/x'));
    expect(await keys()).toEqual(['dir/']);
    await objects.delete(at('dir/'));
    expect(await rig.core.volumes.usage(rig.volume)).toEqual({ bytes: 0, inodes: 1 });
  });

  it('joins parts in their order, and answers a repeated complete as before', async () => {
    const { objects } = rig.core;
    const MiB = 1024 * 1024;
    const { upload } = await objects.createUpload({
      ...at('big'),
      properties: {},
      userMetadata: {},
      initiator: 'me',
    });
    const ref = { ...at('big'), upload };
    const bodies = [randomBytes(5 * MiB), randomBytes(5 * MiB + 1), randomBytes(100)];
    const parts: { partNumber: number; etag: string }[] = [];
    for (const [i, bytes] of bodies.entries()) {
      const writer = objects.stage({});
      for (let from = 0; from < bytes.length; from += 100_000)
        await writer.write(bytes.subarray(from, from + 100_000));
      const { digest } = md5(bytes);
      await objects.putPart({ ...ref, partNumber: i * 2 + 1, body: await writer.finish(), md5: digest });
      parts.push({ partNumber: i * 2 + 1, etag: Buffer.from(digest).toString('hex') });
    }
    const combine = () => ({ etag: { digest: Buffer.alloc(16, 7), parts: 3 } });
    const [first = { partNumber: 0, etag: '' }, ...rest] = parts;
    const swapped = objects.completeUpload({ ...ref, parts: [...rest, first], combine });
    await expect(swapped).rejects.toMatchObject({ code: 'InvalidPartOrder' });
    const wrong = objects.completeUpload({ ...ref, parts: [{ ...first, etag: '00' }], combine });
    await expect(wrong).rejects.toMatchObject({ code: 'InvalidPart' });
    const done = await objects.completeUpload({ ...ref, parts, combine });
    expect(done.etag).toBe(`${'07'.repeat(16)}-3`);
    expect(await objects.completeUpload({ ...ref, parts, combine })).toEqual(done);
    const whole = Buffer.concat(bodies);
    expect((await get('big')).equals(whole)).toBe(true);
    const opened = await objects.open({ ...at('big'), withParts: true });
    const second = opened.part(3);
    expect((await readAll(opened, second)).equals(bodies[1] ?? Buffer.alloc(0))).toBe(true);
    expect(opened.info.parts).toBe(3);
    await objects.copy({ source: at('big'), target: at('copy') });
    await objects.delete(at('big'));
    expect((await get('copy')).equals(whole)).toBe(true);
  });

  it('copies parts from objects, ranges of them and parts of copies', async () => {
    const { objects } = rig.core;
    const MiB = 1024 * 1024;
    const bytes = randomBytes(6 * MiB);
    await put('source', bytes);
    const begin = () =>
      objects.createUpload({ ...at('o'), properties: {}, userMetadata: {}, initiator: 'me' });
    const combine = () => ({ etag: { digest: Buffer.alloc(16), parts: 2 } });
    let from = 'source';
    let expected = bytes;
    for (let round = 0; round < 3; round += 1) {
      const ref = { ...at('o'), upload: (await begin()).upload };
      const range = { start: 17, end: 17 + 5 * MiB };
      const one = await objects.copyPart({ ...ref, partNumber: 1, source: { ...at(from), range } });
      const two = await objects.copyPart({ ...ref, partNumber: 2, source: at(from) });
      const parts = [one, two].map(({ partNumber, md5: digest }) => ({
        partNumber,
        etag: Buffer.from(digest).toString('hex'),
      }));
      await objects.completeUpload({ ...ref, parts, combine });
      expected = Buffer.concat([expected.subarray(17, 18 + 5 * MiB), expected]);
      expect((await get('o')).equals(expected)).toBe(true);
      from = 'o';
    }
  });
});

/** What S3 documents, done the slow way. */
function naive(
  sorted: readonly Buffer[],
  prefix: string,
  delimiter: string,
  after: string | undefined,
): string[] {
  const seen: string[] = [];
  for (const raw of sorted) {
    const key = raw.toString();
    if (!key.startsWith(prefix)) continue;
    if (after !== undefined && Buffer.compare(raw, Buffer.from(after)) <= 0) continue;
    const found = delimiter ? key.indexOf(delimiter, prefix.length) : -1;
    const line = found < 0 ? key : key.slice(0, found + delimiter.length);
    if (found >= 0 && line === after) continue;
    if (seen.at(-1) !== line) seen.push(line);
  }
  return seen;
}
