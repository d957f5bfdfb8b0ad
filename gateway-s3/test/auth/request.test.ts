import { describe, expect, test } from 'vitest';
import { canonicalPath, canonicalQuery } from '../../src/auth/canonical.ts';
import { decodePath, parseQuery, readHeaders } from '../../src/auth/request.ts';
import { S3Error } from '../../src/errors.ts';

describe('readHeaders', () => {
  test('joins repeated headers in wire order, names in lower case, outer blanks trimmed', () => {
    const headers = readHeaders(['X-Amz-Meta-A', ' 1\t', 'Host', 'h', 'x-amz-meta-a', '2  3']);
    expect([...headers]).toEqual([
      ['x-amz-meta-a', '1,2  3'],
      ['host', 'h'],
    ]);
  });

  test('keeps a byte 0xA0 at the end: it is half of an à', () => {
    const wire = Buffer.from('voilà').toString('latin1');
    expect(readHeaders(['a', wire]).get('a')).toBe(wire);
  });
});

describe('parseQuery', () => {
  test.each([
    ['', []],
    ['acl', [['acl', '']]],
    ['acl=', [['acl', '']]],
    ['a=b=c', [['a', 'b=c']]],
    [
      'a=1&&a=2',
      [
        ['a', '1'],
        ['a', '2'],
      ],
    ],
    ['=x', [['', 'x']]],
    ['prefix=a+b%2Bc', [['prefix', 'a b+c']]],
    ['p%3D=%26', [['p=', '&']]],
    ['k=%c3%BC', [['k', '\xc3\xbc']]],
  ])('%s', (raw, expected) => {
    expect(parseQuery(raw).map(({ name, value }) => [name, value])).toEqual(expected);
  });

  test.each(['a=%', 'a=%4', 'a=%zz', '%u0041', 'a=\u0100'])('refuses %s', (raw) => {
    expect(() => parseQuery(raw)).toThrow(expect.objectContaining({ code: 'InvalidURI' }));
  });
});

test('decodePath gives the bytes, keeps the plus, and refuses half an escape', () => {
  expect(decodePath('/a+b/%2B//./../%E9%8D%B5')).toBe('/a+b/+//./../\xe9\x8d\xb5');
  expect(() => decodePath('/%G0')).toThrow(S3Error);
});

describe('the canonical form', () => {
  test('of a path: encoded once, dots and empty segments kept', () => {
    expect(canonicalPath('/b/a//b/./../c')).toBe('/b/a//b/./../c');
    expect(canonicalPath('/b/%61%2f%7E%20+')).toBe('/b/a/~%20%2B');
    expect(canonicalPath('/b/\xc3\xbc')).toBe('/b/%C3%BC');
  });

  test('of a query: sorted by encoded name, then by encoded value, without the signature', () => {
    const query = parseQuery('b=&a=2&a=10&a=1&B&X-Amz-Signature=00&a-b=1&a%2Fb=1&a%3D=1');
    // Sorted as `name=value` strings, `a%2Fb` would come before `a`.
    expect(canonicalQuery(query)).toBe('B=&a=1&a=10&a=2&a%2Fb=1&a%3D=1&a-b=1&b=');
  });
});
