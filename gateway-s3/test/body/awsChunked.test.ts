import { hash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { type BodyFraming, openDecoder } from '../../src/body/openDecoder.ts';
import recorded from '../auth/vectors/botocore.json' with { type: 'json' };
import { byteByByte, cutAt, decode } from './decoding.ts';
import { type ChunkedKind, encode, payloadOf, signing } from './encoder.ts';

function framing(
  kind: ChunkedKind,
  decodedContentLength: number,
  more: Partial<BodyFraming> = {},
): BodyFraming {
  return {
    payload: payloadOf(kind),
    contentLength: undefined,
    decodedContentLength,
    trailerNames: [],
    ...more,
  };
}

/** Three ways to cut; the outcome must be the same in all of them. */
function decodeAllWays(body: BodyFraming, wire: Buffer) {
  const whole = decode(body, [wire]);
  expect(decode(body, byteByByte(wire))).toEqual(whole);
  expect(decode(body, cutAt(wire, [1, 85, 86, 87, 88, wire.length - 1, wire.length - 2]))).toEqual(whole);
  return whole;
}

const a64k = Buffer.alloc(65536, 'a');
const a1k = Buffer.alloc(1024, 'a');

describe('the worked examples of the S3 API Reference', () => {
  const chunk = (size: string, signature: string) => Buffer.from(`${size};chunk-signature=${signature}\r\n`);
  const crlf = Buffer.from('\r\n');

  test('66,560 bytes in signed chunks of 64 KiB', () => {
    const wire = Buffer.concat([
      chunk('10000', 'ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648'),
      a64k,
      crlf,
      chunk('400', '0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497'),
      a1k,
      crlf,
      chunk('0', 'b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9'),
      crlf,
    ]);
    expect(wire.length).toBe(66824);
    const body = framing('streaming-signed', 66560, { contentLength: 66824 });
    expect(decode(body, cutAt(wire, [100, 30000, 65700, 66823]))).toEqual({
      kind: 'accepted',
      bytes: Buffer.concat([a64k, a1k]),
      trailers: new Map(),
    });
  });

  test('the same with a signed CRC-32C trailer', () => {
    const wire = Buffer.concat([
      chunk('10000', 'b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2'),
      a64k,
      crlf,
      chunk('400', '1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7'),
      a1k,
      crlf,
      chunk('0', '2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992'),
      Buffer.from(
        'x-amz-checksum-crc32c:sOO8/Q==\r\n' +
          'x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n',
      ),
    ]);
    expect(wire.length).toBe(66946);
    const body: BodyFraming = {
      payload: {
        kind: 'streaming-signed-trailer',
        signing: {
          ...signing,
          seedSignature: '106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e',
        },
      },
      contentLength: 66946,
      decodedContentLength: 66560,
      trailerNames: ['x-amz-checksum-crc32c'],
    };
    expect(decode(body, [wire])).toEqual({
      kind: 'accepted',
      bytes: Buffer.concat([a64k, a1k]),
      trailers: new Map([['x-amz-checksum-crc32c', 'sOO8/Q==']]),
    });
    const tampered = Buffer.from(wire.toString('latin1').replace('sOO8/Q==', 'sOO8/A=='), 'latin1');
    expect(decode(body, [tampered])).toEqual({ kind: 'refused', code: 'SignatureDoesNotMatch' });
  });
});

test.each(recorded.bodies)('botocore: $vector', ({ vector, wireBase64, sha256Hex, lengthBytes }) => {
  const algorithm = /with a (\S+) trailer/.exec(vector)?.[1]?.toLowerCase() ?? '';
  const wire = Buffer.from(wireBase64, 'base64');
  const outcome = decodeAllWays(
    framing('streaming-unsigned-trailer', lengthBytes, { trailerNames: [`x-amz-checksum-${algorithm}`] }),
    wire,
  );
  expect(outcome.kind === 'accepted' && hash('sha256', outcome.bytes)).toBe(sha256Hex);
});

describe('bodies that are in order', () => {
  test.each<ChunkedKind>(['streaming-signed', 'streaming-signed-trailer', 'streaming-unsigned-trailer'])(
    '%s, empty',
    (kind) => {
      expect(decodeAllWays(framing(kind, 0), encode({ kind, chunks: [] }))).toMatchObject({
        kind: 'accepted',
      });
    },
  );

  test('a last chunk smaller than 8 KiB after larger ones', () => {
    const chunks = [Buffer.alloc(8192, 1), Buffer.alloc(9000, 2), Buffer.alloc(1, 3)];
    const outcome = decode(framing('streaming-signed', 17193), [
      encode({ kind: 'streaming-signed', chunks }),
    ]);
    expect(outcome).toMatchObject({ kind: 'accepted', bytes: Buffer.concat(chunks) });
  });

  test('a trailer whose line ends in LF CRLF, its name in capitals', () => {
    const wire = Buffer.from('3\r\nabc\r\n0\r\nX-Amz-Checksum-CRC32: NSRBwg== \n\r\n\r\n');
    const outcome = decodeAllWays(
      framing('streaming-unsigned-trailer', 3, { trailerNames: ['x-amz-checksum-crc32'] }),
      wire,
    );
    expect(outcome).toMatchObject({ trailers: new Map([['x-amz-checksum-crc32', 'NSRBwg==']]) });
  });

  test('sizes with leading zeros and capitals', () => {
    const wire = Buffer.from(`000A\r\n${'x'.repeat(10)}\r\n0\r\n\r\n`);
    expect(decodeAllWays(framing('streaming-unsigned-trailer', 10), wire)).toMatchObject({
      kind: 'accepted',
    });
  });

  test('data is handed on as it comes, as views of what was pushed', () => {
    const decoder = openDecoder(framing('streaming-unsigned-trailer', 1 << 20));
    decoder.push(Buffer.from('100000\r\n'));
    const first = Buffer.alloc(1000, 7);
    const pieces = decoder.push(first);
    expect(pieces).toHaveLength(1);
    expect(pieces[0]?.buffer).toBe(first.buffer);
    expect(pieces[0]?.length).toBe(1000);
  });
});

describe('bodies that are not', () => {
  const unsigned = (text: string, more: Partial<BodyFraming> & { length?: number } = {}) =>
    decodeAllWays(framing('streaming-unsigned-trailer', more.length ?? 5, more), Buffer.from(text, 'latin1'));

  const crc32 = { trailerNames: ['x-amz-checksum-crc32'] };

  test.each<[string, string, (Partial<BodyFraming> & { length?: number })?]>([
    ['nothing', ''],
    ['a header cut short', '5'],
    ['no data', '5\r\n'],
    ['data cut short', '5\r\nhell'],
    ['no CRLF behind the data', '5\r\nhello'],
    ['something else behind the data', '5\r\nhelloXX0\r\n\r\n'],
    ['no last chunk', '5\r\nhello\r\n'],
    ['no CRLF at the end', '5\r\nhello\r\n0\r\n'],
    ['half a CRLF at the end', '5\r\nhello\r\n0\r\n\r'],
    ['LF alone for CRLF', '5\nhello\n0\n\n'],
    ['CR alone for CRLF', '5\rhello\r0\r\r'],
    ['bytes behind the end', '5\r\nhello\r\n0\r\n\r\nX'],
    ['a second body behind the end', '5\r\nhello\r\n0\r\n\r\n5\r\nhello\r\n0\r\n\r\n'],
    ['a size that is no number', 'five\r\nhello\r\n0\r\n\r\n'],
    ['a negative size', '-5\r\nhello\r\n0\r\n\r\n'],
    ['a size in other spelling', '0x5\r\nhello\r\n0\r\n\r\n'],
    ['an empty size', '\r\nhello\r\n0\r\n\r\n'],
    ['a blank behind the size', '5 \r\nhello\r\n0\r\n\r\n'],
    ['a chunk extension', '5;a=b\r\nhello\r\n0\r\n\r\n'],
    ['a signature nobody asked for', `5;chunk-signature=${'0'.repeat(64)}\r\nhello\r\n0\r\n\r\n`],
    ['a size past 2^53', 'fffffffffffffff\r\nhello\r\n0\r\n\r\n'],
    ['a header without end', '0'.repeat(5000)],
    ['more data than announced', '6\r\nhello!\r\n0\r\n\r\n'],
    ['less data than announced', '4\r\nhell\r\n0\r\n\r\n'],
    ['more on the wire than announced', '5\r\nhello\r\n0\r\n\r\n', { contentLength: 14 }],
    ['less on the wire than announced', '5\r\nhello\r\n0\r\n\r\n', { contentLength: 16 }],
    ['a trailer line without end', `5\r\nhello\r\n0\r\nx-amz-checksum-crc32:${'A'.repeat(5000)}`, crc32],
  ])('%s → IncompleteBody', (_, text, more) => {
    expect(unsigned(text, more)).toEqual({ kind: 'refused', code: 'IncompleteBody' });
  });

  test.each<[string, string, Partial<BodyFraming>]>([
    ['a declared trailer that does not come', '0\r\n\r\n', crc32],
    ['a trailer that was not declared', '0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n', {}],
    ['another trailer than declared', '0\r\nx-amz-checksum-crc32c:AAAAAA==\r\n\r\n', crc32],
    [
      'the trailer twice',
      '0\r\nx-amz-checksum-crc32:AAAAAA==\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n',
      crc32,
    ],
    ['a trailer without a name', '0\r\n:AAAAAA==\r\n\r\n', crc32],
    ['a trailer without a colon', '0\r\nx-amz-checksum-crc32\r\n\r\n', crc32],
    [
      'a trailer signature nobody asked for',
      `0\r\nx-amz-checksum-crc32:AAAAAA==\r\nx-amz-trailer-signature:${'0'.repeat(64)}\r\n\r\n`,
      crc32,
    ],
  ])('%s → MalformedTrailerError', (_, text, more) => {
    expect(unsigned(text, { length: 0, ...more })).toEqual({
      kind: 'refused',
      code: 'MalformedTrailerError',
    });
  });

  test.each([
    ['chunk header', '', 129],
    ['line behind the data', '5\r\nhello', 1],
    ['trailer line', '0\r\n', 1025],
  ])('a %s that does not end is refused before it is all here', (_, before, tooMany) => {
    const decoder = openDecoder(framing('streaming-unsigned-trailer', before === '0\r\n' ? 0 : 5, crc32));
    decoder.push(Buffer.from(before));
    for (let i = 0; i < tooMany; i++) decoder.push(Buffer.from('0'));
    expect(() => decoder.push(Buffer.from('0'))).toThrow(expect.objectContaining({ code: 'IncompleteBody' }));
  });

  test('all trailers together have a limit', () => {
    const line = (name: string) => `${name}:${'A'.repeat(600)}\r\n`;
    expect(unsigned(`0\r\n${line('a')}${line('b')}\r\n`, { length: 0, trailerNames: ['a', 'b'] })).toEqual({
      kind: 'refused',
      code: 'IncompleteBody',
    });
  });

  test('a small chunk before another → InvalidChunkSizeError', () => {
    expect(unsigned('3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n')).toEqual({
      kind: 'refused',
      code: 'InvalidChunkSizeError',
    });
  });

  test('an aws-chunked body of unannounced length → MissingContentLength', () => {
    expect(
      decode({ ...framing('streaming-signed', 0), decodedContentLength: undefined }, [Buffer.alloc(0)]),
    ).toEqual({ kind: 'refused', code: 'MissingContentLength' });
  });
});

describe('signed bodies that were changed', () => {
  const kind = 'streaming-signed-trailer';
  const trailerNames = ['x-amz-checksum-crc32'];
  const good = encode({
    kind,
    chunks: [Buffer.alloc(8192, 1), Buffer.alloc(10, 2)],
    trailers: [['x-amz-checksum-crc32', 'AAAAAA==']],
  }).toString('latin1');
  const tryOut = (wire: string) =>
    decodeAllWays(framing(kind, 8202, { trailerNames }), Buffer.from(wire, 'latin1'));

  test('the body as it was is accepted', () => {
    expect(tryOut(good)).toMatchObject({ kind: 'accepted' });
  });

  test.each<[string, (wire: string) => string, string]>([
    ['data', (wire) => wire.replace('\x01', '\x00'), 'SignatureDoesNotMatch'],
    ['the last byte of data', (wire) => wire.replace('\x02\r\n0;', '\x00\r\n0;'), 'SignatureDoesNotMatch'],
    ['a chunk signature', (wire) => wire.replace(/(signature=)./, '$1g'), 'IncompleteBody'],
    [
      'a chunk signature, still hex',
      (wire) => wire.replace(/signature=.{4}/, 'signature=0000'),
      'SignatureDoesNotMatch',
    ],
    [
      'a chunk signature in capitals',
      (wire) => wire.replace(/signature=\w+/, (s) => s.toUpperCase()),
      'IncompleteBody',
    ],
    ['no chunk signature', (wire) => wire.replace(/;chunk-signature=\w+/, ''), 'IncompleteBody'],
    ['two chunks for one', (wire) => wire.replace(/\r\na;chunk-signature=\w{64}\r\n/, ''), 'IncompleteBody'],
    ['the trailer', (wire) => wire.replace('AAAAAA==', 'AAAAAQ=='), 'SignatureDoesNotMatch'],
    [
      'the trailer signature',
      (wire) => wire.replace(/(trailer-signature:)./, '$1-'),
      'SignatureDoesNotMatch',
    ],
    [
      'no trailer signature',
      (wire) => wire.replace(/x-amz-trailer-signature:\w+\r\n/, ''),
      'MalformedTrailerError',
    ],
    [
      'the trailer behind its signature',
      (wire) => wire.replace(/(x-amz-checksum.*\r\n)(x-amz-trailer.*\r\n)/, '$2$1'),
      'MalformedTrailerError',
    ],
    [
      'the trailer signature twice',
      (wire) => wire.replace(/(x-amz-trailer-signature.*\r\n)/, '$1$1'),
      'MalformedTrailerError',
    ],
  ])('%s', (_, change, code) => {
    const changed = change(good);
    expect(changed).not.toBe(good);
    expect(tryOut(changed)).toEqual({ kind: 'refused', code });
  });

  test('chunks in another order', () => {
    const chunks = [Buffer.alloc(8192, 1), Buffer.alloc(8192, 2)];
    const wire = encode({ kind: 'streaming-signed', chunks });
    const size = '2000;chunk-signature='.length + 64 + 2 + 8192 + 2;
    const swapped = Buffer.concat([
      wire.subarray(size, 2 * size),
      wire.subarray(0, size),
      wire.subarray(2 * size),
    ]);
    const body = framing('streaming-signed', 16384);
    expect(decode(body, [wire])).toMatchObject({ kind: 'accepted' });
    expect(decode(body, [swapped])).toEqual({ kind: 'refused', code: 'SignatureDoesNotMatch' });
  });

  test('a trailer behind a body that may have none', () => {
    const wire = encode({ kind: 'streaming-signed', chunks: [] }).toString('latin1');
    const more = Buffer.from(wire.replace(/\r\n$/, 'x-amz-checksum-crc32:AAAAAA==\r\n\r\n'), 'latin1');
    expect(decodeAllWays(framing('streaming-signed', 0), more)).toEqual({
      kind: 'refused',
      code: 'IncompleteBody',
    });
  });
});
