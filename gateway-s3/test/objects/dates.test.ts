import { type Timestamp, timestamp } from '@facet/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { httpDate, isoDate } from '../../src/objects/dates.ts';

const NS_PER_S = 1_000_000_000n;
const SECONDS_MAX = Number(((1n << 64n) - 1n) / NS_PER_S);

function at(seconds: number, nanoseconds = 0): Timestamp {
  return timestamp(BigInt(seconds) * NS_PER_S + BigInt(nanoseconds));
}

describe('isoDate', () => {
  test('of any moment, in any order, also just before the next second', () => {
    const nanoseconds = fc.oneof(fc.integer({ min: 0, max: 999_999_999 }), fc.constant(999_999_999));
    fc.assert(
      fc.property(fc.integer({ min: 0, max: SECONDS_MAX - 1 }), nanoseconds, (seconds, nanosecond) => {
        expect(isoDate(at(seconds, nanosecond))).toBe(new Date(seconds * 1000).toISOString());
      }),
    );
  });
});

describe('httpDate', () => {
  test('of any moment, in any order', () => {
    const nanoseconds = fc.integer({ min: 0, max: 500_000_000 });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: SECONDS_MAX }), nanoseconds, (seconds, nanosecond) => {
        expect(httpDate(at(seconds, nanosecond))).toBe(new Date(seconds * 1000).toUTCString());
      }),
    );
  });

  test('of every minute of two days, and the seconds about midnight', () => {
    const saturday = Date.UTC(2026, 1, 28) / 1000;
    for (let seconds = saturday; seconds < saturday + 2 * 86_400; seconds += 59) {
      expect(httpDate(at(seconds))).toBe(new Date(seconds * 1000).toUTCString());
    }
    for (let seconds = saturday + 86_398; seconds < saturday + 86_403; seconds++) {
      expect(httpDate(at(seconds, 999_999_999))).toBe(new Date(seconds * 1000).toUTCString());
    }
  });

  test('of more days than are remembered, twice over', () => {
    for (let round = 0; round < 2; round++) {
      for (let day = 0; day < 2500; day++) {
        const seconds = day * 86_400 + round;
        expect(httpDate(at(seconds))).toBe(new Date(seconds * 1000).toUTCString());
      }
    }
  });
});
