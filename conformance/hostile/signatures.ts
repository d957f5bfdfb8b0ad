/** Signatures that do not hold, and requests that are not what was signed. */
import { EMPTY_SHA256 } from '../wire/sigv4.ts';
import {
  type Expectation,
  plusHeaders,
  put,
  type Row,
  signed,
  wire,
  withHeader,
  withoutHeader,
} from './row.ts';

const MISMATCH: Expectation = { status: 403, code: 'SignatureDoesNotMatch' };
const DENIED: Expectation = { status: 403, code: 'AccessDenied' };
const MINUTE_MS = 60_000;
const minutesFromNow = (minutes: number): Date => new Date(Date.now() + minutes * MINUTE_MS);
const flipLastDigit = (text: string): string => text.slice(0, -1) + (text.endsWith('0') ? '1' : '0');

export const signatures: readonly Row[] = [
  {
    name: 'a signature with one digit wrong',
    send: (target) => wire(withHeader(signed(target, put(target)), 'authorization', flipLastDigit)),
    expect: MISMATCH,
  },
  {
    name: 'a signature of half the length',
    send: (target) =>
      wire(withHeader(signed(target, put(target)), 'authorization', (value) => value.slice(0, -32))),
    expect: MISMATCH,
  },
  {
    name: 'a signature by another secret',
    send: (target) => {
      const { accessKeyId } = target.caller.credentials;
      const { secretAccessKey } = target.stranger.credentials;
      return wire(signed(target, put(target), { credentials: { accessKeyId, secretAccessKey } }));
    },
    expect: MISMATCH,
  },
  {
    name: 'an access key that does not exist',
    send: (target) => {
      const credentials = { accessKeyId: 'AKIANOBODYHASTHISKEY', secretAccessKey: 'x' };
      return wire(signed(target, put(target), { credentials }));
    },
    expect: { status: 403, code: 'InvalidAccessKeyId' },
  },
  {
    name: 'another key than was signed',
    send: (target) => wire({ ...signed(target, put(target)), path: `/${target.bucket}/other` }),
    expect: MISMATCH,
  },
  {
    name: 'a query that was not signed',
    send: (target) => wire({ ...signed(target, put(target)), path: `/${target.bucket}/new?x-id=PutObject` }),
    expect: MISMATCH,
  },
  {
    name: 'another method than was signed',
    send: (target) => wire({ ...signed(target, { path: `/${target.bucket}/seed` }), method: 'DELETE' }),
    expect: MISMATCH,
  },
  {
    name: 'another Host than was signed',
    send: (target) =>
      wire(withHeader(signed(target, put(target)), 'host', () => `${target.bucket}.localhost`)),
    expect: MISMATCH,
  },
  {
    name: 'metadata changed after signing',
    send: (target) =>
      wire(withHeader(signed(target, put(target, [['x-amz-meta-a', '1']])), 'x-amz-meta-a', () => '2')),
    expect: MISMATCH,
  },
  {
    name: 'metadata repeated after signing',
    send: (target) =>
      wire(plusHeaders(signed(target, put(target, [['x-amz-meta-a', '1']])), ['x-amz-meta-a', '1'])),
    expect: MISMATCH,
  },
  {
    name: 'sixteen minutes old',
    send: (target) => wire(signed(target, put(target), { time: minutesFromNow(-16) })),
    expect: { status: 403, code: 'RequestTimeTooSkewed' },
  },
  {
    name: 'sixteen minutes in the future',
    send: (target) => wire(signed(target, put(target), { time: minutesFromNow(16) })),
    expect: { status: 403, code: 'RequestTimeTooSkewed' },
  },
  {
    name: 'a scope of another day than the request',
    send: (target) => wire(signed(target, put(target), { scope: { date: '20130524' } })),
    expect: { status: 400, code: 'AuthorizationHeaderMalformed' },
  },
  {
    name: 'a scope of another region than was signed',
    send: (target) =>
      wire(
        withHeader(signed(target, put(target)), 'authorization', (value) =>
          value.replace('us-east-1', 'eu-west-1'),
        ),
      ),
    expect: MISMATCH,
  },
  {
    name: 'a scope of another service',
    send: (target) => wire(signed(target, put(target), { scope: { service: 'sts' } })),
    expect: { status: 400, code: 'AuthorizationHeaderMalformed' },
  },
  {
    name: 'a scope that does not end in aws4_request',
    send: (target) => wire(signed(target, put(target), { scope: { terminal: 'aws5_request' } })),
    expect: { status: 400, code: 'AuthorizationHeaderMalformed' },
  },
  {
    name: 'Host not among the signed headers',
    send: (target) => wire(signed(target, put(target), { unsigned: ['host'] })),
    expect: DENIED,
  },
  {
    name: 'metadata not among the signed headers',
    send: (target) =>
      wire(signed(target, put(target, [['x-amz-meta-a', '1']]), { unsigned: ['x-amz-meta-a'] })),
    expect: DENIED,
  },
  {
    name: 'a copy source slipped in unsigned',
    send: (target) =>
      wire(plusHeaders(signed(target, put(target)), ['x-amz-copy-source', `/${target.bucket}/seed`])),
    expect: DENIED,
  },
  {
    name: 'a signed header that is not sent',
    send: (target) =>
      wire(withoutHeader(signed(target, put(target, [['x-amz-meta-a', '1']])), 'x-amz-meta-a')),
    expect: MISMATCH,
  },
  {
    name: 'no x-amz-content-sha256',
    send: (target) => wire(signed(target, put(target), { payload: null })),
    expect: { status: 400, code: 'InvalidRequest' },
  },
  {
    name: 'x-amz-content-sha256 that is no hash',
    send: (target) => wire(signed(target, put(target), { payload: 'deadbeef' })),
    expect: { status: 400, code: 'InvalidArgument' },
  },
  {
    name: 'the hash of another body',
    send: (target) => wire(signed(target, put(target), { payload: EMPTY_SHA256 })),
    expect: { status: 400, code: 'XAmzContentSHA256Mismatch' },
  },
  {
    name: 'the body changed after signing',
    send: (target) => wire({ ...signed(target, put(target)), body: Buffer.from('atad') }),
    expect: { status: 400, code: 'XAmzContentSHA256Mismatch' },
  },
  {
    name: 'no date at all',
    send: (target) => wire(withoutHeader(signed(target, put(target)), 'x-amz-date')),
    expect: DENIED,
  },
  {
    name: 'a date that is none',
    send: (target) => wire(withHeader(signed(target, put(target)), 'x-amz-date', () => 'yesterday')),
    expect: DENIED,
  },
  {
    name: 'a session token beside a key that has no session',
    send: (target) => wire(signed(target, put(target, [['x-amz-security-token', 'FwoGZXIvYXdzEBY']]))),
    expect: { status: 400, code: 'InvalidToken' },
  },
  {
    name: 'nobody puts',
    send: (target) => wire(withoutHeader(signed(target, put(target)), 'authorization')),
    expect: DENIED,
  },
  {
    name: 'nobody lists buckets',
    send: (target) => wire(withoutHeader(signed(target, { path: '/' }), 'authorization')),
    expect: DENIED,
  },
  {
    name: "a put into somebody else's bucket",
    send: (target) => wire(signed(target, { ...put(target), path: `/${target.strangersBucket}/new` })),
    expect: DENIED,
  },
  {
    name: "a get from somebody else's bucket",
    send: (target) => wire(signed(target, { path: `/${target.strangersBucket}/theirs` })),
    expect: DENIED,
  },
  {
    name: "a copy from somebody else's bucket",
    send: (target) =>
      wire(
        signed(target, {
          method: 'PUT',
          path: `/${target.bucket}/new`,
          headers: [['x-amz-copy-source', `/${target.strangersBucket}/theirs`]],
        }),
      ),
    expect: DENIED,
  },
  {
    name: "somebody else's bucket deleted",
    send: (target) => wire(signed(target, { method: 'DELETE', path: `/${target.strangersBucket}` })),
    expect: DENIED,
  },
];
