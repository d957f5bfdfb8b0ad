import { describe, expect, test } from 'vitest';
import { readHeaders } from '../../src/auth/request.ts';
import {
  checksumElementName,
  checksumHeaderName,
  parseChecksumAlgorithm,
  resolveChecksumType,
} from '../../src/checksums/algorithms.ts';
import {
  formatChecksum,
  parseChecksumValue,
  parseObjectChecksum,
  readChecksumHeader,
} from '../../src/checksums/value.ts';

const refusal = (code: string) => expect.objectContaining({ name: 'S3Error', code });

describe('algorithms', () => {
  test('are read in any case', () => {
    expect(parseChecksumAlgorithm('crc64nvme')).toBe('CRC64NVME');
    expect(parseChecksumAlgorithm('Sha256')).toBe('SHA256');
  });

  test.each(['XXHASH64', 'xxhash3', 'XXHASH128'])('%s is refused as not implemented', (name) => {
    expect(() => parseChecksumAlgorithm(name)).toThrow(refusal('NotImplemented'));
  });

  test.each(['CRC16', '', 'toString', '__proto__', 'CRC32 '])('%j is refused', (name) => {
    expect(() => parseChecksumAlgorithm(name)).toThrow(refusal('InvalidRequest'));
  });

  test('have their header and element', () => {
    expect(checksumHeaderName('CRC32C')).toBe('x-amz-checksum-crc32c');
    expect(checksumElementName('CRC32C')).toBe('ChecksumCRC32C');
  });
});

describe('the type of a multipart upload', () => {
  test.each([
    ['CRC32', undefined, 'COMPOSITE'],
    ['CRC32', 'FULL_OBJECT', 'FULL_OBJECT'],
    ['CRC32C', 'composite', 'COMPOSITE'],
    ['CRC64NVME', undefined, 'FULL_OBJECT'],
    ['SHA1', undefined, 'COMPOSITE'],
    ['SHA256', 'COMPOSITE', 'COMPOSITE'],
    ['SHA512', undefined, 'COMPOSITE'],
    ['MD5', undefined, 'COMPOSITE'],
  ] as const)('%s asked for as %s is %s', (algorithm, asked, type) => {
    expect(resolveChecksumType(algorithm, asked)).toBe(type);
  });

  test.each([
    ['CRC64NVME', 'COMPOSITE'],
    ['SHA1', 'FULL_OBJECT'],
    ['SHA256', 'FULL_OBJECT'],
    ['SHA512', 'FULL_OBJECT'],
    ['MD5', 'FULL_OBJECT'],
    ['CRC32', 'WHOLE'],
    ['CRC32', ''],
  ] as const)('%s cannot be %s', (algorithm, asked) => {
    expect(() => resolveChecksumType(algorithm, asked)).toThrow(refusal('InvalidRequest'));
  });
});

describe('values', () => {
  test('go both ways', () => {
    const checksum = parseChecksumValue('CRC32', 'NSRBwg==');
    expect(Buffer.from(checksum.value).toString('hex')).toBe('352441c2');
    expect(formatChecksum(checksum)).toBe('NSRBwg==');
    expect(formatChecksum(checksum, 3)).toBe('NSRBwg==');
  });

  test.each(['', 'bad', 'NSRBwg', 'NSRBwg=', 'NSRBwh==', 'NSRB wg==', 'NSRBwg==\n', 'NSRBwgA=', 'NSRBw-=='])(
    '%j is refused',
    (text) => {
      expect(() => parseChecksumValue('CRC32', text)).toThrow(refusal('InvalidRequest'));
    },
  );

  test('of a whole object say whether they are composite', () => {
    const { checksum, parts } = parseObjectChecksum('CRC32', 'NSRBwg==-12');
    expect({ type: checksum.type, parts }).toEqual({ type: 'COMPOSITE', parts: 12 });
    expect(formatChecksum(checksum, parts)).toBe('NSRBwg==-12');
    expect(parseObjectChecksum('CRC32', 'NSRBwg==')).toMatchObject({
      checksum: { type: 'FULL_OBJECT' },
      parts: undefined,
    });
    for (const text of ['NSRBwg==-', 'NSRBwg==-x', 'NSRBwg==-1-2', '-3', 'bad-3']) {
      expect(() => parseObjectChecksum('CRC32', text)).toThrow(refusal('InvalidRequest'));
    }
  });

  test('a view into a larger buffer is formatted by itself', () => {
    const value = Buffer.from('xx352441c2xx').subarray(2, 6);
    expect(formatChecksum({ type: 'FULL_OBJECT', value })).toBe(Buffer.from('3524').toString('base64'));
  });
});

test('the header that carries a value is found among its look-alikes', () => {
  const headers = readHeaders([
    'x-amz-checksum-type',
    'FULL_OBJECT',
    'X-Amz-Checksum-Sha1',
    'YR/1TvTYOJz5gtqVFoBJBtmTibY=',
    'x-amz-checksum-algorithm',
    'SHA1',
  ]);
  expect(readChecksumHeader(headers)).toEqual({ algorithm: 'SHA1', text: 'YR/1TvTYOJz5gtqVFoBJBtmTibY=' });
  expect(readChecksumHeader(readHeaders([]))).toBeUndefined();
});
