import { hash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Payload } from '../../src/auth/payload.ts';
import { byteByByte, decode } from './decoding.ts';

const hello = Buffer.from('hello');
const signed: Payload = { kind: 'signed', sha256Hex: hash('sha256', hello) };

function framing(payload: Payload, contentLength: number | undefined) {
  return { payload, contentLength, decodedContentLength: undefined, trailerNames: [] };
}

describe('a plain body', () => {
  test.each([
    ['unsigned', { kind: 'unsigned' } as const, 5],
    ['unsigned, of unannounced length', { kind: 'unsigned' } as const, undefined],
    ['signed', signed, 5],
    ['signed, of unannounced length', signed, undefined],
  ])('%s, passes unchanged', (_, payload, contentLength) => {
    for (const pushes of [[hello], byteByByte(hello), [Buffer.alloc(0), hello, Buffer.alloc(0)]]) {
      expect(decode(framing(payload, contentLength), pushes)).toMatchObject({
        kind: 'accepted',
        bytes: hello,
      });
    }
  });

  test.each([
    ['shorter than announced', 6, 'IncompleteBody'],
    ['longer than announced', 4, 'IncompleteBody'],
  ])('%s', (_, contentLength, code) => {
    for (const pushes of [[hello], byteByByte(hello)]) {
      expect(decode(framing({ kind: 'unsigned' }, contentLength), pushes)).toEqual({ kind: 'refused', code });
    }
  });
});
