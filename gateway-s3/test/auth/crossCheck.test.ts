/** Whatever the AWS Common Runtime signs verifies here, and nothing that differs from it in one byte. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { crtSigner, crtTime, signWithCrt } from './crtSigner.ts';
import { verifyAt, type WireRequest } from './requests.ts';

const UNRESERVED = /^[A-Za-z0-9\-._~]$/;

/** AWS's UriEncode, byte by byte. */
function encode(bytes: Uint8Array, keep = ''): string {
  return Array.from(bytes, (byte) => {
    const char = String.fromCharCode(byte);
    return UNRESERVED.test(char) || keep.includes(char)
      ? char
      : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }).join('');
}

const keyBytes = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc
    .array(
      fc.constantFrom(
        'a',
        '/',
        '//',
        '.',
        '..',
        '%',
        '%25',
        '+',
        ' ',
        '~',
        "'()*!",
        'ü',
        '鍵',
        '🙂',
        '\u00a0',
      ),
      {
        maxLength: 12,
      },
    )
    .map((parts) => Buffer.from(parts.join(''))),
);
const queryPart = fc.oneof(
  fc.uint8Array({ maxLength: 8 }),
  fc.constantFrom('a', 'a=b', 'A', 'b&', ' ', '/', 'ü').map((text) => Buffer.from(text)),
);
const query = fc.array(fc.tuple(queryPart, queryPart), { maxLength: 5 }).map((params) =>
  params
    .map(([name, value]) => [encode(name), encode(value)] as const)
    .filter(([name]) => name !== '')
    .map(([name, value]) => `${name}=${value}`)
    .join('&'),
);
const headerValue = fc
  .array(fc.constantFrom('a', ' ', '  ', '\t', ',', '"', 'à', '日', 'z=1', ';'), { maxLength: 8 })
  .map((parts) => parts.join(''));
const headers = fc.array(
  fc.tuple(fc.constantFrom('x-amz-meta-a', 'X-Amz-Meta-B', 'x-amz-tagging'), headerValue),
  {
    maxLength: 4,
  },
);
const request = fc.record({
  method: fc.constantFrom('GET', 'PUT', 'POST', 'DELETE', 'HEAD'),
  key: keyBytes,
  query,
  headers,
  expiresSeconds: fc.option(fc.integer({ min: 1, max: 604_800 }), { nil: undefined }),
});

type RequestShape = typeof request extends fc.Arbitrary<infer T> ? T : never;

function sign(shape: RequestShape): Promise<WireRequest> {
  const { method, key, query, headers, expiresSeconds } = shape;
  return signWithCrt({
    method,
    target: `/bucket/${encode(key, '/')}${query === '' ? '' : `?${query}`}`,
    headers: [['Host', 'localhost:9000'], ...headers],
    ...(expiresSeconds !== undefined && { expiresSeconds }),
  });
}

/** The same bytes, each one that may be escaped escaped, in lower-case digits. */
function respell(rawPath: string): string {
  return decodeBytes(rawPath).replace(
    /[^/]/g,
    (char) => `%${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}

function decodeBytes(rawPath: string): string {
  return rawPath.replace(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

describe('requests signed by the AWS Common Runtime', () => {
  test('verify, by header and by presigned URL, whatever the key, query and headers', async () => {
    await fc.assert(
      fc.asyncProperty(request, async (shape) => {
        const authentication = await verifyAt(crtTime, crtSigner, await sign(shape));
        expect(authentication).toMatchObject({
          kind: 'verified',
          via: shape.expiresSeconds === undefined ? 'header' : 'presigned',
        });
      }),
      { numRuns: 400 },
    );
  });

  test('verify when the path is spelled another way', async () => {
    await fc.assert(
      fc.asyncProperty(request, async (shape) => {
        const signed = await sign(shape);
        const respelled = { ...signed, rawPath: respell(signed.rawPath) };
        await expect(verifyAt(crtTime, crtSigner, respelled)).resolves.toMatchObject({ kind: 'verified' });
      }),
      { numRuns: 100 },
    );
  });

  test('do not verify for another key, bucket, parameter or header value', async () => {
    const tamper = fc.constantFrom<(signed: WireRequest) => WireRequest>(
      (signed) => ({ ...signed, rawPath: `${signed.rawPath}x` }),
      (signed) => ({ ...signed, rawPath: `${signed.rawPath}/` }),
      (signed) => ({ ...signed, rawPath: signed.rawPath.replace('/bucket', '/Bucket') }),
      (signed) => ({ ...signed, rawQuery: `${signed.rawQuery}&acl` }),
      (signed) => ({ ...signed, rawHeaders: [...signed.rawHeaders, 'host', 'evil'] }),
    );
    await fc.assert(
      fc.asyncProperty(request, tamper, async (shape, change) => {
        const forged = change(await sign(shape));
        await expect(verifyAt(crtTime, crtSigner, forged)).rejects.toMatchObject({
          code: 'SignatureDoesNotMatch',
        });
      }),
      { numRuns: 100 },
    );
  });
});
