import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ComputedAlgorithm } from '../../src/checksums/algorithms.ts';
import { checksumOf } from '../../src/checksums/digest.ts';
import { compositeChecksum, fullObjectChecksum, multipartEtag } from '../../src/checksums/multipart.ts';
import { formatChecksum } from '../../src/checksums/value.ts';

/** Three parts of 5 MiB of A, B and C: values that ceph/s3-tests expects of S3 (`test_multipart_use_cksum_helper_*`). */
const parts = ['A', 'B', 'C'].map((letter) => Buffer.alloc(5 << 20, letter));

describe('three parts of 5 MiB', () => {
  test.each<[ComputedAlgorithm, readonly string[], string]>([
    [
      'SHA256',
      [
        '275VF5loJr1YYawit0XSHREhkFXYkkPKGuoK0x9VKxI=',
        'mrHwOfjTL5Zwfj74F05HOQGLdUb7E5szdCbxgUSq6NM=',
        'Vw7oB/nKQ5xWb3hNgbyfkvDiivl+U+/Dft48nfJfDow=',
      ],
      'uWBwpe1dxI4Vw8Gf0X9ynOdw/SS6VBzfWm9giiv1sf4=-3',
    ],
    [
      'SHA1',
      ['iIaTCGbm+vdVjNqIMF2S0T7ibMk=', 'LS/TJ32bAVKEwRu+sE3X7awh/lk=', '6DDwovUaHwrKNXDMzOGbuvj9kxI='],
      'sizjvY4eud3MrcHdZM3cQ/ol39o=-3',
    ],
  ])('%s, composite', (algorithm, partTexts, text) => {
    const values = parts.map((part) => checksumOf(algorithm, part).value);
    expect(values.map((value) => formatChecksum({ type: 'FULL_OBJECT', value }))).toEqual(partTexts);
    expect(formatChecksum(compositeChecksum(algorithm, values), values.length)).toBe(text);
  });

  test.each<[ComputedAlgorithm, readonly string[], string]>([
    ['CRC64NVME', ['L/E4WYn8v98=', 'xW1l19VobYM=', 'cK5MnNaWrW4='], 'i+6LR0y3eFo='],
    ['CRC32', ['JRTCyQ==', 'QoZTGg==', 'YAgjqw=='], 'WgDhBQ=='],
    ['CRC32C', ['MDaLrw==', 'TH4EZg==', 'Z7mBIQ=='], 'xU+Krw=='],
  ])('%s, of the full object', (algorithm, partTexts, text) => {
    const checksums = parts.map((part) => ({
      value: checksumOf(algorithm, part).value,
      sizeBytes: part.length,
    }));
    expect(checksums.map(({ value }) => formatChecksum({ type: 'FULL_OBJECT', value }))).toEqual(partTexts);
    expect(formatChecksum(fullObjectChecksum(algorithm, checksums))).toBe(text);
  });

  test('ETag', () => {
    const { digest, parts: count } = multipartEtag(parts.map((part) => checksumOf('MD5', part).value));
    expect(`${Buffer.from(digest).toString('hex')}-${count}`).toBe('b2add96cc9702bbf4efb0ccdfc6b7747-3');
  });
});

describe('a CRC combined from parts', () => {
  const combinable = ['CRC32', 'CRC32C', 'CRC64NVME'] as const;

  test.each(combinable)('%s equals the CRC of the whole, whatever the parts', (algorithm) => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 400 }), { minLength: 1, maxLength: 6 }), (pieces) => {
        const combined = fullObjectChecksum(
          algorithm,
          pieces.map((piece) => ({
            value: checksumOf(algorithm, Buffer.from(piece)).value,
            sizeBytes: piece.length,
          })),
        );
        expect(combined).toEqual(checksumOf(algorithm, Buffer.concat(pieces)));
      }),
    );
  });

  test.each(combinable)('%s over lengths of many bits', (algorithm) => {
    const pieces = [3, 8_388_607, 1, 5_242_881].map((length) => randomBytes(length));
    const combined = fullObjectChecksum(
      algorithm,
      pieces.map((piece) => ({ value: checksumOf(algorithm, piece).value, sizeBytes: piece.length })),
    );
    expect(combined).toEqual(checksumOf(algorithm, Buffer.concat(pieces)));
  });

  test.each(combinable)(
    '%s knows lengths past 2^32: 8 parts of 1 GiB of zeros are one of 8 GiB',
    (algorithm) => {
      const mebibyte = { value: checksumOf(algorithm, Buffer.alloc(1 << 20)).value, sizeBytes: 1 << 20 };
      const of = (part: typeof mebibyte, times: number) => ({
        value: fullObjectChecksum(
          algorithm,
          Array.from({ length: times }, () => part),
        ).value,
        sizeBytes: part.sizeBytes * times,
      });
      const gibibyte = of(mebibyte, 1024);
      const eight = of(gibibyte, 8);
      const tail = { value: checksumOf(algorithm, Buffer.from('tail')).value, sizeBytes: 4 };
      // Associative: (head ‖ 8 GiB) ‖ tail by parts of 1 GiB, and with the 8 GiB in one step.
      const byParts = fullObjectChecksum(algorithm, [
        tail,
        ...Array.from({ length: 8 }, () => gibibyte),
        tail,
      ]);
      expect(eight.sizeBytes).toBe(2 ** 33);
      expect(fullObjectChecksum(algorithm, [tail, eight, tail])).toEqual(byParts);
    },
  );

  test('is refused for hashes', () => {
    expect(() => fullObjectChecksum('SHA256', [])).toThrow(
      expect.objectContaining({ code: 'InvalidRequest' }),
    );
  });
});
