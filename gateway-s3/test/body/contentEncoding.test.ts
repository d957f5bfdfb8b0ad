import { expect, test } from 'vitest';
import { storedContentEncoding } from '../../src/body/contentEncoding.ts';

test.each([
  [undefined, undefined],
  ['aws-chunked', undefined],
  ['AWS-Chunked', undefined],
  ['gzip', 'gzip'],
  ['aws-chunked,gzip', 'gzip'],
  ['gzip, aws-chunked', 'gzip'],
  ['deflate, gzip', 'deflate, gzip'],
  ['', undefined],
])('%j is kept as %j', (header, kept) => {
  expect(storedContentEncoding(header)).toBe(kept);
});
