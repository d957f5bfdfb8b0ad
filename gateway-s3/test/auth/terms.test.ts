/** What is remembered of signing terms must never change what a request is told. */
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { KnownTerms, parseCredential, parseSignedHeaders, type SigningTerms } from '../../src/auth/terms.ts';
import {
  type Authentication,
  type Credential,
  createVerifier,
  type Verifier,
} from '../../src/auth/verify.ts';
import { S3Error } from '../../src/errors.ts';
import { crtSigner, crtTime, signWithCrt } from './crtSigner.ts';
import { headOf, msOf, type WireRequest } from './requests.ts';

interface Variant {
  readonly name: string;
  readonly request: WireRequest;
}

const headers = [
  ['Host', 'h'],
  ['X-Amz-Acl', 'private'],
] as const;
const one = await signWithCrt({ method: 'GET', target: '/b/one', headers });
const two = await signWithCrt({ method: 'PUT', target: '/b/two', headers });
const fewer = await signWithCrt({ method: 'GET', target: '/b/one', headers: [['Host', 'h']] });
const presigned = await signWithCrt({ method: 'GET', target: '/b/one', headers, expiresSeconds: 60 });

function changed(name: string, header: string, change: (value: string) => string): Variant {
  const rawHeaders = one.rawHeaders.map((text, i, all) =>
    i % 2 === 1 && all[i - 1]?.toLowerCase() === header ? change(text) : text,
  );
  return { name, request: { ...one, rawHeaders } };
}

const authorization = (name: string, change: (value: string) => string) =>
  changed(name, 'authorization', change);

const variants: readonly Variant[] = [
  { name: 'one', request: one },
  { name: 'two', request: two },
  { name: 'fewer', request: fewer },
  { name: 'presigned', request: presigned },
  { name: 'another method', request: { ...one, method: 'DELETE' } },
  changed('another value', 'x-amz-acl', () => 'public-read'),
  changed('another day', 'x-amz-date', () => '20260315T000000Z'),
  changed('another second', 'x-amz-date', () => '20260314T150927Z'),
  changed('no day', 'x-amz-date', () => ''),
  authorization('wrong signature', (v) => v.replace(/Signature=../, 'Signature=zz')),
  authorization('empty signature', (v) => v.replace(/Signature=.*/, 'Signature=')),
  authorization('no signature', (v) => v.replace(/,\s*Signature=.*/, '')),
  authorization('signature of another name', (v) => v.replace(/Signature=/, 'ignature=')),
  authorization('two signatures', (v) => `${v}, ${v.slice(v.indexOf('Signature='))}`),
  authorization('a fourth component', (v) => v.replace(/Signature=/, 'X=1, Signature=')),
  authorization('a trailing comma', (v) => `${v},`),
  authorization('signature first', (v) =>
    v.replace(
      /^(\S+) (.*), (Signature=.*)$/,
      (_, scheme, rest, signature) => `${scheme} ${signature}, ${rest}`,
    ),
  ),
  authorization('without blanks', (v) => v.replaceAll(', ', ',')),
  authorization('more blanks', (v) => v.replaceAll(', ', ' \t,  ')),
  authorization('another region', (v) => v.replace('eu-central-9', 'eu-central-8')),
  authorization('another key', (v) => v.replace('AKIAFACETCRT', 'AKIANOBODY00')),
  authorization('another scheme', (v) => v.replace('HMAC-SHA256', 'HMAC-SHA257')),
  authorization('fewer signed headers', (v) => v.replace(';x-amz-acl', '')),
  authorization('a signed header twice', (v) => v.replace('=host;', '=host;host;')),
];

function newVerifier(): Verifier<Credential> {
  return createVerifier({
    lookup: (id) => (id === crtSigner.accessKeyId ? crtSigner : undefined),
    now: () => msOf(crtTime),
  });
}

async function outcome(verify: Verifier<Credential>, request: WireRequest): Promise<unknown> {
  try {
    return await verify(headOf(request));
  } catch (error) {
    if (!(error instanceof S3Error)) throw error;
    return { code: error.code, message: error.message, fields: error.fields };
  }
}

describe('a verifier that has seen many requests', () => {
  test('tells each what one that has seen none would', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...variants), { minLength: 2, maxLength: 30 }),
        async (sent) => {
          const seasoned = newVerifier();
          await seasoned(headOf(one));
          for (const { name, request } of sent) {
            expect([name, await outcome(seasoned, request)]).toEqual([
              name,
              await outcome(newVerifier(), request),
            ]);
          }
        },
      ),
    );
  });

  test('asks for the key each time: deleted, given a new secret, or back again', async () => {
    let credential: Credential | undefined = crtSigner;
    const verify = createVerifier({ lookup: () => credential, now: () => msOf(crtTime) });
    const code = async () => {
      const told = await outcome(verify, one);
      return (told as Authentication<Credential> & { code?: string }).code ?? 'verified';
    };
    expect(await code()).toBe('verified');
    credential = undefined;
    expect(await code()).toBe('InvalidAccessKeyId');
    credential = { secretAccessKey: 'another' };
    expect(await code()).toBe('SignatureDoesNotMatch');
    credential = crtSigner;
    expect(await code()).toBe('verified');
  });

  test('looks at the clock each time', async () => {
    let now = msOf(crtTime);
    const verify = createVerifier({ lookup: () => crtSigner, now: () => now });
    await verify(headOf(one));
    now += 15 * 60 * 1000 + 1;
    await expect(async () => verify(headOf(one))).rejects.toMatchObject({ code: 'RequestTimeTooSkewed' });
  });

  test('remembers terms once, and none of a request that did not verify', async () => {
    const keep = vi.spyOn(KnownTerms.prototype, 'keep');
    const verify = newVerifier();
    for (const { name, request } of variants) {
      if (name !== 'one' && name !== 'two' && name !== 'fewer')
        await outcome(verify, { ...request, method: 'TRACE' });
    }
    expect(keep).not.toHaveBeenCalled();
    await verify(headOf(one));
    await verify(headOf(two));
    await verify(headOf(one));
    expect(keep).toHaveBeenCalledOnce();
    keep.mockRestore();
  });
});

describe('KnownTerms', () => {
  const malformed = (detail: string) => new S3Error('InvalidRequest', detail);
  const terms: SigningTerms = {
    scope: parseCredential('AKIA/20260314/us-east-1/s3/aws4_request', malformed),
    signedHeaders: parseSignedHeaders('host;x-amz-date', malformed),
  };

  test('knows what it was given, by the whole text', () => {
    const known = new KnownTerms();
    known.keep('text', terms);
    expect(known.find('text')).toBe(terms);
    expect(known.find('text ')).toBeUndefined();
  });

  test('holds a thousand at the most, and forgets them all for the next', () => {
    const known = new KnownTerms();
    for (let n = 0; n < 1000; n++) known.keep(`text ${n}`, terms);
    expect(known.size).toBe(1000);
    known.keep('one more', terms);
    expect(known.size).toBe(1);
    expect(known.find('one more')).toBe(terms);
    expect(known.find('text 999')).toBeUndefined();
  });

  test('holds no text longer than any client needs', () => {
    const known = new KnownTerms();
    known.keep('x'.repeat(1024), terms);
    known.keep('x'.repeat(1025), terms);
    expect(known.size).toBe(1);
  });
});
