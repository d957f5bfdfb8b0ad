/** What SDKs move from headers into the query of a URL that they presign. */
import { auth, http } from 'aws-crt';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { textOf } from './client.ts';
import { startWorld, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
  await world.alice.put('/urls');
  await world.alice.put('/urls/source', 'of the source', { 'x-amz-meta-from': 'source' });
});
afterAll(async () => {
  expect(world.errors).toEqual([]);
  await world.close();
});

async function presigned(method: string, path: string): Promise<string> {
  const { host, credentials } = world.alice;
  const signed = await auth.aws_sign_request(
    new http.HttpRequest(method, path, new http.HttpHeaders([['host', host]])),
    {
      algorithm: auth.AwsSigningAlgorithm.SigV4,
      signature_type: auth.AwsSignatureType.HttpRequestViaQueryParams,
      provider: auth.AwsCredentialsProvider.newStatic(credentials.accessKeyId, credentials.secretKey),
      region: 'eu-central-1',
      service: 's3',
      date: new Date(),
      use_double_uri_encode: false,
      should_normalize_uri_path: false,
      signed_body_value: 'UNSIGNED-PAYLOAD',
      signed_body_header: auth.AwsSignedBodyHeaderType.None,
      expiration_in_seconds: 300,
    },
  );
  return signed.path;
}

const put = async (path: string, body = '') =>
  world.alice.sendRaw({ method: 'PUT', path: await presigned('PUT', path), body });

test('metadata and storage class are kept', async () => {
  const query = 'x-amz-meta-Colour=dark%20red&x-amz-storage-class=STANDARD_IA&x-amz-tagging=a%3Db';
  expect(await put(`/urls/kept?${query}`, 'bytes')).toMatchObject({ status: 200 });
  expect(await world.alice.get('/urls/kept')).toMatchObject({
    text: 'bytes',
    headers: {
      'x-amz-meta-colour': 'dark red',
      'x-amz-storage-class': 'STANDARD_IA',
      'x-amz-tagging-count': '1',
    },
  });
});

test('a copy is one', async () => {
  expect(await put('/urls/copied?x-amz-copy-source=%2Furls%2Fsource')).toMatchObject({ status: 200 });
  expect(await world.alice.get('/urls/copied')).toMatchObject({
    text: 'of the source',
    headers: { 'x-amz-meta-from': 'source' },
  });
});

test('a part that is copied, too', async () => {
  const begun = await world.alice.post('/urls/joined?uploads');
  const upload = textOf(begun.text, 'UploadId');
  const query = `partNumber=1&uploadId=${upload}&x-amz-copy-source=urls%2Fsource&x-amz-copy-source-range=bytes%3D0-1`;
  expect(await put(`/urls/joined?${query}`)).toMatchObject({ status: 200 });
  const listed = await world.alice.get(`/urls/joined?uploadId=${upload}`);
  expect(textOf(listed.text, 'Size')).toBe('2');
});

test('the checksum of the empty body that was signed is not compared with the one that came', async () => {
  const query = 'x-amz-checksum-crc32=AAAAAA%3D%3D&x-amz-sdk-checksum-algorithm=CRC32';
  expect(await put(`/urls/checked?${query}`, 'bytes')).toMatchObject({ status: 200 });
  expect(await world.alice.get('/urls/checked')).toMatchObject({ text: 'bytes' });
});

describe('changes nothing', () => {
  test.each([
    ['of what is not implemented', 'x-amz-acl=public-read', { status: 501, code: 'NotImplemented' }],
    [
      'of what is not implemented',
      'X-Amz-Object-Lock-Mode=COMPLIANCE',
      { status: 501, code: 'NotImplemented' },
    ],
    ['of another owner', 'x-amz-expected-bucket-owner=bob', { status: 403, code: 'AccessDenied' }],
    ['of what no header can hold', 'x-amz-meta-a=b%0D%0Ac', { status: 400, code: 'InvalidArgument' }],
    ['of what can be no header', 'x-amz-meta-a%20b=c', { status: 400, code: 'InvalidArgument' }],
  ])('%s: %s', async (_, query, refusal) => {
    expect(await put(`/urls/refused?${query}`, 'bytes')).toMatchObject(refusal);
    expect(await world.alice.head('/urls/refused')).toMatchObject({ status: 404 });
  });
});

test('in the query of a request that is signed by header they are none', async () => {
  expect(await world.alice.put('/urls/plain?x-amz-meta-a=b&x-amz-acl=public-read', 'bytes')).toMatchObject({
    status: 200,
  });
  const { headers } = await world.alice.head('/urls/plain');
  expect(headers).not.toHaveProperty('x-amz-meta-a');
});
