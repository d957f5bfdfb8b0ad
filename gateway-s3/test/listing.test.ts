import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encode, encodeKey, md5Hex, textOf, texts } from './client.ts';
import { startWorld, type World } from './world.ts';

const KEYS = [
  'a-b',
  'a.txt',
  'a/b',
  'a/c/d',
  'a/c/e',
  'a0',
  'foo+1/bar',
  'foo/bar',
  'foo/bar/xyzzy',
  'quux ab/thud',
  'z/',
  'é',
  '\u{10000}',
];
const inByteOrder = [...KEYS].sort((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y)));

let world: World;
beforeAll(async () => {
  world = await startWorld();
  await world.alice.put('/listing');
  await world.alice.put('/nothing');
  for (const key of KEYS) {
    expect(await world.alice.put(`/listing/${encodeKey(key)}`, key)).toMatchObject({ status: 200 });
  }
});
afterAll(async () => {
  expect(world.errors).toEqual([]);
  await world.close();
});

const query = (params: Record<string, string>) =>
  Object.entries(params)
    .map(([name, value]) => `${name}=${encode(value)}`)
    .join('&');
const list = async (params: Record<string, string>) =>
  (await world.alice.get(`/listing?${query(params)}`)).text;
const commonPrefixes = (xml: string) =>
  [...xml.matchAll(/<CommonPrefixes><Prefix>([^<]*)<\/Prefix><\/CommonPrefixes>/g)].map((match) => match[1]);

describe.each<[string, Record<string, string>]>([
  ['ListObjects', {}],
  ['ListObjectsV2', { 'list-type': '2' }],
  ['ListObjectVersions', { versions: '' }],
])('%s', (_name, base) => {
  it('lists all keys in byte order', async () => {
    const xml = await list(base);
    expect(texts(xml, 'Key')).toEqual(inByteOrder);
    expect(textOf(xml, 'IsTruncated')).toBe('false');
    expect(textOf(xml, 'MaxKeys')).toBe('1000');
    expect(textOf(xml, 'Name')).toBe('listing');
    expect(xml).not.toContain('Next');
    expect(xml).not.toContain('<Delimiter>');
    expect(textOf(xml, 'ETag')).toBe(`"${md5Hex('a-b')}"`);
    expect(textOf(xml, 'StorageClass')).toBe('STANDARD');
    expect(textOf(xml, 'LastModified')).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/);
  });

  it.each([
    ['/', '', ['a-b', 'a.txt', 'a0', 'é', '\u{10000}'], ['a/', 'foo+1/', 'foo/', 'quux ab/', 'z/']],
    ['/', 'a/', ['a/b'], ['a/c/']],
    ['/', 'a', ['a-b', 'a.txt', 'a0'], ['a/']],
    ['/', 'foo/bar', ['foo/bar'], ['foo/bar/']],
    ['/', 'z/', ['z/'], []],
    ['b', 'a', ['a.txt', 'a/c/d', 'a/c/e', 'a0'], ['a-b', 'a/b']],
    ['ar', 'foo', [], ['foo+1/bar', 'foo/bar']],
    ['é', '', inByteOrder.filter((key) => key !== 'é'), ['é']],
    ['', 'foo', ['foo+1/bar', 'foo/bar', 'foo/bar/xyzzy'], []],
    ['/', 'none', [], []],
  ])('delimiter %j and prefix %j', async (delimiter, prefix, keys, prefixes) => {
    const xml = await list({ ...base, delimiter, prefix });
    expect(texts(xml, 'Key')).toEqual(keys);
    expect(commonPrefixes(xml)).toEqual(prefixes);
    expect(textOf(xml, 'Prefix')).toBe(prefix);
    expect(textOf(xml, 'Delimiter')).toBe(delimiter === '' ? undefined : delimiter);
  });

  it('writes names as asked', async () => {
    const xml = await list({ ...base, delimiter: '/', 'encoding-type': 'url', prefix: '' });
    expect(textOf(xml, 'EncodingType')).toBe('url');
    expect(texts(xml, 'Key')).toEqual(['a-b', 'a.txt', 'a0', '%C3%A9', '%F0%90%80%80']);
    expect(commonPrefixes(xml)).toEqual(['a/', 'foo%2B1/', 'foo/', 'quux%20ab/', 'z/']);
    expect(await world.alice.get(`/listing?${query({ ...base, 'encoding-type': 'base64' })}`)).toMatchObject({
      code: 'InvalidArgument',
    });
  });

  it('refuses limits that are none, and caps those that are too large', async () => {
    for (const limit of ['blah', '-1', '1.5', '99999999999']) {
      const refused = await world.alice.get(`/listing?${query({ ...base, 'max-keys': limit })}`);
      expect(refused, limit).toMatchObject({ status: 400, code: 'InvalidArgument' });
    }
    expect(textOf(await list({ ...base, 'max-keys': '5000' }), 'MaxKeys')).toBe('1000');
    const none = await list({ ...base, 'max-keys': '0' });
    expect(texts(none, 'Key')).toEqual([]);
    expect(textOf(none, 'IsTruncated')).toBe('false');
  });

  it('of an empty bucket, and of names that are no UTF-8', async () => {
    const empty = await world.alice.get(`/nothing?${query(base)}`);
    expect(texts(empty.text, 'Key')).toEqual([]);
    const bad = await world.alice.get(`/listing?${query(base)}&prefix=%ae%8a`);
    expect(bad).toMatchObject({ status: 400, code: 'InvalidArgument' });
  });
});

/** Follows pages of one entry by whatever the protocol's version calls the next page. */
async function pages(base: Record<string, string>, next: (xml: string) => Record<string, string>) {
  const seen: (string | undefined)[] = [];
  let params = base;
  for (let count = 0; count < 50; count++) {
    const xml = await list(params);
    const entries = [...texts(xml, 'Key'), ...commonPrefixes(xml)];
    expect(entries.length).toBe(1);
    seen.push(...entries);
    if (textOf(xml, 'IsTruncated') === 'false') return seen;
    params = { ...base, ...next(xml) };
  }
  throw new Error('the pages do not end');
}

const TOP = ['a-b', 'a.txt', 'a/', 'a0', 'foo+1/', 'foo/', 'quux ab/', 'z/', 'é', '\u{10000}'];

describe('pages', () => {
  it('of version 1 go on after NextMarker, which a delimiter brings', async () => {
    const next = (xml: string) => ({ marker: textOf(xml, 'NextMarker') ?? '' });
    expect(await pages({ delimiter: '/', 'max-keys': '1' }, next)).toEqual(TOP);
    const last = (xml: string) => ({ marker: textOf(xml, 'Key') ?? '' });
    expect(await pages({ 'max-keys': '1' }, last)).toEqual(inByteOrder);
    expect(await list({ 'max-keys': '1' })).not.toContain('NextMarker');
  });

  it('of version 2 go on after a token', async () => {
    const next = (xml: string) => ({ 'continuation-token': textOf(xml, 'NextContinuationToken') ?? '' });
    const base = { 'list-type': '2', 'max-keys': '1' };
    expect(await pages({ ...base, delimiter: '/' }, next)).toEqual(TOP);
    expect(await pages(base, next)).toEqual(inByteOrder);
    for (const token of ['?', 'not+base64url', '_-8']) {
      const refused = await world.alice.get(`/listing?${query({ ...base, 'continuation-token': token })}`);
      expect(refused, token).toMatchObject({ status: 400, code: 'InvalidArgument' });
    }
  });

  it('of versions go on after key and version', async () => {
    const next = (xml: string): Record<string, string> => {
      const version = textOf(xml, 'NextVersionIdMarker');
      return {
        'key-marker': textOf(xml, 'NextKeyMarker') ?? '',
        ...(version !== undefined && { 'version-id-marker': version }),
      };
    };
    const base = { versions: '', 'max-keys': '1' };
    expect(await pages({ ...base, delimiter: '/' }, next)).toEqual(TOP);
    expect(await pages(base, next)).toEqual(inByteOrder);
    const xml = await list({ versions: '' });
    expect(new Set(texts(xml, 'VersionId'))).toEqual(new Set(['null']));
    expect(new Set(texts(xml, 'IsLatest'))).toEqual(new Set(['true']));
  });
});

describe('where a listing begins', () => {
  it('a marker that is a common prefix skips it whole', async () => {
    const xml = await list({ delimiter: '/', marker: 'foo/' });
    expect(commonPrefixes(xml)).toEqual(['quux ab/', 'z/']);
    expect(textOf(xml, 'Marker')).toBe('foo/');
  });

  it('start-after need not exist, and the token outweighs it', async () => {
    const base = { 'list-type': '2' };
    const xml = await list({ ...base, 'start-after': 'quux' });
    expect(texts(xml, 'Key')).toEqual(['quux ab/thud', 'z/', 'é', '\u{10000}']);
    expect(textOf(xml, 'StartAfter')).toBe('quux');
    const first = await list({ ...base, 'max-keys': '12', 'start-after': 'a' });
    const token = textOf(first, 'NextContinuationToken') ?? '';
    const second = await list({ ...base, 'start-after': 'a', 'continuation-token': token });
    expect(texts(second, 'Key')).toEqual(['\u{10000}']);
    expect(textOf(second, 'ContinuationToken')).toBe(token);
    const empty = await list({ ...base, 'continuation-token': '' });
    expect(texts(empty, 'Key')).toEqual(inByteOrder);
    expect(empty).toContain('<ContinuationToken></ContinuationToken>');
  });

  it('tells the owner when asked', async () => {
    expect(await list({ 'list-type': '2' })).not.toContain('<Owner>');
    expect(textOf(await list({ 'list-type': '2', 'fetch-owner': 'true' }), 'DisplayName')).toBe('Alice');
    expect(textOf(await list({}), 'DisplayName')).toBe('Alice');
  });
});

it('names that XML cannot hold are written as references, or encoded', async () => {
  await world.alice.put('/odd-names');
  await world.alice.put(`/odd-names/${encodeKey('a\u0001<&>"\r\n')}`, 'x');
  const plain = await world.alice.get('/odd-names?list-type=2');
  expect(plain.text).toContain('<Key>a&#x1;&lt;&amp;&gt;&quot;&#xD;\n</Key>');
  const encoded = await world.alice.get('/odd-names?list-type=2&encoding-type=url');
  expect(encoded.text).toContain('<Key>a%01%3C%26%3E%22%0D%0A</Key>');
});

it('encodes all that RFC 3986 does not leave alone', async () => {
  await world.alice.put('/encodings');
  const key = "-._~/!'()*$&,:;=@ é";
  await world.alice.put(`/encodings/${encodeKey(key)}`, 'x');
  const encoded = await world.alice.get('/encodings?list-type=2&encoding-type=url');
  expect(texts(encoded.text, 'Key')).toEqual(['-._~/%21%27%28%29%2A%24%26%2C%3A%3B%3D%40%20%C3%A9']);
});
