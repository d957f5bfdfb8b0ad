/** The worked examples of the S3 API Reference: "Signature Calculations…" and "Using Query Parameters". */
import { describe, expect, test } from 'vitest';
import { verifyAt, type WireRequest } from './requests.ts';

const signer = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
};
const time = '20130524T000000Z';
const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

function authorization(signedHeaders: string, signature: string): string {
  return (
    'AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,' +
    `SignedHeaders=${signedHeaders},Signature=${signature}`
  );
}

const host = ['Host', 'examplebucket.s3.amazonaws.com'];
const emptyBody = ['x-amz-content-sha256', EMPTY_SHA256, 'x-amz-date', time];

const examples: readonly (WireRequest & { readonly name: string; readonly payloadKind: string })[] = [
  {
    name: 'GET Object with a range',
    payloadKind: 'signed',
    method: 'GET',
    rawPath: '/test.txt',
    rawQuery: '',
    rawHeaders: [
      ...host,
      'Range',
      'bytes=0-9',
      ...emptyBody,
      'Authorization',
      authorization(
        'host;range;x-amz-content-sha256;x-amz-date',
        'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
      ),
    ],
  },
  {
    name: 'PUT Object',
    payloadKind: 'signed',
    method: 'PUT',
    rawPath: '/test$file.text',
    rawQuery: '',
    rawHeaders: [
      ...host,
      'Date',
      'Fri, 24 May 2013 00:00:00 GMT',
      'x-amz-date',
      time,
      'x-amz-storage-class',
      'REDUCED_REDUNDANCY',
      'x-amz-content-sha256',
      '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072',
      'Authorization',
      authorization(
        'date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class',
        '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
      ),
    ],
  },
  {
    name: 'GET Bucket Lifecycle',
    payloadKind: 'signed',
    method: 'GET',
    rawPath: '/',
    rawQuery: 'lifecycle',
    rawHeaders: [
      ...host,
      ...emptyBody,
      'Authorization',
      authorization(
        'host;x-amz-content-sha256;x-amz-date',
        'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
      ),
    ],
  },
  {
    name: 'Get Bucket (List Objects)',
    payloadKind: 'signed',
    method: 'GET',
    rawPath: '/',
    rawQuery: 'max-keys=2&prefix=J',
    rawHeaders: [
      ...host,
      ...emptyBody,
      'Authorization',
      authorization(
        'host;x-amz-content-sha256;x-amz-date',
        '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
      ),
    ],
  },
  {
    name: 'presigned GET',
    payloadKind: 'unsigned',
    method: 'GET',
    rawPath: '/test.txt',
    rawQuery:
      'X-Amz-Algorithm=AWS4-HMAC-SHA256' +
      '&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request' +
      '&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host' +
      '&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404',
    rawHeaders: host,
  },
  {
    name: 'upload in signed chunks',
    payloadKind: 'streaming-signed',
    method: 'PUT',
    rawPath: '/examplebucket/chunkObject.txt',
    rawQuery: '',
    rawHeaders: [
      'Host',
      's3.amazonaws.com',
      'x-amz-date',
      time,
      'x-amz-storage-class',
      'REDUCED_REDUNDANCY',
      'x-amz-content-sha256',
      'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
      'Content-Encoding',
      'aws-chunked',
      'x-amz-decoded-content-length',
      '66560',
      'Content-Length',
      '66824',
      'Authorization',
      authorization(
        'content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class',
        '4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9',
      ),
    ],
  },
  {
    name: 'upload in signed chunks with a trailer',
    payloadKind: 'streaming-signed-trailer',
    method: 'PUT',
    rawPath: '/examplebucket/chunkObject.txt',
    rawQuery: '',
    rawHeaders: [
      'Host',
      's3.amazonaws.com',
      'x-amz-date',
      time,
      'x-amz-storage-class',
      'REDUCED_REDUNDANCY',
      'x-amz-content-sha256',
      'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER',
      'Content-Encoding',
      'aws-chunked',
      'x-amz-decoded-content-length',
      '66560',
      'x-amz-trailer',
      'x-amz-checksum-crc32c',
      'Content-Length',
      '66946',
      'Authorization',
      authorization(
        'content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class;x-amz-trailer',
        '106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e',
      ),
    ],
  },
];

describe('the S3 API Reference examples', () => {
  test.each(examples)('$name verifies', async ({ payloadKind, ...request }) => {
    const authentication = await verifyAt(time, signer, request);
    expect(authentication).toMatchObject({
      kind: 'verified',
      accessKeyId: signer.accessKeyId,
      region: 'us-east-1',
      payload: { kind: payloadKind },
    });
  });

  test.each(examples)('$name with another method does not', async ({ payloadKind: _, ...request }) => {
    await expect(verifyAt(time, signer, { ...request, method: 'DELETE' })).rejects.toMatchObject({
      code: 'SignatureDoesNotMatch',
    });
  });
});
