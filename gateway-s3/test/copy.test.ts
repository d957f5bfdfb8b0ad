import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { md5Hex, textOf } from './client.ts';
import { startWorld, type World } from './world.ts';

const bytes = randomBytes(100_000);
let world: World;
let etag = '';
let modified = '';
beforeAll(async () => {
  world = await startWorld();
  await world.alice.put('/source');
  await world.alice.put('/target');
  await world.bob.put('/bobs');
  await world.bob.put('/bobs/key', 'secret');
  const put = await world.alice.put('/source/a%20b', bytes, {
    'content-type': 'text/x-source',
    'x-amz-meta-a': '1',
    'x-amz-tagging': 'tag=1',
    'x-amz-storage-class': 'STANDARD_IA',
  });
  etag = String(put.headers.etag);
  modified = String((await world.alice.head('/source/a%20b')).headers['last-modified']);
});
afterAll(async () => {
  expect(world.errors).toEqual([]);
  await world.close();
});

const copy = (path: string, headers: Record<string, string> = {}, source = '/source/a%20b') =>
  world.alice.put(path, '', { 'x-amz-copy-source': source, ...headers });
const other = '"00000000000000000000000000000000"';
const shifted = (seconds: number) => new Date(Date.parse(modified) + seconds * 1000).toUTCString();

describe('CopyObject', () => {
  it('takes everything but the storage class, and keeps the etag', async () => {
    const answer = await copy('/target/copy');
    expect(answer.status).toBe(200);
    expect(textOf(answer.text, 'ETag')).toBe(etag);
    expect(etag).toBe(`"${md5Hex(bytes)}"`);
    expect(textOf(answer.text, 'ChecksumCRC64NVME')).toBeTruthy();
    const got = await world.alice.get('/target/copy');
    expect(got.body.equals(bytes)).toBe(true);
    expect(got.headers).toMatchObject({
      'content-type': 'text/x-source',
      'x-amz-meta-a': '1',
      'x-amz-tagging-count': '1',
    });
    expect(got.headers['x-amz-storage-class']).toBeUndefined();
  });

  it('replaces what it is told to', async () => {
    await copy('/target/replaced', {
      'x-amz-metadata-directive': 'REPLACE',
      'x-amz-meta-b': '2',
      'content-type': 'text/x-target',
      'x-amz-tagging-directive': 'REPLACE',
      'x-amz-tagging': 'x=1&y=2',
      'x-amz-storage-class': 'GLACIER_IR',
    });
    const { headers } = await world.alice.head('/target/replaced');
    expect(headers).toMatchObject({
      'content-type': 'text/x-target',
      'x-amz-meta-b': '2',
      'x-amz-tagging-count': '2',
      'x-amz-storage-class': 'GLACIER_IR',
    });
    expect(headers['x-amz-meta-a']).toBeUndefined();
    await copy('/target/untagged', { 'x-amz-tagging-directive': 'REPLACE' });
    expect((await world.alice.head('/target/untagged')).headers['x-amz-tagging-count']).toBeUndefined();
    // Without the directive, headers of the request count for nothing.
    await copy('/target/unreplaced', { 'x-amz-meta-b': '2' });
    expect((await world.alice.head('/target/unreplaced')).headers['x-amz-meta-b']).toBeUndefined();
    await copy('/target/redirect', { 'x-amz-website-redirect-location': '/x' });
    expect((await world.alice.head('/target/redirect')).headers).toMatchObject({
      'x-amz-website-redirect-location': '/x',
      'x-amz-meta-a': '1',
    });
  });

  it('onto itself must change something', async () => {
    await copy('/source/self');
    const self = (headers: Record<string, string>) => copy('/source/self', headers, 'source/self');
    expect(await self({})).toMatchObject({ status: 400, code: 'InvalidRequest' });
    const replace = { 'x-amz-metadata-directive': 'REPLACE', 'x-amz-meta-new': '1' };
    expect(await self(replace)).toMatchObject({ status: 200 });
    const got = await world.alice.get('/source/self');
    expect(got.headers['x-amz-meta-new']).toBe('1');
    expect(got.headers['x-amz-meta-a']).toBeUndefined();
    expect(got.body.equals(bytes)).toBe(true);
    expect(await self({ 'x-amz-storage-class': 'STANDARD_IA' })).toMatchObject({ status: 200 });
    expect((await world.alice.get('/source/self')).body.equals(bytes)).toBe(true);
  });

  it('computes the checksum it is asked for', async () => {
    const answer = await copy('/target/sha', { 'x-amz-checksum-algorithm': 'SHA256' });
    const expected = createHash('sha256').update(bytes).digest('base64');
    expect(textOf(answer.text, 'ChecksumSHA256')).toBe(expected);
    const head = await world.alice.head('/target/sha', { 'x-amz-checksum-mode': 'ENABLED' });
    expect(head.headers['x-amz-checksum-sha256']).toBe(expected);
    const again = await copy('/target/sha2', { 'x-amz-checksum-algorithm': 'SHA256' }, 'target/sha');
    expect(textOf(again.text, 'ChecksumSHA256')).toBe(expected);
    const empty = await world.alice.put('/source/empty');
    expect(empty.status).toBe(200);
    const ofNothing = await copy('/target/empty', { 'x-amz-checksum-algorithm': 'CRC32' }, 'source/empty');
    expect(textOf(ofNothing.text, 'ChecksumCRC32')).toBe('AAAAAA==');
  });

  it.each<[string, () => Record<string, string>, number]>([
    ['if-match holds', () => ({ 'if-match': etag }), 200],
    ['if-match fails', () => ({ 'if-match': other }), 412],
    ['if-none-match holds', () => ({ 'if-none-match': other }), 200],
    ['if-none-match fails', () => ({ 'if-none-match': etag }), 412],
    ['if-modified-since holds', () => ({ 'if-modified-since': shifted(-1) }), 200],
    ['if-modified-since fails', () => ({ 'if-modified-since': modified }), 412],
    ['if-unmodified-since holds', () => ({ 'if-unmodified-since': modified }), 200],
    ['if-unmodified-since fails', () => ({ 'if-unmodified-since': shifted(-1) }), 412],
    [
      'of a date that no object is of',
      () => ({ 'if-unmodified-since': 'Fri, 31 Dec 9999 23:59:59 GMT' }),
      200,
    ],
    ['if-match outweighs a date', () => ({ 'if-match': etag, 'if-unmodified-since': shifted(-1) }), 200],
  ])('source: %s', async (_name, conditions, status) => {
    const headers = Object.fromEntries(
      Object.entries(conditions()).map(([name, value]) => [`x-amz-copy-source-${name}`, value]),
    );
    for (const more of [{}, { 'x-amz-checksum-algorithm': 'SHA1' }]) {
      expect((await copy('/target/conditional', { ...headers, ...more })).status).toBe(status);
    }
  });

  it('target: conditions are those of a write', async () => {
    await copy('/target/once');
    expect(await copy('/target/once', { 'if-none-match': '*' })).toMatchObject({ status: 412 });
    const more = { 'if-none-match': '*', 'x-amz-checksum-algorithm': 'SHA1' };
    expect(await copy('/target/once', more)).toMatchObject({ status: 412 });
    expect(await copy('/target/once', { 'if-match': etag })).toMatchObject({ status: 200 });
  });

  it.each([
    ['/source/missing', 404, 'NoSuchKey'],
    ['/no-such-bucket/key', 404, 'NoSuchBucket'],
    ['/bobs/key', 403, 'AccessDenied'],
    ['/source', 400, 'InvalidArgument'],
    ['/source/', 400, 'InvalidArgument'],
    ['', 400, 'InvalidArgument'],
    ['/source/%zz', 400, 'InvalidArgument'],
    ['/source/%ff', 400, 'InvalidURI'],
    ['/source/a%20b?versionId=abc', 404, 'NoSuchVersion'],
  ])('source %j is refused with %d', async (source, status, code) => {
    expect(await copy('/target/never', {}, source)).toMatchObject({ status, code });
    expect(await world.alice.head('/target/never')).toMatchObject({ status: 404 });
  });

  it('takes sources in every spelling', async () => {
    await world.alice.put('/source/odd%2Bname%25%3F', 'odd');
    for (const source of [
      'source/odd%2Bname%25%3F',
      '/source/odd+name%25%3f',
      'source%2Fodd%2Bname%25%3F?versionId=null',
    ]) {
      expect(await copy('/target/odd', {}, source), source).toMatchObject({ status: 200 });
      expect(await world.alice.get('/target/odd')).toMatchObject({ text: 'odd' });
    }
    const refused = await copy('/target/odd', { 'x-amz-metadata-directive': 'MERGE' });
    expect(refused).toMatchObject({ code: 'InvalidArgument' });
  });

  it('has the checksum of what it copies, also when the source changes meanwhile', async () => {
    await world.alice.put('/source/changing', 'first');
    const { objects } = world.core;
    const open = objects.open.bind(objects);
    let changes = 0;
    const spy = vi.spyOn(objects, 'open').mockImplementation(async (args) => {
      const object = await open(args);
      if (changes++ === 0) await world.alice.put('/source/changing', 'second');
      return object;
    });
    const sha = { 'x-amz-checksum-algorithm': 'SHA256' };
    const answer = await copy('/target/changed', sha, 'source/changing');
    expect(textOf(answer.text, 'ChecksumSHA256')).toBe(
      createHash('sha256').update('second').digest('base64'),
    );
    expect(await world.alice.get('/target/changed')).toMatchObject({ text: 'second' });
    spy.mockImplementation(async (args) => {
      const object = await open(args);
      await world.alice.put('/source/changing', `version ${changes++}`);
      return object;
    });
    const never = await copy('/target/never', sha, 'source/changing');
    expect(never).toMatchObject({ status: 409, code: 'OperationAborted' });
    spy.mockRestore();
  });

  it('stays when the source goes', async () => {
    await copy('/target/survivor');
    await copy('/source/doomed');
    await copy('/target/of-doomed', {}, 'source/doomed');
    await world.alice.delete('/source/doomed');
    expect((await world.alice.get('/target/of-doomed')).body.equals(bytes)).toBe(true);
  });
});
