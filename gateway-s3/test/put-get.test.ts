import { createHash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { encodeKey, md5Base64, md5Hex, sha256 } from './client.ts';
import { startWorld, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
  await world.alice.put('/putget');
});
afterAll(async () => {
  expect(world.errors).toEqual([]);
  await world.close();
});

const crc32Base64 = (text: string) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32(text));
  return bytes.toString('base64');
};

describe('PutObject and GetObject', () => {
  it.each([0, 1, 960, 4096, 8192, 8193, 70_000, 3_000_000])(
    '%d bytes come back as they went',
    async (size) => {
      const bytes = randomBytes(size);
      const put = await world.alice.put(`/putget/size-${size}`, bytes);
      expect(put.headers.etag).toBe(`"${md5Hex(bytes)}"`);
      expect(put.headers['content-length']).toBe('0');
      const get = await world.alice.get(`/putget/size-${size}`);
      expect(get.status).toBe(200);
      expect(get.headers['content-length']).toBe(String(size));
      expect(get.headers.etag).toBe(`"${md5Hex(bytes)}"`);
      expect(get.body.equals(bytes)).toBe(true);
      const head = await world.alice.head(`/putget/size-${size}`);
      for (const name of ['content-length', 'etag', 'last-modified', 'content-type', 'accept-ranges']) {
        expect(head.headers[name], name).toBe(get.headers[name]);
      }
    },
  );

  it('many small ones at once each come back as they went', async () => {
    const bodies = Array.from({ length: 64 }, (_, i) => randomBytes(1901 + i * 200));
    await Promise.all(bodies.map((bytes, i) => world.alice.put(`/putget/at-once-${i}`, bytes)));
    for (let round = 0; round < 3; round += 1) {
      const got = await Promise.all(bodies.map((_, i) => world.alice.get(`/putget/at-once-${i}`)));
      for (const [i, { body }] of got.entries()) expect(body.equals(bodies[i] ?? Buffer.alloc(0))).toBe(true);
    }
  });

  it('replaces', async () => {
    await world.alice.put('/putget/twice', 'one', { 'x-amz-meta-a': '1', 'x-amz-tagging': 'a=b' });
    await world.alice.put('/putget/twice', 'two', { 'x-amz-meta-b': '2' });
    const get = await world.alice.get('/putget/twice');
    expect(get.text).toBe('two');
    expect(get.headers['x-amz-meta-a']).toBeUndefined();
    expect(get.headers['x-amz-meta-b']).toBe('2');
    expect(get.headers['x-amz-tagging-count']).toBeUndefined();
  });

  it('answers every request with ids, and errors with a document', async () => {
    const missing = await world.alice.get('/putget/missing%3Ckey%3E');
    expect(missing).toMatchObject({ status: 404, code: 'NoSuchKey' });
    expect(missing.headers['content-type']).toBe('application/xml');
    expect(missing.headers['x-amz-request-id']).toMatch(/^[0-9A-Z]{16}$/);
    expect(missing.headers['x-amz-id-2']).toBeTruthy();
    expect(missing.text).toContain('<Resource>/putget/missing%3Ckey%3E</Resource>');
    expect(missing.text).toContain(`<RequestId>${missing.headers['x-amz-request-id']}</RequestId>`);
    const again = await world.alice.get('/putget/missing');
    expect(again.headers['x-amz-request-id']).not.toBe(missing.headers['x-amz-request-id']);
    const head = await world.alice.head('/putget/missing');
    expect(head).toMatchObject({ status: 404, text: '' });
    expect(await world.alice.get('/no-such-bucket/key')).toMatchObject({ status: 404, code: 'NoSuchBucket' });
  });

  it.each([
    'plain',
    'a/b/c',
    'a//b',
    '/lead',
    'trail/',
    '.',
    '..',
    '../up',
    'a/../b',
    ' ',
    '"',
    '&<>',
    '%25',
    '%',
    '+',
    '?versionId',
    '#',
    "'_ '",
    '*!()',
    'é/日本/🗻',
    '\u0001\u0002',
    '\u007f',
    'x'.repeat(300),
    'x'.repeat(1024),
    'same',
    'same/',
    'same/child',
  ])('the key %j is itself', async (key) => {
    const path = `/putget/${encodeKey(key).replace(/^\.(\.?)(?=$|\/)/, (dots) => dots.replaceAll('.', '%2E'))}`;
    expect(await world.alice.put(path, `bytes of ${key}`)).toMatchObject({ status: 200 });
    expect(await world.alice.get(path)).toMatchObject({ status: 200, text: `bytes of ${key}` });
  });
});

describe('what a client says of an object', () => {
  it('has names that JavaScript has, too', async () => {
    await world.alice.put('/putget/names', 'x', {
      'x-amz-meta-__proto__': 'a',
      'x-amz-meta-constructor': 'b',
    });
    const { headers } = await world.alice.head('/putget/names');
    expect(headers['x-amz-meta-__proto__']).toBe('a');
    expect(headers['x-amz-meta-constructor']).toBe('b');
  });

  it('comes back', async () => {
    const headers = {
      'content-type': 'text/x-odd; charset=utf-8',
      'cache-control': 'max-age=5, private',
      'content-disposition': 'attachment; filename="x"',
      'content-encoding': 'aws-chunked,gzip',
      'content-language': 'de',
      expires: 'not even a date',
      'x-amz-meta-Name': 'Value',
      'x-amz-meta-empty': '',
      'x-amz-storage-class': 'STANDARD_IA',
      'x-amz-website-redirect-location': '/elsewhere',
      'x-amz-tagging': 'a=1&b=%C3%A9',
    };
    expect(await world.alice.put('/putget/said', 'x', headers)).toMatchObject({ status: 200 });
    for (const answer of [await world.alice.get('/putget/said'), await world.alice.head('/putget/said')]) {
      expect(answer.headers).toMatchObject({
        'content-type': 'text/x-odd; charset=utf-8',
        'cache-control': 'max-age=5, private',
        'content-disposition': 'attachment; filename="x"',
        'content-encoding': 'gzip',
        'content-language': 'de',
        expires: 'not even a date',
        'x-amz-meta-name': 'Value',
        'x-amz-meta-empty': '',
        'x-amz-storage-class': 'STANDARD_IA',
        'x-amz-website-redirect-location': '/elsewhere',
        'x-amz-tagging-count': '2',
      });
    }
  });

  it('has defaults', async () => {
    await world.alice.put('/putget/silent', 'x', {
      'content-encoding': 'aws-chunked',
      'x-amz-storage-class': 'STANDARD',
    });
    const { headers } = await world.alice.get('/putget/silent');
    expect(headers['content-type']).toBe('binary/octet-stream');
    expect(headers['content-encoding']).toBeUndefined();
    expect(headers['x-amz-storage-class']).toBeUndefined();
    expect(headers['x-amz-tagging-count']).toBeUndefined();
    expect(headers['accept-ranges']).toBe('bytes');
  });

  it('takes any content type, also what is none', async () => {
    for (const type of ['nonsense', 'a/b/c', ';;', 'application/json']) {
      expect(await world.alice.put('/putget/type', 'x', { 'content-type': type })).toMatchObject({
        status: 200,
      });
      expect((await world.alice.head('/putget/type')).headers['content-type']).toBe(type);
    }
  });

  it('keeps metadata outside ASCII, in UTF-8 and not', async () => {
    const latin1 = (text: string) => Buffer.from(text, 'utf8').toString('latin1');
    const metadata = { 'x-amz-meta-a': latin1('Grüße 日本'), 'x-amz-meta-b': 'caf\u00e9' };
    expect(await world.alice.put('/putget/utf8', 'x', metadata)).toMatchObject({ status: 200 });
    const { headers } = await world.alice.head('/putget/utf8');
    const word = (text: string) => `=?UTF-8?B?${Buffer.from(text).toString('base64')}?=`;
    expect(headers['x-amz-meta-a']).toBe(word('Grüße 日本'));
    // Bytes that are no UTF-8 come back as they were sent.
    expect(headers['x-amz-meta-b']).toBe('caf\u00e9');
  });

  it('may be 2 KiB of metadata and no more', async () => {
    const metadata = (size: number) => ({ 'x-amz-meta-a': 'v'.repeat(size - 2), 'x-amz-meta-b': '' });
    expect(await world.alice.put('/putget/meta', 'x', metadata(2048))).toMatchObject({ status: 200 });
    const refused = await world.alice.put('/putget/meta', 'y', metadata(2049));
    expect(refused).toMatchObject({ status: 400, code: 'MetadataTooLarge' });
    expect(await world.alice.get('/putget/meta')).toMatchObject({ text: 'x' });
  });

  it.each([
    ['x-amz-storage-class', 'FROZEN', 'InvalidStorageClass'],
    ['x-amz-website-redirect-location', 'elsewhere', 'InvalidArgument'],
    ['x-amz-tagging', 'a=1&a=2', 'InvalidArgument'],
    ['x-amz-tagging', 'a=%zz', 'InvalidArgument'],
    ['x-amz-tagging', '=b', 'InvalidArgument'],
    ['x-amz-tagging', Array.from({ length: 11 }, (_, i) => `k${i}=v`).join('&'), 'InvalidTag'],
  ])('%s: %s is refused', async (name, value, code) => {
    expect(await world.alice.put('/putget/never', 'x', { [name]: value })).toMatchObject({
      status: 400,
      code,
    });
    expect(await world.alice.head('/putget/never')).toMatchObject({ status: 404 });
  });

  it('is overridden by a signed request, for one answer', async () => {
    await world.alice.put('/putget/override', 'x', { 'content-type': 'text/plain' });
    const query =
      'response-cache-control=no-cache&response-content-disposition=bla&response-content-encoding=aaa' +
      '&response-content-language=esperanto&response-content-type=foo%2Fbar&response-expires=123';
    const { headers } = await world.alice.get(`/putget/override?${query}`);
    expect(headers).toMatchObject({
      'cache-control': 'no-cache',
      'content-disposition': 'bla',
      'content-encoding': 'aaa',
      'content-language': 'esperanto',
      'content-type': 'foo/bar',
      expires: '123',
    });
    expect((await world.alice.get('/putget/override')).headers['content-type']).toBe('text/plain');
    const split = await world.alice.get('/putget/override?response-content-type=a%0d%0ax-evil:1');
    expect(split).toMatchObject({ status: 400, code: 'InvalidArgument' });
  });
});

describe('checksums of a plain object', () => {
  it('CRC64NVME is kept when the client sends none, and told when asked for', async () => {
    const put = await world.alice.put('/putget/crc64', '123456789');
    expect(put.headers['x-amz-checksum-crc64nvme']).toBe('rosUhgp5mIg=');
    expect(put.headers['x-amz-checksum-type']).toBe('FULL_OBJECT');
    const asked = await world.alice.get('/putget/crc64', { 'x-amz-checksum-mode': 'ENABLED' });
    expect(asked.headers['x-amz-checksum-crc64nvme']).toBe('rosUhgp5mIg=');
    expect((await world.alice.get('/putget/crc64')).headers['x-amz-checksum-crc64nvme']).toBeUndefined();
    const range = { 'x-amz-checksum-mode': 'ENABLED', range: 'bytes=0-' };
    expect(
      (await world.alice.get('/putget/crc64', range)).headers['x-amz-checksum-crc64nvme'],
    ).toBeUndefined();
  });

  it('one sent along is verified, kept and told', async () => {
    const sha1 = createHash('sha1').update('body').digest('base64');
    for (const [name, value] of [
      ['x-amz-checksum-crc32', crc32Base64('body')],
      ['x-amz-checksum-sha1', sha1],
      ['x-amz-checksum-sha256', Buffer.from(sha256('body'), 'hex').toString('base64')],
    ] as const) {
      const put = await world.alice.put('/putget/sum', 'body', { [name]: value });
      expect(put.headers[name]).toBe(value);
      const head = await world.alice.head('/putget/sum', { 'x-amz-checksum-mode': 'ENABLED' });
      expect(head.headers[name]).toBe(value);
      expect(head.headers['x-amz-checksum-crc64nvme']).toBeUndefined();
      const wrong = await world.alice.put('/putget/sum', 'other', { [name]: value });
      expect(wrong).toMatchObject({ status: 400, code: 'BadDigest' });
      expect(await world.alice.get('/putget/sum')).toMatchObject({ text: 'body' });
    }
  });

  it.each(['XXHASH64', 'XXHASH3', 'XXHASH128'])(
    '%s is refused by name, wherever it is asked for',
    async (name) => {
      const path = '/putget/xxhash';
      const value = Buffer.alloc(name === 'XXHASH128' ? 16 : 8).toString('base64');
      const header = { [`x-amz-checksum-${name.toLowerCase()}`]: value };
      const sdk = { 'x-amz-sdk-checksum-algorithm': name };
      const algorithm = { 'x-amz-checksum-algorithm': name };
      const trailer = {
        'x-amz-trailer': `x-amz-checksum-${name.toLowerCase()}`,
        'x-amz-decoded-content-length': '4',
        'content-encoding': 'aws-chunked',
      };
      const payload = 'STREAMING-UNSIGNED-PAYLOAD-TRAILER';
      await world.alice.put('/putget/source', 'body');
      const answers = [
        await world.alice.put(path, 'body', header),
        await world.alice.put(path, 'body', { ...header, ...sdk }),
        await world.alice.send({
          method: 'PUT',
          path,
          body: '4\r\nbody\r\n0\r\n\r\n',
          headers: trailer,
          payload,
        }),
        await world.alice.post(`${path}?uploads`, '', algorithm),
        await world.alice.put(path, '', { ...algorithm, 'x-amz-copy-source': '/putget/source' }),
      ];
      for (const answer of answers) {
        expect(answer).toMatchObject({ status: 501, code: 'NotImplemented' });
        expect(answer.text).toContain(
          `The checksum algorithm ${name} is not supported; use one of [CRC32, CRC32C,`,
        );
      }
      expect(await world.alice.head(path)).toMatchObject({ status: 404 });
      expect((await world.alice.get('/putget?uploads')).text).not.toContain('<Upload>');
    },
  );

  it('a wrong Content-MD5 or payload hash stores nothing', async () => {
    const path = '/putget/unstored';
    const md5 = { 'content-md5': md5Base64('another body') };
    expect(await world.alice.put(path, 'body', md5)).toMatchObject({ status: 400, code: 'BadDigest' });
    expect(await world.alice.put(path, 'body', { 'content-md5': 'short' })).toMatchObject({
      code: 'InvalidDigest',
    });
    const wrongHash = { method: 'PUT', path, body: 'body', payload: sha256('another') };
    expect(await world.alice.send(wrongHash)).toMatchObject({
      status: 400,
      code: 'XAmzContentSHA256Mismatch',
    });
    expect(await world.alice.head(path)).toMatchObject({ status: 404 });
    expect(await world.alice.put(path, 'body', { 'content-md5': md5Base64('body') })).toMatchObject({
      status: 200,
    });
  });
});

it('what is refused half-way is dropped from the store', async () => {
  const { objects } = world.core;
  const stage = objects.stage.bind(objects);
  const ends: string[] = [];
  const spy = vi.spyOn(objects, 'stage').mockImplementation((hint) => {
    const writer = stage(hint);
    return {
      write: (chunk) => writer.write(chunk),
      finish: () => {
        ends.push('finished');
        return writer.finish();
      },
      abort: () => {
        ends.push('aborted');
        return writer.abort();
      },
    };
  });
  await world.alice.put('/putget/dropped', 'body', { 'content-md5': md5Base64('other') });
  await world.alice.put('/putget/dropped', 'body');
  expect(ends).toEqual(['aborted', 'finished']);
  spy.mockRestore();
});

describe('versions on an unversioned bucket', () => {
  it('null is the only one', async () => {
    await world.alice.put('/putget/versioned', 'x');
    expect(await world.alice.get('/putget/versioned?versionId=null')).toMatchObject({ text: 'x' });
    const other = await world.alice.get('/putget/versioned?versionId=3sL4kqtJlcpXroDTDmJ.rmSpXd3dIbrHY');
    expect(other).toMatchObject({ status: 404, code: 'NoSuchVersion' });
    expect(await world.alice.get('/putget/versioned?versionId=%20')).toMatchObject({
      code: 'InvalidArgument',
    });
    const gone = await world.alice.delete('/putget/versioned?versionId=null');
    expect(gone).toMatchObject({ status: 204 });
    expect(await world.alice.get('/putget/versioned')).toMatchObject({ code: 'NoSuchKey' });
  });
});
