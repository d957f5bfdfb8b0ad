import { describe, expect, test } from 'vitest';
import { S3_ERRORS, S3Error, type S3ErrorCode } from '../src/errors.ts';

describe('the error table', () => {
  test.each(Object.entries(S3_ERRORS))('%s', (code, { status, message }) => {
    expect(code).toMatch(/^[A-Z][A-Za-z0-9]+$/);
    expect(status === 304 || (status >= 400 && status < 600)).toBe(true);
    expect(message).not.toBe('');
  });

  // Statuses that clients decide by, as the S3 API Reference lists them.
  test.each<[S3ErrorCode, number]>([
    ['AccessDenied', 403],
    ['BucketNotEmpty', 409],
    ['ConditionalRequestConflict', 409],
    ['InternalError', 500],
    ['InvalidRange', 416],
    ['MethodNotAllowed', 405],
    ['MissingContentLength', 411],
    ['NoSuchKey', 404],
    ['NotImplemented', 501],
    ['NotModified', 304],
    ['PreconditionFailed', 412],
    ['SignatureDoesNotMatch', 403],
    ['SlowDown', 503],
  ])('%s is %i', (code, status) => {
    expect(new S3Error(code).status).toBe(status);
  });
});

test('an S3Error carries its code, the default message, fields, headers and cause', () => {
  const cause = new Error('below');
  expect(new S3Error('NoSuchKey')).toMatchObject({
    message: S3_ERRORS.NoSuchKey.message,
    fields: {},
    headers: {},
  });
  expect(
    new S3Error('MethodNotAllowed', 'not here', {
      fields: { Method: 'PUT' },
      headers: { Allow: 'GET' },
      cause,
    }),
  ).toMatchObject({
    message: 'not here',
    status: 405,
    fields: { Method: 'PUT' },
    headers: { Allow: 'GET' },
    cause,
  });
});
