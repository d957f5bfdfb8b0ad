/** What a verified or anonymous request is told to be. */
import { describe, expect, test } from 'vitest';
import { createVerifier } from '../../src/auth/verify.ts';
import { crtSigner, crtTime, signWithCrt } from './crtSigner.ts';
import { headOf, msOf, verifyAt } from './requests.ts';

const host = [['Host', 'localhost:9000']] as const;
const SHA256_OF_HELLO = '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824';

describe('the payload a signature stands for', () => {
  test.each([
    ['UNSIGNED-PAYLOAD', { kind: 'unsigned' }],
    [SHA256_OF_HELLO, { kind: 'signed', sha256Hex: SHA256_OF_HELLO }],
    [SHA256_OF_HELLO.toUpperCase(), { kind: 'signed', sha256Hex: SHA256_OF_HELLO }],
    ['STREAMING-UNSIGNED-PAYLOAD-TRAILER', { kind: 'streaming-unsigned-trailer' }],
    ['STREAMING-AWS4-HMAC-SHA256-PAYLOAD', { kind: 'streaming-signed' }],
    ['STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER', { kind: 'streaming-signed-trailer' }],
  ])('%s', async (payloadHash, payload) => {
    const request = await signWithCrt({ method: 'PUT', target: '/b/k', headers: host, payloadHash });
    const authentication = await verifyAt(crtTime, crtSigner, request);
    expect(authentication.payload).toMatchObject(payload);
  });

  test('streaming kinds carry what the next signature builds on', async () => {
    const payloadHash = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD';
    const request = await signWithCrt({ method: 'PUT', target: '/b/k', headers: host, payloadHash });
    const { payload } = await verifyAt(crtTime, crtSigner, request);
    expect(payload).toMatchObject({
      signing: {
        seedSignature: expect.stringMatching(/^[0-9a-f]{64}$/),
        signingKey: expect.objectContaining({ length: 32 }),
        scope: '20260314/eu-central-9/s3/aws4_request',
        timestamp: crtTime,
      },
    });
  });

  test('of a presigned URL is free, unless the URL itself says otherwise', async () => {
    const free = await signWithCrt({ method: 'PUT', target: '/b/k', headers: host, expiresSeconds: 60 });
    await expect(verifyAt(crtTime, crtSigner, free)).resolves.toMatchObject({
      payload: { kind: 'unsigned' },
    });

    const bound = await signWithCrt({
      method: 'PUT',
      target: `/b/k?X-Amz-Content-Sha256=${SHA256_OF_HELLO}`,
      headers: host,
      payloadHash: SHA256_OF_HELLO,
      expiresSeconds: 60,
    });
    await expect(verifyAt(crtTime, crtSigner, bound)).resolves.toMatchObject({
      payload: { kind: 'signed', sha256Hex: SHA256_OF_HELLO },
    });
  });
});

describe('a request that does not authenticate', () => {
  const get = { method: 'GET', rawPath: '/b/k', rawQuery: '', rawHeaders: ['Host', 'h'] };

  test('is anonymous', async () => {
    await expect(verifyAt(crtTime, crtSigner, get)).resolves.toEqual({
      kind: 'anonymous',
      payload: { kind: 'unsigned' },
    });
  });

  test('may send a body in chunks with a trailer, but not in chunks it cannot have signed', async () => {
    const sending = (value: string) => ({
      ...get,
      rawHeaders: [...get.rawHeaders, 'x-amz-content-sha256', value],
    });
    await expect(
      verifyAt(crtTime, crtSigner, sending('STREAMING-UNSIGNED-PAYLOAD-TRAILER')),
    ).resolves.toMatchObject({ kind: 'anonymous', payload: { kind: 'streaming-unsigned-trailer' } });
    await expect(
      verifyAt(crtTime, crtSigner, sending('STREAMING-AWS4-HMAC-SHA256-PAYLOAD')),
    ).rejects.toMatchObject({ code: 'InvalidRequest' });
  });
});

test('the look-up may be asynchronous, and what it found comes back', async () => {
  const found = { secretAccessKey: crtSigner.secretAccessKey, account: 'a1' };
  const verify = createVerifier({ lookup: async () => found, now: () => msOf(crtTime) });
  const request = await signWithCrt({ method: 'GET', target: '/b', headers: host });
  expect(await verify(headOf(request))).toMatchObject({ kind: 'verified', credential: found });
});

test('a request of any length verifies, after longer ones and shorter ones', async () => {
  const verify = createVerifier({ lookup: () => crtSigner, now: () => msOf(crtTime) });
  const sign = (length: number) =>
    signWithCrt({ method: 'GET', target: `/b/${'k'.repeat(length)}`, headers: host });
  // About 16 KiB the canonical request leaves the memory that is kept for it.
  for (const length of [
    10,
    20_000,
    10,
    16_000,
    1_000,
    ...Array.from({ length: 40 }, (_, n) => 16_150 + 5 * n),
  ]) {
    const request = await sign(length);
    expect(await verify(headOf(request))).toMatchObject({ kind: 'verified' });
    const longer = { ...request, rawPath: `${request.rawPath}k` };
    await expect(async () => verify(headOf(longer))).rejects.toMatchObject({ code: 'SignatureDoesNotMatch' });
  }
});
