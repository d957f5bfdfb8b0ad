/** What the verifier refuses of a presigned URL. */
import { describeRefusals, plusHeader, presigned, query, type Refusal } from './changedRequests.ts';

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

describeRefusals('presigned URL', queryRefusals);
