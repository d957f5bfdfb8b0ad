/** Headers that HTTP or S3 forbid, and request lines that are none. */
import type { Ask } from '../wire/request.ts';
import type { HeaderLine } from '../wire/sigv4.ts';
import { type Expectation, plusHeaders, put, type Row, signed, type Wire, wire } from './row.ts';
import type { Target } from './target.ts';

const BAD: Expectation = { status: 400, code: 'BadRequest' };
const REQUEST: Expectation = { status: 400, code: 'InvalidRequest' };
const ARGUMENT: Expectation = { status: 400, code: 'InvalidArgument' };

/** A signed PUT with these headers. */
const withHeaders =
  (...headers: readonly HeaderLine[]) =>
  (target: Target): Wire =>
    wire(signed(target, put(target, headers)));

/** Bytes as they are, after `Host` and before the end of the head. */
const rawHead =
  (head: string) =>
  (target: Target): Wire => {
    const { host, port } = target.caller.endpoint;
    return {
      bytes: Buffer.from(head.replace('{host}', `${host}:${port}`), 'latin1'),
      method: 'GET',
      ending: 'wait',
    };
  };

const copy =
  (source: string, ...headers: readonly HeaderLine[]) =>
  (target: Target): Wire => {
    const ask: Ask = {
      method: 'PUT',
      path: `/${target.bucket}/new`,
      headers: [['x-amz-copy-source', source.replace('{bucket}', target.bucket)], ...headers],
    };
    return wire(signed(target, ask));
  };

export const headers: readonly Row[] = [
  {
    name: 'two different Content-Lengths',
    send: withHeaders(['Content-Length', '4'], ['Content-Length', '5']),
    expect: BAD,
  },
  {
    name: 'Transfer-Encoding and Content-Length',
    send: (target) =>
      wire(
        plusHeaders(signed(target, put(target)), ['Transfer-Encoding', 'chunked'], ['Content-Length', '4']),
      ),
    expect: BAD,
  },
  { name: 'a Content-Length below zero', send: withHeaders(['Content-Length', '-1']), expect: BAD },
  { name: 'a Content-Length that is no number', send: withHeaders(['Content-Length', '0x4']), expect: BAD },
  {
    name: 'a Content-Length past what a number holds',
    send: withHeaders(['Content-Length', '9'.repeat(40)]),
    expect: BAD,
  },
  { name: 'an unknown Transfer-Encoding', send: withHeaders(['Transfer-Encoding', 'gzip']), expect: BAD },
  { name: 'a NUL in a header', send: withHeaders(['x-amz-meta-a', 'b\0c']), expect: BAD },
  { name: 'a lone CR in a header', send: withHeaders(['x-amz-meta-a', 'b\rc']), expect: BAD },
  { name: 'a blank in a header name', send: withHeaders(['x-amz-meta-a b', 'c']), expect: BAD },
  { name: 'a header without a name', send: withHeaders(['', 'c']), expect: BAD },
  {
    name: 'a header of 64 KiB',
    send: withHeaders(['x-amz-meta-a', 'b'.repeat(64 << 10)]),
    expect: { status: 400, code: 'RequestHeaderSectionTooLarge' },
  },
  {
    name: 'ten thousand headers',
    send: (target) =>
      wire(
        plusHeaders(
          signed(target, put(target)),
          ...Array.from({ length: 10_000 }, (_, at): HeaderLine => [`x-${at}`, '1']),
        ),
      ),
    expect: { status: 400, code: 'RequestHeaderSectionTooLarge' },
  },
  {
    name: 'a URL of 64 KiB',
    send: (target) => wire(signed(target, { path: `/${target.bucket}?prefix=${'p'.repeat(64 << 10)}` })),
    expect: { status: 400, code: 'RequestHeaderSectionTooLarge' },
  },
  {
    name: 'no Host',
    send: rawHead('GET / HTTP/1.1\r\n\r\n'),
    expect: BAD,
  },
  { name: 'no HTTP', send: rawHead('\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n'), expect: BAD },
  { name: 'an HTTP version to come', send: rawHead('GET / HTTP/7.0\r\nHost: {host}\r\n\r\n'), expect: BAD },
  {
    name: 'a method that does not exist',
    send: rawHead('BREW / HTTP/1.1\r\nHost: {host}\r\n\r\n'),
    expect: BAD,
  },
  {
    name: 'a tunnel asked for',
    send: rawHead('CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n'),
    expect: { status: 'none' },
  },
  {
    name: 'a method that S3 does not use',
    send: (target) => wire(signed(target, { method: 'PATCH', path: `/${target.bucket}/seed` })),
    expect: { status: 405, code: 'MethodNotAllowed' },
  },
  {
    name: 'metadata of 2,049 bytes',
    send: withHeaders(['x-amz-meta-a', 'b'.repeat(2048)]),
    expect: { status: 400, code: 'MetadataTooLarge' },
  },
  {
    name: 'metadata of 2,100 bytes in a hundred headers',
    send: withHeaders(
      ...Array.from({ length: 100 }, (_, at): HeaderLine => [`x-amz-meta-${1000 + at}`, 'v'.repeat(17)]),
    ),
    expect: { status: 400, code: 'MetadataTooLarge' },
  },
  {
    name: 'a Content-MD5 that is not base64',
    send: withHeaders(['Content-MD5', '*****']),
    expect: { status: 400, code: 'InvalidDigest' },
  },
  {
    name: 'a Content-MD5 of five bytes',
    send: withHeaders(['Content-MD5', 'aGVsbG8=']),
    expect: { status: 400, code: 'InvalidDigest' },
  },
  {
    name: 'the Content-MD5 of other bytes',
    send: withHeaders(['Content-MD5', '1B2M2Y8AsgTpgAmY7PhCfg==']),
    expect: { status: 400, code: 'BadDigest' },
  },
  {
    name: 'a checksum that is not base64',
    send: withHeaders(['x-amz-checksum-crc32', '*****']),
    expect: REQUEST,
  },
  {
    name: 'a checksum of the wrong length',
    send: withHeaders(['x-amz-checksum-sha256', 'AAAAAA==']),
    expect: REQUEST,
  },
  {
    name: 'the checksum of other bytes',
    send: withHeaders(['x-amz-checksum-crc32', 'AAAAAA==']),
    expect: { status: 400, code: 'BadDigest' },
  },
  {
    name: 'two checksums',
    send: withHeaders(['x-amz-checksum-crc32', 'AAAAAA=='], ['x-amz-checksum-crc32c', 'AAAAAA==']),
    expect: REQUEST,
  },
  {
    name: 'a checksum algorithm that does not exist',
    send: withHeaders(['x-amz-sdk-checksum-algorithm', 'ADLER32']),
    expect: REQUEST,
  },
  {
    name: 'a checksum algorithm without a checksum',
    send: withHeaders(['x-amz-sdk-checksum-algorithm', 'CRC32']),
    expect: REQUEST,
  },
  {
    name: 'a storage class that does not exist',
    send: withHeaders(['x-amz-storage-class', 'SHOEBOX']),
    expect: { status: 400, code: 'InvalidStorageClass' },
  },
  {
    name: 'tags that cannot be decoded',
    send: withHeaders(['x-amz-tagging', 'a=%zz']),
    expect: ARGUMENT,
  },
  {
    name: 'If-None-Match * on a key that is there',
    send: (target) =>
      wire(signed(target, { ...put(target, [['If-None-Match', '*']]), path: `/${target.bucket}/seed` })),
    expect: { status: 412, code: 'PreconditionFailed' },
  },
  {
    name: 'If-Match on a key that is not there',
    send: withHeaders(['If-Match', '"d41d8cd98f00b204e9800998ecf8427e"']),
    expect: { status: 404, code: 'NoSuchKey' },
  },
  {
    name: 'If-Match of other bytes',
    send: (target) =>
      wire(
        signed(target, {
          ...put(target, [['If-Match', '"d41d8cd98f00b204e9800998ecf8427e"']]),
          path: `/${target.bucket}/seed`,
        }),
      ),
    expect: { status: 412, code: 'PreconditionFailed' },
  },
  {
    name: 'encryption asked for',
    send: withHeaders(['x-amz-server-side-encryption', 'aws:kms']),
    expect: { status: 501, code: 'NotImplemented' },
  },
  {
    name: 'a lock asked for',
    send: withHeaders(['x-amz-object-lock-mode', 'GOVERNANCE']),
    expect: { status: 501, code: 'NotImplemented' },
  },
  { name: 'a copy from nowhere', send: copy('seed'), expect: ARGUMENT },
  {
    name: 'a copy of what does not exist',
    send: copy('/{bucket}/missing'),
    expect: { status: 404, code: 'NoSuchKey' },
  },
  {
    name: 'a copy from a bucket that does not exist',
    send: copy('/hostile-missing/seed'),
    expect: { status: 404, code: 'NoSuchBucket' },
  },
  { name: 'a copy source that cannot be decoded', send: copy('/{bucket}/%zz'), expect: ARGUMENT },
  {
    name: 'a copy under a directive that does not exist',
    send: copy('/{bucket}/seed', ['x-amz-metadata-directive', 'MERGE']),
    expect: ARGUMENT,
  },
  {
    name: 'a copy onto itself that changes nothing',
    send: (target) =>
      wire(
        signed(target, {
          method: 'PUT',
          path: `/${target.bucket}/seed`,
          headers: [['x-amz-copy-source', `/${target.bucket}/seed`]],
        }),
      ),
    expect: REQUEST,
  },
  {
    name: 'a copy if the source is another',
    send: copy('/{bucket}/seed', ['x-amz-copy-source-if-match', '"other"']),
    expect: { status: 412, code: 'PreconditionFailed' },
  },
  {
    name: 'a copy if the source is not this one',
    send: copy('/{bucket}/seed', ['x-amz-copy-source-if-none-match', '"781e5e245d69b566979b86e28d23f2c7"']),
    expect: { status: 412, code: 'PreconditionFailed' },
  },
];
