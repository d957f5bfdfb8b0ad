import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Payload } from '../../src/auth/payload.ts';
import { readHeaders } from '../../src/auth/request.ts';
import {
  type IntakeOptions,
  openIntake,
  readWholeBody,
  type WholeBodyOptions,
} from '../../src/body/intake.ts';
import { InlineDigests } from '../../src/checksums/bodyDigests.ts';
import { checksumOf } from '../../src/checksums/digest.ts';
import { formatChecksum } from '../../src/checksums/value.ts';
import { S3_ERRORS } from '../../src/errors.ts';

const hello = Buffer.from('hello');
const md5Base64 = createHash('md5').update(hello).digest('base64');
const crc32 = formatChecksum(checksumOf('CRC32', hello));
const sha256 = formatChecksum(checksumOf('SHA256', hello));
const otherCrc32 = formatChecksum(checksumOf('CRC32', Buffer.from('other')));
const unsignedTrailer: Payload = { kind: 'streaming-unsigned-trailer' };

function options(
  headers: Readonly<Record<string, string>>,
  more: Partial<IntakeOptions> = {},
): IntakeOptions {
  return {
    headers: readHeaders(Object.entries(headers).flat()),
    payload: { kind: 'unsigned' },
    lengthBytesMax: 100,
    md5: true,
    defaultChecksum: 'CRC64NVME',
    ...more,
  };
}

async function* streamOf(...pieces: readonly Buffer[]): AsyncGenerator<Buffer> {
  yield* pieces;
}

async function take(given: IntakeOptions, ...wire: readonly Buffer[]) {
  const intake = openIntake(given);
  const bytes = Buffer.concat(wire.flatMap((piece) => intake.push(piece)));
  const digests = new InlineDigests(intake.algorithms);
  digests.update(bytes);
  return { bytes, ...intake.end(digests.end()) };
}

describe('what a stored body is known by', () => {
  test('the MD5 and the default checksum, when the client sends none', async () => {
    const taken = await take(options({ 'Content-Length': '5' }), hello.subarray(0, 2), hello.subarray(2));
    expect(taken).toEqual({
      bytes: hello,
      lengthBytes: 5,
      md5: createHash('md5').update(hello).digest(),
      checksum: checksumOf('CRC64NVME', hello),
    });
  });

  test.each(['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256', 'SHA512', 'MD5'] as const)(
    "the client's %s, from a header",
    async (algorithm) => {
      const checksum = checksumOf(algorithm, hello);
      const headers = {
        'Content-Length': '5',
        [`x-amz-checksum-${algorithm.toLowerCase()}`]: formatChecksum(checksum),
        'x-amz-sdk-checksum-algorithm': algorithm,
      };
      await expect(take(options(headers), hello)).resolves.toMatchObject({ checksum });
      await expect(take(options(headers), Buffer.from('hellO'))).rejects.toMatchObject({
        code: 'BadDigest',
        message: `The ${algorithm} you specified did not match the calculated checksum.`,
      });
    },
  );

  test('a SHA-256 checksum of a body that is signed with it', async () => {
    const sha256Hex = createHash('sha256').update(hello).digest('hex');
    const given = options(
      { 'Content-Length': '5', 'x-amz-checksum-sha256': sha256 },
      { payload: { kind: 'signed', sha256Hex } },
    );
    await expect(take(given, hello)).resolves.toMatchObject({ checksum: checksumOf('SHA256', hello) });
    const lying = options(
      {
        'Content-Length': '5',
        'x-amz-checksum-sha256': formatChecksum(checksumOf('SHA256', Buffer.from('x'))),
      },
      { payload: { kind: 'signed', sha256Hex } },
    );
    await expect(take(lying, hello)).rejects.toMatchObject({ code: 'BadDigest' });
    expect(openIntake(given).algorithms).toEqual(new Set(['MD5', 'SHA256']));
  });

  test.each(['hellO', ''])('a body of another hash than was signed: %j', async (text) => {
    const bytes = Buffer.from(text);
    const sha256Hex = createHash('sha256').update(hello).digest('hex');
    const given = options(
      { 'Content-Length': String(bytes.length) },
      { payload: { kind: 'signed', sha256Hex } },
    );
    await expect(take(given, bytes)).rejects.toMatchObject({ code: 'XAmzContentSHA256Mismatch' });
    await expect(readWholeBody(given, streamOf(bytes))).rejects.toMatchObject({
      code: 'XAmzContentSHA256Mismatch',
    });
  });

  test("the client's checksum, from a trailer", async () => {
    const given = options(
      { 'x-amz-decoded-content-length': '5', 'x-amz-trailer': 'x-amz-checksum-crc32' },
      { payload: unsignedTrailer },
    );
    const wire = (value: string) => Buffer.from(`5\r\nhello\r\n0\r\nx-amz-checksum-crc32:${value}\r\n\r\n`);
    await expect(take(given, wire(crc32))).resolves.toMatchObject({
      bytes: hello,
      lengthBytes: 5,
      checksum: checksumOf('CRC32', hello),
    });
    await expect(take(given, wire(otherCrc32))).rejects.toMatchObject({ code: 'BadDigest' });
    await expect(take(given, wire('AAAA'))).rejects.toMatchObject({
      code: 'InvalidRequest',
      message: 'Value for x-amz-checksum-crc32 trailing header is invalid.',
    });
  });

  test('Content-MD5 is compared', async () => {
    await expect(
      take(options({ 'Content-Length': '5', 'Content-MD5': md5Base64 }, { md5: false }), hello),
    ).resolves.toMatchObject({ lengthBytes: 5 });
    await expect(
      take(
        options({ 'Content-Length': '5', 'Content-MD5': md5Base64 }, { md5: false }),
        Buffer.from('hellO'),
      ),
    ).rejects.toMatchObject({ code: 'BadDigest', message: expect.stringMatching(/Content-MD5/) });
  });

  test('no digest that nobody wants', async () => {
    const { defaultChecksum: _, ...bare } = options({ 'Content-Length': '5' }, { md5: false });
    await expect(take(bare, hello)).resolves.toEqual({
      bytes: hello,
      lengthBytes: 5,
      md5: undefined,
      checksum: undefined,
    });
  });
});

describe('headers that are refused before the body is read', () => {
  test.each<[string, Readonly<Record<string, string>>, keyof typeof S3_ERRORS, Partial<IntakeOptions>?]>([
    ['no length', {}, 'MissingContentLength'],
    ['a length that is none', { 'Content-Length': '5x' }, 'MissingContentLength'],
    ['a negative length', { 'Content-Length': '-5' }, 'MissingContentLength'],
    ['too long', { 'Content-Length': '101' }, 'EntityTooLarge'],
    [
      'too long, decoded',
      { 'Content-Length': '50', 'x-amz-decoded-content-length': '101' },
      'EntityTooLarge',
      { payload: unsignedTrailer },
    ],
    ['no decoded length', { 'Content-Length': '50' }, 'MissingContentLength', { payload: unsignedTrailer }],
    ['Content-MD5 too short', { 'Content-Length': '5', 'Content-MD5': 'YWJyYWNhZGFicmE=' }, 'InvalidDigest'],
    ['Content-MD5 empty', { 'Content-Length': '5', 'Content-MD5': '' }, 'InvalidDigest'],
    ['Content-MD5 not base64', { 'Content-Length': '5', 'Content-MD5': `${md5Base64}!` }, 'InvalidDigest'],
    ['a checksum too short', { 'Content-Length': '5', 'x-amz-checksum-crc32': 'AAAA' }, 'InvalidRequest'],
    [
      'a checksum not base64',
      { 'Content-Length': '5', 'x-amz-checksum-crc32': 'AAAAA===' },
      'InvalidRequest',
    ],
    ['a checksum empty', { 'Content-Length': '5', 'x-amz-checksum-crc32': '' }, 'InvalidRequest'],
    [
      'two checksums',
      { 'Content-Length': '5', 'x-amz-checksum-crc32': crc32, 'x-amz-checksum-sha256': sha256 },
      'InvalidRequest',
    ],
    [
      'a checksum we lack',
      { 'Content-Length': '5', 'x-amz-checksum-xxhash3': 'AAAAAAAAAAA=' },
      'NotImplemented',
    ],
    ['a checksum nobody has', { 'Content-Length': '5', 'x-amz-checksum-crc16': 'AAA=' }, 'InvalidRequest'],
    [
      'an SDK algorithm that is not the one sent',
      { 'Content-Length': '5', 'x-amz-checksum-crc32': crc32, 'x-amz-sdk-checksum-algorithm': 'SHA256' },
      'InvalidRequest',
    ],
    [
      'an SDK algorithm and no checksum',
      { 'Content-Length': '5', 'x-amz-sdk-checksum-algorithm': 'CRC32' },
      'InvalidRequest',
    ],
    [
      'a trailer on a plain body',
      { 'Content-Length': '5', 'x-amz-trailer': 'x-amz-checksum-crc32' },
      'InvalidRequest',
    ],
    [
      'a trailer that is no checksum',
      { 'x-amz-decoded-content-length': '5', 'x-amz-trailer': 'x-amz-meta-a' },
      'InvalidRequest',
      { payload: unsignedTrailer },
    ],
    [
      'two trailers',
      { 'x-amz-decoded-content-length': '5', 'x-amz-trailer': 'x-amz-checksum-crc32, x-amz-checksum-sha1' },
      'InvalidRequest',
      { payload: unsignedTrailer },
    ],
    [
      'a checksum both in a header and in a trailer',
      {
        'x-amz-decoded-content-length': '5',
        'x-amz-trailer': 'x-amz-checksum-sha256',
        'x-amz-checksum-crc32': crc32,
      },
      'InvalidRequest',
      { payload: unsignedTrailer },
    ],
  ])('%s', (_, headers, code, more) => {
    expect(() => openIntake(options(headers, more))).toThrow(
      expect.objectContaining({ code, status: S3_ERRORS[code].status }),
    );
  });

  test('x-amz-checksum-type and -algorithm are not values', () => {
    expect(() =>
      openIntake(
        options({
          'Content-Length': '5',
          'x-amz-checksum-type': 'FULL_OBJECT',
          'x-amz-checksum-algorithm': 'CRC32',
          'x-amz-checksum-mode': 'ENABLED',
        }),
      ),
    ).not.toThrow();
  });
});

describe('a small body read whole', () => {
  const whole = (headers: Readonly<Record<string, string>>, more: Partial<WholeBodyOptions> = {}) => ({
    ...options(headers),
    lengthBytesMax: 10,
    ...more,
  });

  test('in pieces, with its promises kept', async () => {
    const given = whole({ 'Content-Length': '5', 'Content-MD5': md5Base64, 'x-amz-checksum-crc32': crc32 });
    await expect(readWholeBody(given, streamOf(hello.subarray(0, 1), hello.subarray(1)))).resolves.toEqual(
      hello,
    );
    await expect(readWholeBody(given, streamOf(Buffer.from('hellO')))).rejects.toMatchObject({
      code: 'BadDigest',
    });
  });

  test('a byte at a time', async () => {
    const bytes = Buffer.from(Array.from({ length: 5000 }, (_, at) => at % 251));
    const given = whole({}, { lengthBytesMax: 5000 });
    const one = Array.from(bytes, (byte) => Buffer.from([byte]));
    await expect(readWholeBody(given, streamOf(...one))).resolves.toEqual(bytes);
    await expect(readWholeBody(given, streamOf(...one, hello))).rejects.toMatchObject({
      code: 'MaxMessageLengthExceeded',
    });
  });

  test('none at all is empty', async () => {
    await expect(readWholeBody(whole({}), streamOf())).resolves.toEqual(Buffer.alloc(0));
  });

  test('in chunks with a trailer', async () => {
    const given = whole(
      { 'x-amz-decoded-content-length': '5', 'x-amz-trailer': 'x-amz-checksum-crc32' },
      { payload: unsignedTrailer },
    );
    const wire = Buffer.from(`5\r\nhello\r\n0\r\nx-amz-checksum-crc32:${crc32}\r\n\r\n`);
    await expect(readWholeBody(given, streamOf(wire))).resolves.toEqual(hello);
  });

  test('an error of the source passes through', async () => {
    const failing = async function* () {
      yield hello;
      throw new Error('socket closed');
    };
    await expect(readWholeBody(whole({ 'Content-Length': '9' }), failing())).rejects.toThrow('socket closed');
  });

  test('too long: told by the headers, or found out on the way', async () => {
    const refused = { code: 'MaxMessageLengthExceeded' };
    await expect(readWholeBody(whole({ 'Content-Length': '11' }), streamOf())).rejects.toMatchObject(refused);
    let read = 0;
    const endless = async function* () {
      for (;;) {
        read += hello.length;
        yield hello;
      }
    };
    await expect(readWholeBody(whole({}), endless())).rejects.toMatchObject(refused);
    expect(read).toBe(15);
  });

  test("a checksum of the object is not taken for the body's", async () => {
    const given = whole(
      { 'Content-Length': '5', 'x-amz-checksum-crc32': otherCrc32 },
      { checksumHeaders: 'of-object' },
    );
    await expect(readWholeBody(given, streamOf(hello))).resolves.toEqual(hello);
  });
});
