/** `Authorization` headers that are no SigV4, or not quite. */
import { type Expectation, plusHeaders, put, type Row, signed, wire, withHeader } from './row.ts';
import type { Target } from './target.ts';

const MALFORMED: Expectation = { status: 400, code: 'AuthorizationHeaderMalformed' };
const INVALID: Expectation = { status: 400, code: 'InvalidArgument' };

const authorization = (change: (value: string) => string) => (target: Target) =>
  wire(withHeader(signed(target, put(target)), 'authorization', change));

export const authorizations: readonly Row[] = [
  {
    name: 'Signature Version 2',
    send: authorization(() => 'AWS AKIAIOSFODNN7EXAMPLE:frJIUN8DYpKDtOLCwo//yllqDzg='),
    expect: { status: 400, code: 'InvalidRequest' },
  },
  { name: 'Basic', send: authorization(() => 'Basic dXNlcjpwYXNz'), expect: INVALID },
  { name: 'Bearer', send: authorization(() => 'Bearer e30.e30.'), expect: INVALID },
  { name: 'one word', send: authorization(() => 'nonsense'), expect: INVALID },
  { name: 'the scheme in lower case', send: authorization((value) => value.toLowerCase()), expect: INVALID },
  { name: 'the scheme alone', send: authorization(() => 'AWS4-HMAC-SHA256'), expect: MALFORMED },
  {
    name: 'no Credential',
    send: authorization((value) => value.replace(/Credential=[^,]*, /, '')),
    expect: MALFORMED,
  },
  {
    name: 'no SignedHeaders',
    send: authorization((value) => value.replace(/SignedHeaders=[^,]*, /, '')),
    expect: MALFORMED,
  },
  {
    name: 'no Signature',
    send: authorization((value) => value.replace(/, Signature=.*/, '')),
    expect: MALFORMED,
  },
  {
    name: 'an empty Credential',
    send: authorization((value) => value.replace(/Credential=[^,]*/, 'Credential=')),
    expect: MALFORMED,
  },
  {
    name: 'a Credential of four parts',
    send: authorization((value) => value.replace('/s3/aws4_request', '/s3')),
    expect: MALFORMED,
  },
  {
    name: 'a Credential of six parts',
    send: authorization((value) => value.replace('Credential=', 'Credential=x/')),
    expect: MALFORMED,
  },
  {
    name: 'a Credential whose date is no date',
    send: authorization((value) => value.replace(/\/\d{8}\//, '/today/')),
    expect: MALFORMED,
  },
  {
    name: 'two Credentials',
    send: authorization((value) => value.replace(/(Credential=[^,]*)/, '$1, $1')),
    expect: MALFORMED,
  },
  {
    name: 'a fourth component',
    send: authorization((value) => `${value}, Extra=1`),
    expect: MALFORMED,
  },
  {
    name: 'signed headers in upper case',
    send: authorization((value) =>
      value.replace(/SignedHeaders=[^,]*/, (text) => text.replace('host', 'HOST')),
    ),
    expect: MALFORMED,
  },
  {
    name: 'signed headers named twice',
    send: authorization((value) => value.replace('SignedHeaders=', 'SignedHeaders=host;')),
    expect: MALFORMED,
  },
  {
    name: 'an access key with a quotation mark',
    send: authorization((value) => value.replace('Credential=', "Credential='%20OR%201=1--")),
    expect: { status: 403, code: 'InvalidAccessKeyId' },
  },
  {
    name: 'an Authorization header and query authentication',
    send: (target) => {
      const ask = put(target);
      return wire(signed(target, { ...ask, path: `${ask.path}?X-Amz-Algorithm=AWS4-HMAC-SHA256` }));
    },
    expect: INVALID,
  },
  {
    name: 'two Authorization headers',
    send: (target) =>
      wire(plusHeaders(signed(target, put(target)), ['Authorization', 'AWS4-HMAC-SHA256 x=y'])),
    expect: MALFORMED,
  },
];
