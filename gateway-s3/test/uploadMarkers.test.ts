/** Where listings of uploads and parts go on, and where a completed upload is. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { textOf, texts } from './client.ts';
import { DOMAIN, startWorld, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
  await world.alice.put('/marked');
});
afterAll(async () => {
  expect(world.errors).toEqual([]);
  await world.close();
});

const begin = async (key: string) =>
  textOf((await world.alice.post(`/marked/${key}?uploads`)).text, 'UploadId') ?? '';

test('behind a key marker that is the prefix itself all uploads of the prefix come', async () => {
  await begin('a/b');
  await begin('a/c/d');
  const listed = await world.alice.get('/marked?uploads&prefix=a/&delimiter=/&key-marker=a/');
  expect(texts(listed.text, 'Key')).toEqual(['a/b']);
  expect(listed.text).toContain('<CommonPrefixes><Prefix>a/c/</Prefix></CommonPrefixes>');
  const behind = await world.alice.get('/marked?uploads&prefix=a/&delimiter=/&key-marker=a/c/');
  expect(texts(behind.text, 'Key')).toEqual([]);
  expect(behind.text).not.toContain('<CommonPrefixes>');
  const rolled = await world.alice.get('/marked?uploads&delimiter=/&key-marker=a/');
  expect(rolled.text).not.toContain('<CommonPrefixes>');
});

test.each([10_000, 65_535, 2 ** 31 - 1])('behind part %i there is none', async (marker) => {
  const upload = await begin('parts');
  await world.alice.put(`/marked/parts?partNumber=10000&uploadId=${upload}`, 'x');
  const listed = await world.alice.get(`/marked/parts?uploadId=${upload}&part-number-marker=${marker}`);
  expect(listed.status).toBe(200);
  expect(texts(listed.text, 'PartNumber')).toEqual([]);
  expect(textOf(listed.text, 'IsTruncated')).toBe('false');
});

test.each([
  ['by path', undefined, '/marked'],
  ['by host', `marked.${DOMAIN}`, ''],
])('a completed upload is where its Location says (%s)', async (_, host, bucketPath) => {
  const client = world.alice.as(world.alice.credentials, host);
  const path = `${bucketPath}/what%3F/%23%20here`;
  const upload = textOf((await client.post(`${path}?uploads`)).text, 'UploadId');
  const { headers } = await client.put(`${path}?partNumber=1&uploadId=${upload}`, 'x');
  const part = `<Part><PartNumber>1</PartNumber><ETag>${headers.etag}</ETag></Part>`;
  const done = await client.post(
    `${path}?uploadId=${upload}`,
    `<CompleteMultipartUpload>${part}</CompleteMultipartUpload>`,
  );
  const location = textOf(done.text, 'Location') ?? '';
  expect(location).toBe(`http://${client.host}${path}`);
  expect(await client.get(new URL(location).pathname)).toMatchObject({ text: 'x' });
  client.close();
});
