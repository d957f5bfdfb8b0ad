import { crc32 as zlibCrc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ComputedAlgorithm } from '../../src/checksums/algorithms.ts';
import { checksumFrom, digestOf, InlineDigests } from '../../src/checksums/bodyDigests.ts';
import { checksumOf, createDigest } from '../../src/checksums/digest.ts';

const algorithms = ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256', 'SHA512', 'MD5'] as const;

describe('known values', () => {
  // The check values of the CRC catalogue: over "123456789". The others: RFC 1321, RFC 3174, FIPS 180-4 over "abc".
  test.each<[ComputedAlgorithm, string, string]>([
    ['CRC32', '123456789', 'cbf43926'],
    ['CRC32C', '123456789', 'e3069283'],
    ['CRC64NVME', '123456789', 'ae8b14860a799888'],
    ['MD5', 'abc', '900150983cd24fb0d6963f7d28e17f72'],
    ['SHA1', 'abc', 'a9993e364706816aba3e25717850c26c9cd0d89d'],
    ['SHA256', 'abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
    [
      'SHA512',
      'abc',
      'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f',
    ],
  ])('%s', (algorithm, text, hex) => {
    expect(Buffer.from(checksumOf(algorithm, Buffer.from(text)).value).toString('hex')).toBe(hex);
  });

  test.each<[ComputedAlgorithm, string]>([
    ['CRC32', '00000000'],
    ['CRC32C', '00000000'],
    ['CRC64NVME', '0000000000000000'],
    ['MD5', 'd41d8cd98f00b204e9800998ecf8427e'],
  ])('%s of nothing', (algorithm, hex) => {
    expect(createDigest(algorithm).digest().toString('hex')).toBe(hex);
    expect(Buffer.from(checksumOf(algorithm, Buffer.alloc(0)).value).toString('hex')).toBe(hex);
  });
});

/** Bit by bit, straight from the definition. */
function crcByDefinition(bytes: Uint8Array, width: bigint, reflectedPolynomial: bigint): bigint {
  const ones = (1n << width) - 1n;
  let crc = ones;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) crc = crc & 1n ? (crc >> 1n) ^ reflectedPolynomial : crc >> 1n;
  }
  return crc ^ ones;
}

describe('against other implementations', () => {
  test.each<[ComputedAlgorithm, bigint, bigint]>([
    ['CRC32', 32n, 0xedb88320n],
    ['CRC32C', 32n, 0x82f63b78n],
    ['CRC64NVME', 64n, 0x9a6c9329ac4bc9b5n],
  ])('%s, bit by bit, with a top bit that is set', (algorithm, width, polynomial) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const expected = crcByDefinition(bytes, width, polynomial);
        const hex = Buffer.from(checksumOf(algorithm, Buffer.from(bytes)).value).toString('hex');
        expect(hex).toBe(expected.toString(16).padStart(Number(width) / 4, '0'));
      }),
    );
  });

  test('CRC32 against zlib', () => {
    const bytes = Buffer.alloc(100_000, 'zlib');
    expect(Buffer.from(checksumOf('CRC32', bytes).value).readUInt32BE()).toBe(zlibCrc32(bytes));
  });
});

test.each(algorithms)('%s is the same however the bytes are cut', (algorithm) => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 500 }),
      fc.array(fc.nat(500), { maxLength: 5 }),
      (bytes, places) => {
        const digest = createDigest(algorithm);
        const whole = Buffer.from(bytes);
        let from = 0;
        for (const to of [
          ...places.map((place) => Math.min(place, whole.length)).sort((a, b) => a - b),
          whole.length,
        ]) {
          digest.update(whole.subarray(from, to));
          from = to;
        }
        expect(digest.digest()).toEqual(checksumOf(algorithm, whole).value);
      },
    ),
    { numRuns: 50 },
  );
});

test('several in one pass', () => {
  const bytes = Buffer.from('one pass');
  const digests = new InlineDigests(algorithms);
  digests.update(bytes.subarray(0, 3));
  digests.update(bytes.subarray(3));
  const values = digests.end();
  expect([...values.keys()]).toEqual(algorithms);
  for (const algorithm of algorithms) {
    expect(checksumFrom(values, algorithm)).toEqual(checksumOf(algorithm, bytes));
  }
  expect(() => digestOf(new InlineDigests(['MD5']).end(), 'CRC32')).toThrow('CRC32 was not asked for');
});
