import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ChunkedBody } from './chunkedBody.ts';

const encode = (chunks: readonly Uint8Array[], trailer: string): Buffer =>
  Buffer.concat([
    ...chunks.flatMap((chunk) => [
      Buffer.from(`${chunk.length.toString(16)}\r\n`),
      chunk,
      Buffer.from('\r\n'),
    ]),
    Buffer.from(`0\r\n${trailer}\r\n`),
  ]);

it('gives back the bytes of any chunks, however they are cut', () => {
  const chunks = fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 5 });
  const trailers = fc.constantFrom('', 'x-amz-checksum-crc32: AAAAAA==\r\n');
  fc.assert(
    fc.property(chunks, trailers, fc.integer({ min: 1, max: 50 }), (bodies, trailer, cut) => {
      const encoded = encode(bodies, trailer);
      const body = new ChunkedBody();
      const got: Buffer[] = [];
      for (let at = 0; at < encoded.length; at += cut) {
        expect(body.done).toBe(false);
        got.push(...body.push(encoded.subarray(at, at + cut)));
      }
      expect(body.done).toBe(true);
      expect(Buffer.concat(got)).toEqual(Buffer.concat(bodies));
    }),
  );
});

it.each(['xyz\r\n', '2\r\nabc\r\n', `${'1'.repeat(9)}\r\n`, 'a'.repeat(5000)])('refuses %j', (text) => {
  expect(() => new ChunkedBody().push(Buffer.from(text))).toThrow();
});
