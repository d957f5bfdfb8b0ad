import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseAmzTime, parseDateHeader } from '../../src/auth/time.ts';

test('every second of 1970 to 2099 is read as what it is', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4_102_444_799 }), (seconds) => {
      const text = new Date(seconds * 1000).toISOString().replace(/[-:]|\.\d{3}/g, '');
      expect(parseAmzTime(text)).toEqual({ text, ms: seconds * 1000 });
      expect(parseDateHeader(new Date(seconds * 1000).toUTCString())).toEqual({ text, ms: seconds * 1000 });
      expect(parseDateHeader(text)).toEqual({ text, ms: seconds * 1000 });
    }),
  );
});

test.each([
  '',
  '20260229T000000Z',
  '20260431T000000Z',
  '20260001T000000Z',
  '20261301T000000Z',
  '20260100T000000Z',
  '20260101T240000Z',
  '20260101T006000Z',
  '20260101T000060Z',
  '20260101T000000',
  '20260101t000000z',
  '20260101T000000Z ',
  '2026-01-01T00:00:00Z',
])('%j is no time', (text) => {
  expect(parseAmzTime(text)).toBeUndefined();
  expect(parseDateHeader(text)).toBeUndefined();
});

test.each([
  'Sat, 14 Mar 2026 15:09:26',
  'Sat, 14 Mar 2026 15:09:26 CET',
  'Sat, 14 Foo 2026 15:09:26 GMT',
  'now',
])('%j is no HTTP date', (text) => {
  expect(parseDateHeader(text)).toBeUndefined();
});
