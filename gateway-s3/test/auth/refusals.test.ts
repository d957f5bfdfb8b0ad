/** What the verifier refuses, and the code S3 refuses it with. */
import { beforeAll, describe, expect, test } from 'vitest';
import { crtSigner, crtTime, signWithCrt } from './crtSigner.ts';
import { verifyAt, type WireRequest } from './requests.ts';

let byHeader: WireRequest;
let presigned: WireRequest;

beforeAll(async () => {
  const headers = [['Host', 'localhost:9000']] as const;
  byHeader = await signWithCrt({ method: 'GET', target: '/bucket/key', headers });
  presigned = await signWithCrt({ method: 'GET', target: '/bucket/key', headers, expiresSeconds: 600 });
});

function withHeader(request: WireRequest, name: string, change: (value: string) => string): WireRequest {
  const rawHeaders = request.rawHeaders.map((text, i, all) =>
    i % 2 === 1 && all[i - 1]?.toLowerCase() === name ? change(text) : text,
  );
  expect(rawHeaders).not.toEqual(request.rawHeaders);
  return { ...request, rawHeaders };
}

function withoutHeader(request: WireRequest, name: string): WireRequest {
  const keep = request.rawHeaders.flatMap((text, i, all) =>
    i % 2 === 0 && text.toLowerCase() !== name ? [text, all[i + 1] ?? ''] : [],
  );
  return { ...request, rawHeaders: keep };
}

function plusHeader(request: WireRequest, name: string, value: string): WireRequest {
  return { ...request, rawHeaders: [...request.rawHeaders, name, value] };
}

const authorization = (change: (value: string) => string) => () =>
  withHeader(byHeader, 'authorization', change);

const query = (pattern: RegExp | string, replacement: string) => () => {
  const rawQuery = presigned.rawQuery.replace(pattern, replacement);
  expect(rawQuery).not.toBe(presigned.rawQuery);
  return { ...presigned, rawQuery };
};

interface Refusal {
  readonly name: string;
  readonly request: () => WireRequest;
  readonly code: string;
  readonly status: number;
  readonly message?: RegExp;
  /** When the server gets it; default: when it was signed. */
  readonly time?: string;
}

const headerRefusals: readonly Refusal[] = [
  {
    name: 'wrong signature',
    request: authorization((v) => v.replace(/Signature=../, 'Signature=zz')),
    code: 'SignatureDoesNotMatch',
    status: 403,
  },
  {
    name: 'signature cut short',
    request: authorization((v) => v.slice(0, -1)),
    code: 'SignatureDoesNotMatch',
    status: 403,
  },
  {
    name: 'signature in upper case',
    request: authorization((v) => v.replace(/Signature=.*/, (s) => `Signature=${s.slice(10).toUpperCase()}`)),
    code: 'SignatureDoesNotMatch',
    status: 403,
  },
  {
    name: 'unknown access key',
    request: authorization((v) => v.replace('AKIAFACETCRT', 'AKIANOBODY00')),
    code: 'InvalidAccessKeyId',
    status: 403,
  },
  {
    name: 'no signed host',
    request: authorization((v) => v.replace('SignedHeaders=host;', 'SignedHeaders=')),
    code: 'AccessDenied',
    status: 403,
    message: /not signed/,
  },
  {
    name: 'unsigned x-amz header',
    request: () => plusHeader(byHeader, 'X-Amz-Acl', 'public-read'),
    code: 'AccessDenied',
    status: 403,
    message: /not signed/,
  },
  {
    name: 'no host at all, and none signed',
    request: () =>
      withHeader(withoutHeader(byHeader, 'host'), 'authorization', (v) => v.replace('=host;', '=')),
    code: 'AccessDenied',
    status: 403,
  },
  {
    name: 'signed header that was taken away',
    request: () => withoutHeader(byHeader, 'host'),
    code: 'SignatureDoesNotMatch',
    status: 403,
  },
  {
    name: 'no date',
    request: () => withoutHeader(byHeader, 'x-amz-date'),
    code: 'AccessDenied',
    status: 403,
    message: /valid Date or x-amz-date/,
  },
  {
    name: 'a date that does not exist',
    request: () => withHeader(byHeader, 'x-amz-date', () => '20260230T150926Z'),
    code: 'AccessDenied',
    status: 403,
  },
  {
    name: 'a date in another format',
    request: () => withHeader(byHeader, 'x-amz-date', () => '2026-03-14T15:09:26Z'),
    code: 'AccessDenied',
    status: 403,
  },
  {
    name: 'no x-amz-content-sha256',
    request: () => withoutHeader(byHeader, 'x-amz-content-sha256'),
    code: 'InvalidRequest',
    status: 400,
    message: /x-amz-content-sha256/,
  },
  {
    name: 'x-amz-content-sha256 that is no hash',
    request: () => withHeader(byHeader, 'x-amz-content-sha256', () => 'abc'),
    code: 'InvalidArgument',
    status: 400,
  },
  {
    name: 'x-amz-content-sha256 for SigV4A',
    request: () =>
      withHeader(byHeader, 'x-amz-content-sha256', () => 'STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD'),
    code: 'NotImplemented',
    status: 501,
  },
  {
    name: 'clock 15 minutes and a second behind',
    request: () => byHeader,
    time: '20260314T152427Z',
    code: 'RequestTimeTooSkewed',
    status: 403,
  },
  {
    name: 'clock 15 minutes and a second ahead',
    request: () => byHeader,
    time: '20260314T145425Z',
    code: 'RequestTimeTooSkewed',
    status: 403,
  },
  {
    name: 'scope of another day',
    request: authorization((v) => v.replace('/20260314/', '/20260313/')),
    code: 'AuthorizationHeaderMalformed',
    status: 400,
    message: /credential date/,
  },
  {
    name: 'scope of another service',
    request: authorization((v) => v.replace('/s3/', '/ec2/')),
    code: 'AuthorizationHeaderMalformed',
    status: 400,
    message: /incorrect service "ec2"/,
  },
  {
    name: 'scope with another terminal',
    request: authorization((v) => v.replace('aws4_request', 'aws5_request')),
    code: 'AuthorizationHeaderMalformed',
    status: 400,
    message: /terminal/,
  },
  {
    name: 'scope with a part too many',
    request: authorization((v) => v.replace('/s3/', '/s3/s3/')),
    code: 'AuthorizationHeaderMalformed',
    status: 400,
  },
  {
    name: 'scope with a part behind its terminal',
    request: authorization((v) => v.replace('/aws4_request', '/aws4_request/more')),
    code: 'AuthorizationHeaderMalformed',
    status: 400,
  },
  {
    name: 'scope without a region',
    request: authorization((v) => v.replace('/eu-central-9/', '//')),
    code: 'AuthorizationHeaderMalformed',
    status: 400,
  },
  {
    name: 'credential date that is no date',
    request: authorization((v) => v.replace('/20260314/', '/2026031/')),
    code: 'AuthorizationHeaderMalformed',
    status: 400,
  },
  {
    name: 'no Signature component',
    request: authorization((v) => v.replace(/, Signature=.*/, '')),
    code: 'AuthorizationHeaderMalformed',
    status: 400,
    message: /missing Signature/,
  },
  {
    name: 'a component twice',
    request: authorization((v) => `${v}, Signature=00`),
    code: 'AuthorizationHeaderMalformed',
    status: 400,
  },
  {
    name: 'a component too many',
    request: authorization((v) => `${v}, Colour=blue`),
    code: 'AuthorizationHeaderMalformed',
    status: 400,
    message: /three components/,
  },
  {
    name: 'a component without an equals sign',
    request: authorization((v) => v.replace('SignedHeaders=', 'SignedHeaders-')),
    code: 'AuthorizationHeaderMalformed',
    status: 400,
  },
  {
    name: 'a signed header named twice',
    request: authorization((v) => v.replace('=host;', '=host;host;')),
    code: 'AuthorizationHeaderMalformed',
    status: 400,
  },
  {
    name: 'signed headers in upper case',
    request: authorization((v) => v.replace('=host;', '=Host;')),
    code: 'AuthorizationHeaderMalformed',
    status: 400,
  },
  {
    name: 'two Authorization headers',
    request: () => plusHeader(byHeader, 'Authorization', 'AWS4-HMAC-SHA256 Credential=x'),
    code: 'AuthorizationHeaderMalformed',
    status: 400,
  },
  {
    name: 'Signature Version 2',
    request: authorization(() => 'AWS AKIAFACETCRT00000001:frJIUN8DYpKDtOLCwo//yllqDzg='),
    code: 'InvalidRequest',
    status: 400,
    message: /Please use AWS4-HMAC-SHA256/,
  },
  {
    name: 'SigV4A',
    request: authorization((v) => v.replace('AWS4-HMAC-SHA256', 'AWS4-ECDSA-P256-SHA256')),
    code: 'InvalidRequest',
    status: 400,
    message: /Please use AWS4-HMAC-SHA256/,
  },
  {
    name: 'another scheme',
    request: authorization(() => 'Bearer abc'),
    code: 'InvalidArgument',
    status: 400,
    message: /Unsupported Authorization Type/,
  },
  {
    name: 'an empty Authorization header',
    request: authorization(() => ''),
    code: 'InvalidArgument',
    status: 400,
  },
  {
    name: 'header and query together',
    request: () => ({ ...byHeader, rawQuery: presigned.rawQuery }),
    code: 'InvalidArgument',
    status: 400,
    message: /Only one auth mechanism/,
  },
  {
    name: 'header and a query signature of version 2 together',
    request: () => ({ ...byHeader, rawQuery: 'Signature=abc' }),
    code: 'InvalidArgument',
    status: 400,
    message: /Only one auth mechanism/,
  },
  {
    name: 'session token of nobody',
    request: () =>
      withHeader(plusHeader(byHeader, 'X-Amz-Security-Token', 'FwoGZXIvYXdzE'), 'authorization', (v) =>
        v.replace('=host;', '=host;x-amz-security-token;'),
      ),
    code: 'InvalidToken',
    status: 400,
  },
  {
    name: 'path with half an escape',
    request: () => ({ ...byHeader, rawPath: '/bucket/key%4' }),
    code: 'InvalidURI',
    status: 400,
  },
];

const queryRefusals: readonly Refusal[] = [
  {
    name: 'wrong signature',
    request: query(/X-Amz-Signature=../, 'X-Amz-Signature=zz'),
    code: 'SignatureDoesNotMatch',
    status: 403,
  },
  {
    name: 'longer life than was signed',
    request: query('X-Amz-Expires=600', 'X-Amz-Expires=6000'),
    code: 'SignatureDoesNotMatch',
    status: 403,
  },
  {
    name: 'a second after its end',
    request: () => presigned,
    time: '20260314T151927Z',
    code: 'AccessDenied',
    status: 403,
    message: /Request has expired/,
  },
  {
    name: 'too long before its beginning',
    request: () => presigned,
    time: '20260314T145425Z',
    code: 'AccessDenied',
    status: 403,
    message: /not valid yet/,
  },
  ...['0', '-1', '604801', 'x', '', '1e3'].map((seconds) => ({
    name: `X-Amz-Expires=${seconds}`,
    request: query('X-Amz-Expires=600', `X-Amz-Expires=${seconds}`),
    code: 'AuthorizationQueryParametersError',
    status: 400,
    message: /X-Amz-Expires/,
  })),
  ...['Algorithm', 'Credential', 'Date', 'Expires', 'SignedHeaders', 'Signature'].map((name) => ({
    name: `without X-Amz-${name}`,
    request: query(new RegExp(`&?X-Amz-${name}=[^&]*`), ''),
    code: 'AuthorizationQueryParametersError',
    status: 400,
    message: /requires/,
  })),
  {
    name: 'a parameter twice',
    request: query('X-Amz-Expires=600', 'X-Amz-Expires=600&X-Amz-Expires=600'),
    code: 'AuthorizationQueryParametersError',
    status: 400,
    message: /twice/,
  },
  {
    name: 'another algorithm',
    request: query('AWS4-HMAC-SHA256', 'AWS4-HMAC-MD5'),
    code: 'AuthorizationQueryParametersError',
    status: 400,
  },
  {
    name: 'a date in another format',
    request: query('T150926Z', 'T1509Z'),
    code: 'AuthorizationQueryParametersError',
    status: 400,
    message: /X-Amz-Date/,
  },
  {
    name: 'scope of another day',
    request: query('%2F20260314%2F', '%2F20260313%2F'),
    code: 'AuthorizationQueryParametersError',
    status: 400,
    message: /credential date/,
  },
  {
    name: 'scope of another service',
    request: query('%2Fs3%2F', '%2Fsts%2F'),
    code: 'AuthorizationQueryParametersError',
    status: 400,
    message: /incorrect service/,
  },
  {
    name: 'a line break in the scope',
    request: query('eu-central-9', 'eu%0Acentral'),
    code: 'AuthorizationQueryParametersError',
    status: 400,
  },
  {
    name: 'a line break among the signed headers',
    request: query('SignedHeaders=host', 'SignedHeaders=host%0Ax'),
    code: 'AuthorizationQueryParametersError',
    status: 400,
  },
  {
    name: 'unsigned x-amz header',
    request: () => plusHeader(presigned, 'x-amz-copy-source', '/other/secret'),
    code: 'AccessDenied',
    status: 403,
    message: /not signed/,
  },
  {
    name: 'unknown access key',
    request: query('AKIAFACETCRT', 'AKIANOBODY00'),
    code: 'InvalidAccessKeyId',
    status: 403,
  },
  {
    name: 'session token of nobody',
    request: query('X-Amz-Expires', 'X-Amz-Security-Token=abc&X-Amz-Expires'),
    code: 'InvalidToken',
    status: 400,
  },
  {
    name: 'Signature Version 2',
    request: () => ({ ...presigned, rawQuery: 'AWSAccessKeyId=AKIA&Expires=1&Signature=abc' }),
    code: 'InvalidRequest',
    status: 400,
    message: /Please use AWS4-HMAC-SHA256/,
  },
];

describe.each([
  ['Authorization header', headerRefusals],
  ['presigned URL', queryRefusals],
] as const)('%s', (_, refusals) => {
  test.each(refusals)('$name → $code', async ({ request, time, code, status, message }) => {
    const refused = verifyAt(time ?? crtTime, crtSigner, request());
    await expect(refused).rejects.toMatchObject({ name: 'S3Error', code, status });
    if (message !== undefined) await expect(refused).rejects.toThrow(message);
  });
});

describe('what stays allowed', () => {
  test.each([
    ['a clock 15 minutes behind', () => byHeader, '20260314T152426Z'],
    ['a clock 15 minutes ahead', () => byHeader, '20260314T145426Z'],
    ['a presigned URL in its last second', () => presigned, '20260314T151926Z'],
    ['a presigned URL from a clock 15 minutes ahead', () => presigned, '20260314T145426Z'],
    ['further headers that are not x-amz', () => plusHeader(byHeader, 'Content-Type', 'text/plain'), crtTime],
    [
      'components without blanks, in another order',
      authorization((v) => v.replace(/^(\S+) (\S+), (\S+), (\S+)$/, '$1 $4,$2,$3')),
      crtTime,
    ],
  ] as const)('%s', async (_, request, time) => {
    await expect(verifyAt(time, crtSigner, request())).resolves.toMatchObject({ kind: 'verified' });
  });

  test('a Date header in place of x-amz-date', async () => {
    const request = withHeader(withoutHeader(byHeader, 'x-amz-date'), 'authorization', (v) =>
      v.replace(';x-amz-date', ''),
    );
    const refused = await verifyAt(
      crtTime,
      crtSigner,
      plusHeader(request, 'Date', 'Sat, 14 Mar 2026 15:09:26 GMT'),
    ).catch((error: unknown) => error);
    // The signature was made over x-amz-date; that it is this signature that fails shows that the date was taken.
    expect(refused).toMatchObject({
      code: 'SignatureDoesNotMatch',
      fields: { StringToSign: expect.stringContaining(`\n${crtTime}\n`) },
    });
  });
});
