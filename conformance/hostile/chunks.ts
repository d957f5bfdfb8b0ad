/** aws-chunked bodies whose framing, signatures, lengths or trailers do not hold. */
import { crc32 } from 'node:zlib';
import { type Streaming, streamingRequest, type Trailer } from '../wire/awsChunked.ts';
import { signingOf } from '../wire/send.ts';
import { chunkSignature } from '../wire/sigv4.ts';
import { type Expectation, plusHeaders, type Row, type Wire, wire } from './row.ts';
import type { Target } from './target.ts';

const MISMATCH: Expectation = { status: 403, code: 'SignatureDoesNotMatch' };
const INCOMPLETE: Expectation = { status: 400, code: 'IncompleteBody' };
const BAD_TRAILER: Expectation = { status: 400, code: 'MalformedTrailerError' };

const FIRST = Buffer.alloc(64 << 10, 'a');
const SECOND = Buffer.from('the end');
const CRC = Buffer.alloc(4);
CRC.writeUInt32BE(crc32(Buffer.concat([FIRST, SECOND])));
const CRC_TRAILER: Trailer = { name: 'x-amz-checksum-crc32', value: CRC.toString('base64') };

const request = (target: Target, streaming: Partial<Streaming>) =>
  streamingRequest(
    { method: 'PUT', path: `/${target.bucket}/new` },
    { kind: 'signed', chunks: [FIRST, SECOND], ...streaming },
    signingOf(target.caller),
  );

const streaming =
  (options: Partial<Streaming>, ending: Wire['ending'] = 'wait') =>
  (target: Target): Wire =>
    wire(request(target, options), ending);

/** Changes one of the pieces that are sent: 0 is the first chunk's header, 1 its data, 4 the closing chunk. */
const piece =
  (index: number, change: (text: string) => string): NonNullable<Streaming['change']> =>
  (pieces) => {
    pieces[index] = change(pieces[index] ?? '');
  };

const flipDigit = (text: string): string =>
  text.replace(/.(?=\r\n$)/, (digit) => (digit === '0' ? '1' : '0'));
const UNSIGNED = { kind: 'unsigned-trailer', trailers: [CRC_TRAILER] } as const;
const SIGNED_TRAILER = { kind: 'signed-trailer', trailers: [CRC_TRAILER] } as const;

export const chunks: readonly Row[] = [
  {
    name: "the first chunk's signature wrong",
    send: streaming({ change: piece(0, flipDigit) }),
    expect: MISMATCH,
  },
  {
    name: "the closing chunk's signature wrong",
    send: streaming({ change: piece(4, flipDigit) }),
    expect: MISMATCH,
  },
  {
    name: 'a byte of a chunk changed',
    send: streaming({ change: piece(1, (data) => `b${data.slice(1)}`) }),
    expect: MISMATCH,
  },
  {
    name: 'chunks in another order than signed',
    send: streaming({
      chunks: [FIRST, Buffer.alloc(64 << 10, 'b')],
      change: (pieces) => pieces.splice(0, 4, ...pieces.slice(2, 4), ...pieces.slice(0, 2)),
    }),
    expect: MISMATCH,
  },
  {
    name: 'a chunk signed as if it came first',
    send: streaming({
      change: (pieces, signing) => {
        pieces[2] = `7;chunk-signature=${chunkSignature(signing, '0'.repeat(64), SECOND)}\r\n`;
      },
    }),
    expect: MISMATCH,
  },
  {
    name: 'a chunk without its signature',
    send: streaming({ change: piece(0, () => '10000\r\n') }),
    expect: INCOMPLETE,
  },
  {
    name: 'no closing chunk, and the client is done',
    send: streaming({ change: (pieces) => pieces.splice(4) }, 'half-close'),
    expect: INCOMPLETE,
  },
  {
    name: 'a body that ends within a chunk, at its announced length',
    send: streaming({ change: (pieces) => pieces.splice(2) }, 'half-close'),
    expect: INCOMPLETE,
  },
  {
    name: 'a client that goes away within a chunk',
    send: (target) => {
      const { bytes, method } = streaming({})(target);
      return { bytes: bytes.subarray(0, 40_000), method, ending: 'reset' };
    },
    expect: { status: 'none' },
  },
  {
    name: 'a client that stops within a chunk',
    send: (target) => {
      const { bytes, method } = streaming({})(target);
      return { bytes: bytes.subarray(0, 40_000), method, ending: 'half-close' };
    },
    expect: INCOMPLETE,
  },
  {
    name: 'a chunk larger than what was announced',
    send: streaming({ change: piece(0, (text) => text.replace('10000', '7fffffff')) }),
    expect: INCOMPLETE,
  },
  {
    name: 'a chunk size past what a number holds',
    send: streaming({ change: piece(0, (text) => text.replace('10000', 'f'.repeat(40))) }),
    expect: INCOMPLETE,
  },
  {
    name: 'a chunk size below zero',
    send: streaming({ change: piece(0, (text) => text.replace('10000', '-1')) }),
    expect: INCOMPLETE,
  },
  {
    name: 'a chunk size that is no number',
    send: streaming({ change: piece(0, (text) => text.replace('10000', 'xyz')) }),
    expect: INCOMPLETE,
  },
  {
    name: 'a chunk header of a megabyte',
    send: streaming({ change: piece(0, () => 'a'.repeat(1 << 20)) }),
    expect: INCOMPLETE,
  },
  {
    name: 'no line end behind a chunk',
    send: streaming({ change: piece(1, (data) => `${data.slice(0, -2)}xx`) }),
    expect: INCOMPLETE,
  },
  {
    name: 'a decoded length below the real one',
    send: streaming({ decodedLength: '65536' }),
    expect: INCOMPLETE,
  },
  {
    name: 'a decoded length above the real one',
    send: streaming({ decodedLength: '65600' }),
    expect: INCOMPLETE,
  },
  {
    name: 'no decoded length',
    send: streaming({ decodedLength: null }),
    expect: { status: 411, code: 'MissingContentLength' },
  },
  {
    name: 'a decoded length that is no number',
    send: streaming({ decodedLength: 'many' }),
    expect: { status: 411, code: 'MissingContentLength' },
  },
  {
    name: 'a decoded length over 5 GiB',
    send: streaming({ decodedLength: String(5 * 2 ** 30 + 1) }),
    expect: { status: 400, code: 'EntityTooLarge' },
  },
  {
    name: 'a small chunk before another',
    send: streaming({ chunks: [SECOND, FIRST] }),
    expect: { status: 403, code: 'InvalidChunkSizeError' },
  },
  {
    name: 'bytes behind the closing chunk',
    send: streaming({ change: (pieces) => pieces.push('and more') }),
    expect: INCOMPLETE,
  },
  {
    name: 'a trailer where none is allowed',
    send: streaming({ change: (pieces) => pieces.splice(-1, 0, 'x-amz-checksum-crc32:AAAAAA==\r\n') }),
    expect: INCOMPLETE,
  },
  {
    name: 'a trailer that was not declared',
    send: streaming({ ...UNSIGNED, declared: '' }),
    expect: BAD_TRAILER,
  },
  {
    name: 'a declared trailer that does not come',
    send: streaming({ ...UNSIGNED, change: (pieces) => pieces.splice(-2, 1) }),
    expect: BAD_TRAILER,
  },
  {
    name: 'a trailer that comes twice',
    send: streaming({ ...UNSIGNED, change: (pieces) => pieces.splice(-1, 0, pieces.at(-2) ?? '') }),
    expect: BAD_TRAILER,
  },
  {
    name: 'a trailer without a colon',
    send: streaming({ ...UNSIGNED, change: (pieces) => pieces.splice(-2, 1, 'x-amz-checksum-crc32\r\n') }),
    expect: BAD_TRAILER,
  },
  {
    name: 'a checksum in the trailer that is wrong',
    send: streaming({ ...UNSIGNED, trailers: [{ ...CRC_TRAILER, value: 'AAAAAA==' }] }),
    expect: { status: 400, code: 'BadDigest' },
  },
  {
    name: 'a checksum in the trailer that is no checksum',
    send: streaming({ ...UNSIGNED, trailers: [{ ...CRC_TRAILER, value: 'not base64!' }] }),
    expect: { status: 400, code: 'InvalidRequest' },
  },
  {
    name: 'a declared trailer that is no checksum',
    send: streaming({ ...UNSIGNED, trailers: [{ name: 'x-amz-meta-a', value: '1' }] }),
    expect: { status: 400, code: 'InvalidRequest' },
  },
  {
    name: 'a checksum in the trailer and another in a header',
    send: (target) =>
      wire(
        streamingRequest(
          { method: 'PUT', path: `/${target.bucket}/new`, headers: [['x-amz-checksum-sha1', 'AAAA']] },
          { chunks: [FIRST, SECOND], ...UNSIGNED },
          signingOf(target.caller),
        ),
      ),
    expect: { status: 400, code: 'InvalidRequest' },
  },
  {
    name: "the trailer's signature wrong",
    send: streaming({
      ...SIGNED_TRAILER,
      change: (pieces) => pieces.splice(-2, 1, flipDigit(pieces.at(-2) ?? '')),
    }),
    expect: MISMATCH,
  },
  {
    name: "no trailer's signature",
    send: streaming({ ...SIGNED_TRAILER, change: (pieces) => pieces.splice(-2, 1) }),
    expect: BAD_TRAILER,
  },
  {
    name: 'trailers of a megabyte',
    send: streaming({
      ...UNSIGNED,
      change: (pieces) => pieces.splice(-1, 0, `${'x-amz-meta-a:1\r\n'.repeat(65_536)}`),
    }),
    expect: BAD_TRAILER,
  },
  {
    name: 'unsigned chunks that stop short, in a chunked transfer',
    send: (target) => {
      const whole = request(target, UNSIGNED);
      const body = Buffer.concat([
        Buffer.from('a\r\n'),
        whole.body.subarray(0, 10),
        Buffer.from('\r\n0\r\n\r\n'),
      ]);
      return wire(plusHeaders({ ...whole, body }, ['Transfer-Encoding', 'chunked']));
    },
    expect: INCOMPLETE,
  },
  {
    name: 'a chunked transfer whose own framing is nonsense',
    send: (target) =>
      wire(
        plusHeaders({ ...request(target, UNSIGNED), body: Buffer.from('zz\r\nzz\r\n') }, [
          'Transfer-Encoding',
          'chunked',
        ]),
      ),
    expect: { status: 400, code: 'BadRequest' },
  },
  {
    name: 'a kind of payload that does not exist',
    send: (target) => {
      const ask = { method: 'PUT', path: `/${target.bucket}/new` };
      const whole = streamingRequest(ask, { kind: 'signed', chunks: [SECOND] }, signingOf(target.caller));
      const headers = whole.headers.map(
        ([name, value]) => [name, value.replace('STREAMING-AWS4', 'STREAMING-AWS5')] as const,
      );
      return wire({ ...whole, headers });
    },
    expect: { status: 400, code: 'InvalidArgument' },
  },
];
