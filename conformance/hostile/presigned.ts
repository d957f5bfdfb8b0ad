/** Presigned URLs: expired, stretched, changed, or never good. */
import { type Presigning, presign, type SignedRequest } from '../wire/request.ts';
import { signingOf } from '../wire/send.ts';
import { type Expectation, plusHeaders, type Row, wire } from './row.ts';
import type { Target } from './target.ts';

const MALFORMED: Expectation = { status: 400, code: 'AuthorizationQueryParametersError' };
const MISMATCH: Expectation = { status: 403, code: 'SignatureDoesNotMatch' };
const DENIED: Expectation = { status: 403, code: 'AccessDenied' };
const HOUR_MS = 3_600_000;

function presigned(target: Target, signing: Partial<Presigning> = {}): SignedRequest {
  return presign(
    { path: `/${target.bucket}/seed` },
    { ...signingOf(target.caller), expires: '600', ...signing },
  );
}

const rewritten = (pattern: RegExp | string, replacement: string) => (target: Target) => {
  const request = presigned(target);
  return wire({ ...request, path: request.path.replace(pattern, replacement) });
};

export const presignedUrls: readonly Row[] = [
  {
    name: 'Expires of 0',
    send: (target) => wire(presigned(target, { expires: '0' })),
    expect: MALFORMED,
  },
  {
    name: 'Expires of a week and a second',
    send: (target) => wire(presigned(target, { expires: '604801' })),
    expect: MALFORMED,
  },
  {
    name: 'Expires below zero',
    send: (target) => wire(presigned(target, { expires: '-1' })),
    expect: MALFORMED,
  },
  {
    name: 'Expires that is no number',
    send: (target) => wire(presigned(target, { expires: '1e3' })),
    expect: MALFORMED,
  },
  {
    name: 'Expires past what a number holds',
    send: (target) => wire(presigned(target, { expires: '9'.repeat(400) })),
    expect: MALFORMED,
  },
  { name: 'no Expires', send: rewritten(/&X-Amz-Expires=\d+/, ''), expect: MALFORMED },
  {
    name: 'Expires stretched after signing',
    send: rewritten('Expires=600', 'Expires=6000'),
    expect: MISMATCH,
  },
  {
    name: 'expired an hour ago',
    send: (target) => wire(presigned(target, { time: new Date(Date.now() - 2 * HOUR_MS), expires: '3600' })),
    expect: DENIED,
  },
  {
    name: 'not valid before an hour has passed',
    send: (target) => wire(presigned(target, { time: new Date(Date.now() + HOUR_MS) })),
    expect: DENIED,
  },
  {
    name: 'a signature with one digit wrong',
    send: rewritten(/.$/, 'g'),
    expect: MISMATCH,
  },
  { name: 'no signature', send: rewritten(/&X-Amz-Signature=.*/, ''), expect: MALFORMED },
  {
    name: 'two signatures',
    send: rewritten(/$/, '&X-Amz-Signature=00'),
    expect: MALFORMED,
  },
  { name: 'used for another key', send: rewritten('/seed?', '/upload?'), expect: MISMATCH },
  {
    name: 'used for another method',
    send: (target) => wire({ ...presigned(target), method: 'DELETE' }),
    expect: MISMATCH,
  },
  {
    name: 'a subresource slipped in',
    send: rewritten('?', '?tagging&'),
    expect: MISMATCH,
  },
  {
    name: 'metadata slipped in unsigned',
    send: (target) => wire(plusHeaders(presigned(target), ['x-amz-meta-a', '1'])),
    expect: DENIED,
  },
  {
    name: 'another algorithm',
    send: rewritten('AWS4-HMAC-SHA256', 'AWS4-HMAC-SHA1'),
    expect: MALFORMED,
  },
  { name: 'a date that is none', send: rewritten(/X-Amz-Date=[^&]*/, 'X-Amz-Date=today'), expect: MALFORMED },
  {
    name: 'a credential that is none',
    send: rewritten(/X-Amz-Credential=[^&]*/, 'X-Amz-Credential=me'),
    expect: MALFORMED,
  },
  {
    name: 'a scope of another day',
    send: (target) => wire(presigned(target, { scope: { date: '20130524' } })),
    expect: MALFORMED,
  },
  {
    name: 'Signature Version 2 in the query',
    send: (target) =>
      wire({
        ...presigned(target),
        path: `/${target.bucket}/seed?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Expires=1175139620&Signature=NpgCjnDzrM%2BW`,
      }),
    expect: { status: 400, code: 'InvalidRequest' },
  },
];
