/** Random bodies, random cuts, random damage. A failure prints its seed and path. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { BodyFraming } from '../../src/body/openDecoder.ts';
import { byteByByte, cutAt, decode } from './decoding.ts';
import { type ChunkedKind, encode, payloadOf } from './encoder.ts';

const kind = fc.constantFrom<ChunkedKind>(
  'streaming-signed',
  'streaming-signed-trailer',
  'streaming-unsigned-trailer',
);

/** Data with every byte that means something to the framing in it. */
const data = (length: number) =>
  fc
    .array(fc.constantFrom(0x0d, 0x0a, 0x30, 0x3b, 0x3a, 0xff), { minLength: 1, maxLength: 7 })
    .map((pattern) => Buffer.alloc(length, Buffer.from(pattern)));

const body = fc
  .tuple(
    kind,
    fc.array(fc.integer({ min: 8192, max: 8300 }), { maxLength: 2 }),
    fc.integer({ min: 1, max: 300 }),
  )
  .chain(([chosen, sizes, last]) =>
    fc.record({
      kind: fc.constant(chosen),
      chunks: fc.tuple(...[...sizes, last].map(data)),
      trailers: fc.constant(
        chosen === 'streaming-signed' ? [] : [['x-amz-checksum-crc32', 'AAAAAA=='] as const],
      ),
    }),
  );

type Body = typeof body extends fc.Arbitrary<infer T> ? T : never;

function framingOf({ kind: chosen, chunks, trailers }: Body, contentLength: number | undefined): BodyFraming {
  return {
    payload: payloadOf(chosen),
    contentLength,
    decodedContentLength: chunks.reduce((sum, chunk) => sum + chunk.length, 0),
    trailerNames: trailers.map(([name]) => name),
  };
}

const cuts = fc.array(fc.nat(20_000), { maxLength: 12 });

describe('aws-chunked', () => {
  test('decodes what was encoded, however the wire is cut', () => {
    fc.assert(
      fc.property(body, cuts, fc.boolean(), (given, places, announced) => {
        const wire = encode(given);
        const framing = framingOf(given, announced ? wire.length : undefined);
        expect(decode(framing, cutAt(wire, places))).toEqual({
          kind: 'accepted',
          bytes: Buffer.concat(given.chunks),
          trailers: new Map(given.trailers),
        });
      }),
      { numRuns: 300 },
    );
  });

  const damage = fc.oneof(
    fc.record({ kind: fc.constant('flip' as const), at: fc.nat(), mask: fc.integer({ min: 1, max: 255 }) }),
    fc.record({
      kind: fc.constant('insert' as const),
      at: fc.nat(),
      bytes: fc.uint8Array({ minLength: 1, maxLength: 4 }),
    }),
    fc.record({ kind: fc.constant('remove' as const), at: fc.nat(), length: fc.integer({ min: 1, max: 4 }) }),
    fc.record({ kind: fc.constant('cut' as const), at: fc.nat() }),
    fc.record({
      kind: fc.constant('repeat' as const),
      at: fc.nat(),
      length: fc.integer({ min: 1, max: 200 }),
    }),
  );
  type Damage = typeof damage extends fc.Arbitrary<infer T> ? T : never;

  function apply(wire: Buffer, done: Damage): Buffer {
    // Most of the wire is data; the framing is where it gets interesting.
    const at = done.at % 3 === 0 ? Math.max(0, wire.length - 1 - (done.at % 400)) : done.at % wire.length;
    const before = wire.subarray(0, at);
    const after = wire.subarray(at);
    switch (done.kind) {
      case 'flip': {
        const flipped = Buffer.from(wire);
        flipped[at] = (wire[at] ?? 0) ^ done.mask;
        return flipped;
      }
      case 'insert':
        return Buffer.concat([before, done.bytes, after]);
      case 'remove':
        return Buffer.concat([before, after.subarray(done.length)]);
      case 'cut':
        return before;
      case 'repeat':
        return Buffer.concat([before, after.subarray(0, done.length), after]);
    }
  }

  test('never accepts other bytes or trailers than were signed, and judges every cut alike', () => {
    let refused = 0;
    fc.assert(
      fc.property(body, damage, cuts, (given, done, places) => {
        const wire = encode(given);
        const damaged = apply(wire, done);
        const framing = framingOf(given, undefined);
        const outcome = decode(framing, [damaged]);
        expect(decode(framing, cutAt(damaged, places))).toEqual(outcome);
        if (outcome.kind === 'refused') refused += 1;
        else if (given.kind !== 'streaming-unsigned-trailer') {
          expect(outcome.bytes).toEqual(Buffer.concat(given.chunks));
          expect(outcome.trailers).toEqual(new Map(given.trailers));
        }
      }),
      { numRuns: 1500 },
    );
    expect(refused).toBeGreaterThan(500);
  });

  const noise = fc.oneof(
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    fc
      .array(
        fc.oneof(
          fc.constantFrom(
            '\r\n',
            '\r',
            '\n',
            '0',
            '5',
            'ffffffff',
            ';chunk-signature=',
            '0'.repeat(64),
            'hello',
          ),
          fc.constantFrom(
            'x-amz-checksum-crc32:',
            'x-amz-trailer-signature:',
            'AAAAAA==',
            '\r\n\r\n',
            '0\r\n',
          ),
        ),
        { maxLength: 24 },
      )
      .map((parts) => Buffer.from(parts.join(''), 'latin1')),
  );

  test('answers any noise with an S3 error or an acceptance, the same byte by byte', () => {
    fc.assert(
      fc.property(
        kind,
        noise,
        fc.nat(12),
        fc.option(fc.nat(60), { nil: undefined }),
        (chosen, wire, length, wireLength) => {
          const framing: BodyFraming = {
            payload: payloadOf(chosen),
            contentLength: wireLength,
            decodedContentLength: length,
            trailerNames: chosen === 'streaming-signed' ? [] : ['x-amz-checksum-crc32'],
          };
          const outcome = decode(framing, [wire]);
          expect(decode(framing, byteByByte(wire))).toEqual(outcome);
          if (outcome.kind === 'accepted') expect(outcome.bytes.length).toBe(length);
        },
      ),
      { numRuns: 2000 },
    );
  });
});
