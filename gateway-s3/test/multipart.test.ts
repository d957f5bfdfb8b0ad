import { createHash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { md5Hex, textOf, texts } from './client.ts';
import { startWorld, type World } from './world.ts';

const MIB = 1 << 20;
const big = randomBytes(5 * MIB);
const small = randomBytes(100_000);

let world: World;
beforeAll(async () => {
  world = await startWorld();
  await world.alice.put('/parts');
});
afterAll(async () => {
  expect(world.errors).toEqual([]);
  await world.close();
});

const create = async (key: string, headers: Record<string, string> = {}) => {
  const answer = await world.alice.post(`/parts/${key}?uploads`, '', headers);
  expect(answer.status).toBe(200);
  return textOf(answer.text, 'UploadId') ?? '';
};
const upload = (
  key: string,
  id: string,
  number: number,
  body: Buffer | string,
  headers: Record<string, string> = {},
) => world.alice.put(`/parts/${key}?partNumber=${number}&uploadId=${id}`, body, headers);
interface Named {
  readonly number: number;
  readonly etag: string;
  readonly more?: string;
}
const list = (parts: readonly Named[]) =>
  `<CompleteMultipartUpload>${parts
    .map(
      ({ number, etag, more = '' }) =>
        `<Part><PartNumber>${number}</PartNumber><ETag>${etag.replaceAll('"', '&quot;')}</ETag>${more}</Part>`,
    )
    .join('')}</CompleteMultipartUpload>`;
const complete = (key: string, id: string, parts: readonly Named[], headers: Record<string, string> = {}) =>
  world.alice.post(`/parts/${key}?uploadId=${id}`, list(parts), headers);
const etagOf = (...parts: readonly Buffer[]) =>
  `"${md5Hex(Buffer.concat(parts.map((part) => Buffer.from(md5Hex(part), 'hex'))))}-${parts.length}"`;
const crc = (bytes: Buffer) => {
  const value = Buffer.alloc(4);
  value.writeUInt32BE(crc32(bytes));
  return value;
};

describe('a multipart upload', () => {
  it('is one object once completed, and not before', async () => {
    const id = await create('whole', {
      'content-type': 'text/x',
      'x-amz-meta-a': '1',
      'x-amz-tagging': 'a=1',
    });
    const second = await upload('whole', id, 7, small);
    const first = await upload('whole', id, 2, big);
    expect(first.headers.etag).toBe(`"${md5Hex(big)}"`);
    expect(await world.alice.get('/parts/whole')).toMatchObject({ status: 404 });
    const named = [
      { number: 2, etag: String(first.headers.etag) },
      { number: 7, etag: String(second.headers.etag) },
    ];
    const done = await complete('whole', id, named);
    expect(done.status).toBe(200);
    expect(textOf(done.text, 'ETag')).toBe(etagOf(big, small));
    expect(textOf(done.text, 'Location')).toBe(`http://127.0.0.1:${world.port}/parts/whole`);
    expect(textOf(done.text, 'ChecksumType')).toBe('FULL_OBJECT');

    const got = await world.alice.get('/parts/whole', { 'x-amz-checksum-mode': 'ENABLED' });
    expect(got.body.equals(Buffer.concat([big, small]))).toBe(true);
    expect(got.headers).toMatchObject({
      etag: etagOf(big, small),
      'content-type': 'text/x',
      'x-amz-meta-a': '1',
      'x-amz-tagging-count': '1',
      'x-amz-checksum-crc64nvme': textOf(done.text, 'ChecksumCRC64NVME'),
    });
    // What a plain upload of the same bytes gets.
    const plain = await world.alice.put('/parts/plain', Buffer.concat([big, small]));
    expect(plain.headers['x-amz-checksum-crc64nvme']).toBe(got.headers['x-amz-checksum-crc64nvme']);

    const again = await complete('whole', id, named);
    expect(again).toMatchObject({ status: 200 });
    expect(textOf(again.text, 'ETag')).toBe(etagOf(big, small));
    expect(await upload('whole', id, 1, small)).toMatchObject({ status: 404, code: 'NoSuchUpload' });
  });

  it('is read by part', async () => {
    const one = await world.alice.get('/parts/whole?partNumber=2');
    const alternatives = [one, await world.alice.get('/parts/whole?partNumber=7')];
    expect(alternatives.map(({ status }) => status)).toEqual([206, 206]);
    expect(alternatives.map(({ body }) => body.length)).toEqual([big.length, small.length]);
    for (const { headers } of alternatives) expect(headers['x-amz-mp-parts-count']).toBe('2');
    expect(alternatives[1]?.headers['content-range']).toBe(
      `bytes ${big.length}-${big.length + small.length - 1}/${big.length + small.length}`,
    );
    const head = await world.alice.head('/parts/whole?partNumber=2');
    expect(head.headers['content-length']).toBe(String(big.length));
    const missing = await world.alice.get('/parts/whole?partNumber=3');
    expect(missing).toMatchObject({ status: 416, code: 'InvalidPartNumber' });
    expect(missing.text).toContain('<ActualPartCount>2</ActualPartCount>');
  });

  it('tells its parts', async () => {
    const asked = { 'x-amz-object-attributes': 'ETag,Checksum,ObjectParts,StorageClass,ObjectSize' };
    const answer = await world.alice.get('/parts/whole?attributes', asked);
    expect(answer.status).toBe(200);
    expect(textOf(answer.text, 'ETag')).toBe(etagOf(big, small).replaceAll('"', ''));
    expect(textOf(answer.text, 'ObjectSize')).toBe(String(big.length + small.length));
    expect(textOf(answer.text, 'PartsCount')).toBe('2');
    expect(texts(answer.text, 'PartNumber')).toEqual(['2', '7']);
    const page = await world.alice.get('/parts/whole?attributes', {
      'x-amz-object-attributes': 'ObjectParts',
      'x-amz-max-parts': '1',
    });
    expect(texts(page.text, 'PartNumber')).toEqual(['2']);
    expect(textOf(page.text, 'IsTruncated')).toBe('true');
    expect(textOf(page.text, 'NextPartNumberMarker')).toBe('2');
    expect(page.text).not.toContain('ETag');
    const plain = await world.alice.get('/parts/plain?attributes', asked);
    expect(plain.text).not.toContain('ObjectParts');
    expect(await world.alice.get('/parts/plain?attributes')).toMatchObject({ code: 'InvalidRequest' });
    const wrong = { 'x-amz-object-attributes': 'ETag,Nonsense' };
    expect(await world.alice.get('/parts/plain?attributes', wrong)).toMatchObject({
      code: 'InvalidArgument',
    });
  });

  it('is refused unless its parts are as named', async () => {
    const id = await create('refused');
    const one = String((await upload('refused', id, 1, big)).headers.etag);
    const two = String((await upload('refused', id, 2, small)).headers.etag);
    const three = String((await upload('refused', id, 3, small)).headers.etag);
    const parts = (...named: readonly (readonly [number, string])[]) =>
      named.map(([number, etag]) => ({ number, etag }));
    for (const [named, code] of [
      [parts([2, two], [1, one]), 'InvalidPartOrder'],
      [parts([1, one], [1, one]), 'InvalidPartOrder'],
      [parts([1, two]), 'InvalidPart'],
      [parts([1, one], [9, one]), 'InvalidPart'],
      [parts([1, one], [2, two], [3, three]), 'EntityTooSmall'],
      [parts([0, one]), 'InvalidArgument'],
      [parts([10_001, one]), 'InvalidArgument'],
      [[], 'MalformedXML'],
    ] as const) {
      expect(await complete('refused', id, named)).toMatchObject({ status: 400, code });
    }
    for (const body of [
      '',
      '<CompleteMultipartUpload>',
      '<Other/>',
      list([{ number: 1, etag: one }]).replace('<ETag>', '<Tag>'),
    ]) {
      expect(await world.alice.post(`/parts/refused?uploadId=${id}`, body)).toMatchObject({
        code: 'MalformedXML',
      });
    }
    const size = { 'x-amz-mp-object-size': '5' };
    expect(await complete('refused', id, parts([1, one]), size)).toMatchObject({ code: 'InvalidRequest' });
    expect(await world.alice.get('/parts/refused')).toMatchObject({ status: 404 });
    const right = { 'x-amz-mp-object-size': String(big.length + small.length) };
    expect(await complete('refused', id, parts([1, one], [3, three]), right)).toMatchObject({ status: 200 });
  });

  it('may replace a part, and be given up', async () => {
    const id = await create('given-up');
    await upload('given-up', id, 1, big);
    const etag = String((await upload('given-up', id, 1, small)).headers.etag);
    const listed = await world.alice.get(`/parts/given-up?uploadId=${id}`);
    expect(texts(listed.text, 'ETag')).toEqual([etag]);
    expect(await world.alice.delete(`/parts/given-up?uploadId=${id}`)).toMatchObject({ status: 204 });
    for (const answer of [
      await world.alice.delete(`/parts/given-up?uploadId=${id}`),
      await world.alice.get(`/parts/given-up?uploadId=${id}`),
      await complete('given-up', id, [{ number: 1, etag }]),
      await upload('given-up', id, 2, small),
      await upload('given-up', 'nonsense', 2, small),
      await upload('other-key', id, 2, small),
    ]) {
      expect(answer).toMatchObject({ status: 404, code: 'NoSuchUpload' });
    }
    for (const number of ['0', '10001', 'x', '']) {
      const path = `/parts/given-up?partNumber=${number}&uploadId=${id}`;
      expect(await world.alice.put(path, small)).toMatchObject({ code: 'InvalidArgument' });
    }
  });

  it('takes the conditions of a write', async () => {
    const once = { 'if-none-match': '*' };
    const id = await create('conditional');
    const etag = String((await upload('conditional', id, 1, small)).headers.etag);
    await world.alice.put('/parts/conditional', 'in the way');
    expect(await complete('conditional', id, [{ number: 1, etag }], once)).toMatchObject({ status: 412 });
    await world.alice.delete('/parts/conditional');
    expect(await complete('conditional', id, [{ number: 1, etag }], once)).toMatchObject({ status: 200 });
  });
});

describe('checksums of parts', () => {
  it('composite: of the checksums of the parts', async () => {
    const sums = [big, small].map((part) => createHash('sha256').update(part).digest());
    const [one = Buffer.alloc(0), two = Buffer.alloc(0)] = sums;
    const whole = `${createHash('sha256').update(Buffer.concat(sums)).digest('base64')}-2`;
    const answer = await world.alice.post('/parts/composite?uploads', '', {
      'x-amz-checksum-algorithm': 'SHA256',
    });
    expect(answer.headers['x-amz-checksum-algorithm']).toBe('SHA256');
    expect(answer.headers['x-amz-checksum-type']).toBe('COMPOSITE');
    const id = textOf(answer.text, 'UploadId') ?? '';
    const with256 = (value: Buffer) => ({ 'x-amz-checksum-sha256': value.toString('base64') });
    expect(await upload('composite', id, 1, big)).toMatchObject({ code: 'InvalidRequest' });
    const other = { 'x-amz-checksum-crc32': crc(big).toString('base64') };
    expect(await upload('composite', id, 1, big, other)).toMatchObject({ code: 'InvalidRequest' });
    expect(await upload('composite', id, 1, big, with256(two))).toMatchObject({ code: 'BadDigest' });
    const first = await upload('composite', id, 1, big, with256(one));
    expect(first.headers['x-amz-checksum-sha256']).toBe(one.toString('base64'));
    const second = await upload('composite', id, 2, small, with256(two));
    const listed = await world.alice.get(`/parts/composite?uploadId=${id}`);
    expect(texts(listed.text, 'ChecksumSHA256')).toEqual(sums.map((sum) => sum.toString('base64')));
    expect(textOf(listed.text, 'ChecksumAlgorithm')).toBe('SHA256');

    const named = (sum: (value: Buffer) => string) => [
      { number: 1, etag: String(first.headers.etag), more: sum(one) },
      { number: 2, etag: String(second.headers.etag), more: sum(two) },
    ];
    const right = named((value) => `<ChecksumSHA256>${value.toString('base64')}</ChecksumSHA256>`);
    for (const [parts, headers, code] of [
      [named(() => ''), {}, 'InvalidRequest'],
      [named(() => `<ChecksumSHA256>${two.toString('base64')}</ChecksumSHA256>`), {}, 'InvalidPart'],
      [named(() => '<ChecksumSHA256>nonsense</ChecksumSHA256>'), {}, 'InvalidArgument'],
      [named(() => `<ChecksumCRC32>${crc(big).toString('base64')}</ChecksumCRC32>`), {}, 'BadDigest'],
      [named(() => '<ChecksumCRC32>a</ChecksumCRC32><ChecksumSHA1>b</ChecksumSHA1>'), {}, 'InvalidArgument'],
      [right, { 'x-amz-checksum-sha256': `${two.toString('base64')}-2` }, 'BadDigest'],
      [right, { 'x-amz-checksum-sha256': whole.replace('-2', '-3') }, 'BadDigest'],
      [right, { 'x-amz-checksum-type': 'FULL_OBJECT' }, 'InvalidRequest'],
    ] as const) {
      expect(await complete('composite', id, parts, headers)).toMatchObject({ status: 400, code });
    }
    const done = await complete('composite', id, right, { 'x-amz-checksum-sha256': whole });
    expect(textOf(done.text, 'ChecksumSHA256')).toBe(whole);
    expect(textOf(done.text, 'ChecksumType')).toBe('COMPOSITE');
    const mode = { 'x-amz-checksum-mode': 'ENABLED' };
    const head = await world.alice.head('/parts/composite', mode);
    expect(head.headers['x-amz-checksum-sha256']).toBe(whole);
    const part = await world.alice.get('/parts/composite?partNumber=2', mode);
    expect(part.headers['x-amz-checksum-sha256']).toBe(two.toString('base64'));
  });

  it('full object: of all bytes, combined from the parts', async () => {
    const id = await create('full', {
      'x-amz-checksum-algorithm': 'crc32',
      'x-amz-checksum-type': 'FULL_OBJECT',
    });
    // A part may leave the checksum to us: the whole is made of what we computed.
    const first = await upload('full', id, 1, big);
    expect(first.headers['x-amz-checksum-crc32']).toBe(crc(big).toString('base64'));
    const second = await upload('full', id, 2, small, {
      'x-amz-checksum-crc32': crc(small).toString('base64'),
    });
    const parts = [first, second].map(({ headers }, i) => ({ number: i + 1, etag: String(headers.etag) }));
    const wrong = { 'x-amz-checksum-crc32': crc(big).toString('base64') };
    expect(await complete('full', id, parts, wrong)).toMatchObject({ code: 'BadDigest' });
    const right = { 'x-amz-checksum-crc32': crc(Buffer.concat([big, small])).toString('base64') };
    const done = await complete('full', id, parts, right);
    expect(textOf(done.text, 'ChecksumCRC32')).toBe(right['x-amz-checksum-crc32']);
    expect(textOf(done.text, 'ChecksumType')).toBe('FULL_OBJECT');
  });

  it('a part may prove itself by another checksum than the object will have', async () => {
    const id = await create('mixed');
    const bad = { 'x-amz-checksum-crc32': crc(big).toString('base64') };
    expect(await upload('mixed', id, 1, small, bad)).toMatchObject({ code: 'BadDigest' });
    const good = { 'x-amz-checksum-crc32': crc(small).toString('base64') };
    const part = await upload('mixed', id, 1, small, good);
    expect(part.headers['x-amz-checksum-crc32']).toBe(good['x-amz-checksum-crc32']);
    const etag = String(part.headers.etag);
    const more = `<ChecksumCRC32>${good['x-amz-checksum-crc32']}</ChecksumCRC32>`;
    const done = await complete('mixed', id, [{ number: 1, etag, more }]);
    const plain = await world.alice.put('/parts/mixed-plain', small);
    expect(textOf(done.text, 'ChecksumCRC64NVME')).toBe(plain.headers['x-amz-checksum-crc64nvme']);
  });

  it.each([
    [{ 'x-amz-checksum-algorithm': 'MD4' }, 400, 'InvalidRequest'],
    [{ 'x-amz-checksum-algorithm': 'SHA256', 'x-amz-checksum-type': 'FULL_OBJECT' }, 400, 'InvalidRequest'],
    [{ 'x-amz-checksum-type': 'COMPOSITE' }, 400, 'InvalidRequest'],
  ])('%j is refused', async (headers, status, code) => {
    expect(await world.alice.post('/parts/never?uploads', '', headers)).toMatchObject({ status, code });
  });
});

describe('UploadPartCopy', () => {
  const copy = (key: string, id: string, number: number, headers: Record<string, string>) =>
    upload(key, id, number, '', { 'x-amz-copy-source': '/parts/copy-source', ...headers });

  it('joins ranges of another object', async () => {
    await world.alice.put('/parts/copy-source', Buffer.concat([big, small]));
    const id = await create('copied');
    const one = await copy('copied', id, 1, { 'x-amz-copy-source-range': `bytes=100-${5 * MIB + 99}` });
    expect(one.status).toBe(200);
    const two = await copy('copied', id, 2, {});
    const parts = [one, two].map(({ text }, i) => ({ number: i + 1, etag: textOf(text, 'ETag') ?? '' }));
    expect(await complete('copied', id, parts)).toMatchObject({ status: 200 });
    const source = Buffer.concat([big, small]);
    const got = await world.alice.get('/parts/copied');
    expect(got.body.equals(Buffer.concat([source.subarray(100, 5 * MIB + 100), source]))).toBe(true);
  });

  it('reads the bytes where the upload wants their checksum', async () => {
    const id = await create('copied-sum', {
      'x-amz-checksum-algorithm': 'CRC32',
      'x-amz-checksum-type': 'FULL_OBJECT',
    });
    const range = { 'x-amz-copy-source-range': `bytes=0-${5 * MIB - 1}` };
    const one = await copy('copied-sum', id, 1, range);
    expect(textOf(one.text, 'ChecksumCRC32')).toBe(crc(big).toString('base64'));
    expect(textOf(one.text, 'ETag')).toBe(`"${md5Hex(big)}"`);
    const two = await copy('copied-sum', id, 2, {
      'x-amz-copy-source-range': `bytes=${5 * MIB}-${5 * MIB + 99_999}`,
    });
    const parts = [one, two].map(({ text }, i) => ({ number: i + 1, etag: textOf(text, 'ETag') ?? '' }));
    const done = await complete('copied-sum', id, parts);
    expect(textOf(done.text, 'ChecksumCRC32')).toBe(crc(Buffer.concat([big, small])).toString('base64'));
  });

  it('checks what it is given', async () => {
    for (const checksum of [{}, { 'x-amz-checksum-algorithm': 'CRC32' }]) {
      const id = await create('copy-refused', checksum as Record<string, string>);
      for (const [headers, status, code] of [
        [{ 'x-amz-copy-source-range': 'bytes=0-99999999' }, 416, 'InvalidRange'],
        [{ 'x-amz-copy-source-range': 'bytes=5-' }, 400, 'InvalidArgument'],
        [{ 'x-amz-copy-source-range': '0-5' }, 400, 'InvalidArgument'],
        [{ 'x-amz-copy-source-if-match': '"00"' }, 412, 'PreconditionFailed'],
        [{ 'x-amz-copy-source': '/parts/none' }, 404, 'NoSuchKey'],
        [{ 'x-amz-copy-source': '/none' }, 400, 'InvalidArgument'],
      ] as const) {
        expect(await copy('copy-refused', id, 1, headers)).toMatchObject({ status, code });
      }
    }
    const unknown = await copy('copy-refused', '0'.repeat(32), 1, {});
    expect(unknown).toMatchObject({ status: 404, code: 'NoSuchUpload' });
  });
});

describe('listings of uploads and parts', () => {
  it('page', async () => {
    await world.alice.put('/uploads');
    const start = async (key: string) =>
      textOf((await world.alice.post(`/uploads/${key}?uploads`)).text, 'UploadId') ?? '';
    const ids = [
      await start('a'),
      await start('a'),
      await start('dir/b'),
      await start('dir/c'),
      await start('z'),
    ];
    const seen: string[] = [];
    let query = '';
    for (let pages = 0; pages < 9; pages++) {
      const page = await world.alice.get(`/uploads?uploads&max-uploads=2${query}`);
      seen.push(...texts(page.text, 'UploadId'));
      if (textOf(page.text, 'IsTruncated') === 'false') break;
      query = `&key-marker=${textOf(page.text, 'NextKeyMarker')}&upload-id-marker=${textOf(page.text, 'NextUploadIdMarker')}`;
    }
    expect(seen).toEqual(ids);
    const rolled = await world.alice.get('/uploads?uploads&delimiter=/');
    expect(texts(rolled.text, 'Key')).toEqual(['a', 'a', 'z']);
    expect(rolled.text).toContain('<CommonPrefixes><Prefix>dir/</Prefix></CommonPrefixes>');
    const under = await world.alice.get('/uploads?uploads&prefix=dir/&encoding-type=url');
    expect(texts(under.text, 'Key')).toEqual(['dir/b', 'dir/c']);
    const marked = await world.alice.get('/uploads?uploads&key-marker=a');
    expect(texts(marked.text, 'Key')).toEqual(['dir/b', 'dir/c', 'z']);
    const bad = await world.alice.get('/uploads?uploads&key-marker=a&upload-id-marker=x');
    expect(bad).toMatchObject({ code: 'InvalidArgument' });

    const [id = ''] = ids;
    for (const number of [1, 5, 9])
      await world.alice.put(`/uploads/a?partNumber=${number}&uploadId=${id}`, 'x');
    const first = await world.alice.get(`/uploads/a?uploadId=${id}&max-parts=2`);
    expect(texts(first.text, 'PartNumber')).toEqual(['1', '5']);
    expect(textOf(first.text, 'IsTruncated')).toBe('true');
    expect(textOf(first.text, 'NextPartNumberMarker')).toBe('5');
    const second = await world.alice.get(`/uploads/a?uploadId=${id}&part-number-marker=5`);
    expect(texts(second.text, 'PartNumber')).toEqual(['9']);
    expect(textOf(second.text, 'IsTruncated')).toBe('false');
  });
});
