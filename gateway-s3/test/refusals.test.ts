import { describe, expect, test } from 'vitest';
import { readHeaders } from '../src/auth/request.ts';
import { refuseUnimplementedHeaders } from '../src/refusals.ts';

const refuse = (...rawHeaders: string[]) => refuseUnimplementedHeaders(readHeaders(rawHeaders));

describe('a header that asks for what is not done', () => {
  test.each([
    ['x-amz-acl', 'public-read'],
    ['x-amz-grant-read', 'id="x"'],
    ['x-amz-grant-full-control', ''],
    ['x-amz-server-side-encryption', 'AES256'],
    ['x-amz-server-side-encryption-aws-kms-key-id', 'x'],
    ['x-amz-copy-source-server-side-encryption-customer-key', 'x'],
    ['x-amz-object-lock-legal-hold', 'ON'],
    ['x-amz-bucket-object-lock-enabled', 'true'],
    ['x-amz-object-ownership', 'ObjectWriter'],
    ['x-amz-write-offset-bytes', '0'],
    ['x-amz-rename-source', '/b/k'],
  ])('%s: %s is refused, wherever it stands', (name, value) => {
    const refusal = { code: 'NotImplemented', fields: { Header: name, Value: value } };
    expect(() => refuse(name, value)).toThrow(expect.objectContaining(refusal));
    expect(() => refuse('host', 'h', 'x-amz-date', 'd', name.toUpperCase(), value, 'range', 'r')).toThrow(
      expect.objectContaining(refusal),
    );
  });

  test.each([
    ['x-amz-acl', 'private'],
    ['x-amz-acl', 'bucket-owner-full-control'],
    ['x-amz-bucket-object-lock-enabled', 'false'],
    ['x-amz-bucket-object-lock-enabled', 'False'],
    ['x-amz-object-ownership', 'BucketOwnerEnforced'],
  ])('%s: %s is true anyway', (name, value) => refuse(name, value));

  test('is none of those that only resemble it', () =>
    refuse(
      ...['x-amz-grant', 'x', 'x-amz-acls', 'x', 'x-amz-server-side-encryptions', 'x'],
      ...['x-amz-meta-x-amz-acl', 'x', 'server-side-encryption', 'x', 'x-amz-object-lock', 'x'],
    ));
});
