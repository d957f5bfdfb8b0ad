import { describe, expect, test, vi } from 'vitest';
import { deriveSigningKey, SigningKeyCache, type SigningScope } from '../../src/auth/signingKeys.ts';
import { createVerifier } from '../../src/auth/verify.ts';
import { crtSigner, crtTime, signWithCrt } from './crtSigner.ts';
import { headOf, msOf } from './requests.ts';

function scope(region: string, secretAccessKey = 'secret'): SigningScope {
  const credential = `AKIA/20260314/${region}/s3/aws4_request`;
  return { credential, secretAccessKey, date: '20260314', region };
}

test('derives the key of the worked example in the S3 API Reference', () => {
  const key = deriveSigningKey({
    secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    date: '20130524',
    region: 'us-east-1',
  });
  expect(key.toString('hex')).toBe('dbb893acc010964918f1fd433add87c70e8b0db6be30c1fbeafefa5ec6ba8378');
});

describe('SigningKeyCache', () => {
  test('hands a kept key out again, the same object', () => {
    const cache = new SigningKeyCache(2);
    const key = cache.find(scope('a'));
    expect(cache.find(scope('a'))).not.toBe(key);
    cache.keep(scope('a'), key);
    expect(cache.find(scope('a'))).toBe(key);
  });

  test('holds no more than it may, and drops what was used longest ago', () => {
    const cache = new SigningKeyCache(2);
    const keys = new Map(['a', 'b', 'c'].map((region) => [region, cache.find(scope(region))]));
    for (const region of ['a', 'b']) cache.keep(scope(region), keys.get(region) ?? Buffer.alloc(0));
    // Used again: b is now the oldest.
    cache.keep(scope('a'), cache.find(scope('a')));
    cache.keep(scope('c'), keys.get('c') ?? Buffer.alloc(0));
    expect(cache.size).toBe(2);
    expect(cache.find(scope('a'))).toBe(keys.get('a'));
    expect(cache.find(scope('b'))).not.toBe(keys.get('b'));
  });

  test('a new secret for the same access key gets a key of its own', () => {
    const cache = new SigningKeyCache(2);
    cache.keep(scope('a', 'old'), cache.find(scope('a', 'old')));
    const key = cache.find(scope('a', 'new'));
    expect(key).toEqual(deriveSigningKey(scope('a', 'new')));
    cache.keep(scope('a', 'new'), key);
    expect(cache.find(scope('a', 'new'))).toBe(key);
    expect(cache.find(scope('a', 'old'))).toEqual(deriveSigningKey(scope('a', 'old')));
  });
});

test('a request that does not verify leaves nothing in the cache', async () => {
  const keep = vi.spyOn(SigningKeyCache.prototype, 'keep');
  const verify = createVerifier({
    lookup: (id) => (id === crtSigner.accessKeyId ? crtSigner : undefined),
    now: () => msOf(crtTime),
  });
  const signed = await signWithCrt({ method: 'GET', target: '/bucket', headers: [['Host', 'h']] });
  await expect(async () => verify(headOf({ ...signed, method: 'PUT' }))).rejects.toThrow();
  expect(keep).not.toHaveBeenCalled();
  await verify(headOf(signed));
  expect(keep).toHaveBeenCalledOnce();
});
