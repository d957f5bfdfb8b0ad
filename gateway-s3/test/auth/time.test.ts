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

test('of every combination of digits those are times that Date gives back unchanged', () => {
  const two = (max: number) => fc.integer({ min: 0, max }).map((n) => String(n).padStart(2, '0'));
  const digits = fc.tuple(two(99), two(99), two(13), two(32), two(24), two(61), two(61));
  fc.assert(
    fc.property(digits, ([century, year, month, day, hour, minute, second]) => {
      const iso = `${century}${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`;
      const ms = Date.parse(iso);
      const text = iso.replace(/[-:]|\.\d{3}/g, '');
      const exists = !Number.isNaN(ms) && new Date(ms).toISOString() === iso;
      expect(parseAmzTime(text)).toEqual(exists ? { text, ms } : undefined);
    }),
    { numRuns: 2000 },
  );
});

test.each([0, 4, 50, 99, 100])('the year %d is no other', (year) => {
  const text = `${String(year).padStart(4, '0')}0229T120000Z`;
  const date = new Date(`${String(year).padStart(4, '0')}-02-28T12:00:00Z`);
  date.setUTCDate(29);
  const leap = date.getUTCDate() === 29;
  expect(parseAmzTime(text)).toEqual(leap ? { text, ms: date.getTime() } : undefined);
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
