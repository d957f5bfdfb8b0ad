/** Times as S3 says them: whole seconds everywhere, so that a listing and a HEAD agree. */
import type { Timestamp } from '@facet/core';

const NS_PER_S = 1_000_000_000n;

export function secondsOf(time: Timestamp): number {
  return Number(time / NS_PER_S);
}

const S_PER_DAY = 86_400;
const MS_PER_DAY = 86_400_000;

/** The days that answers lately named, as `Wed, 12 Oct 2009 `, by their number since the epoch. */
const dayTexts = new Map<number, string>();
const DAY_TEXTS_MAX = 1000;

const TWO_DIGITS: readonly string[] = Array.from({ length: 60 }, (_, n) => String(n).padStart(2, '0'));

/** `Wed, 12 Oct 2009 17:50:00 GMT` */
export function httpDate(time: Timestamp): string {
  const seconds = secondsOf(time);
  const day = Math.floor(seconds / S_PER_DAY);
  const second = seconds - day * S_PER_DAY;
  const hours = TWO_DIGITS[Math.floor(second / 3600)];
  const minutes = TWO_DIGITS[Math.floor(second / 60) % 60];
  return `${dayText(day)}${hours}:${minutes}:${TWO_DIGITS[second % 60]} GMT`;
}

/** Formatting a date takes ten times as long as finding that of the same day. */
function dayText(day: number): string {
  const known = dayTexts.get(day);
  if (known !== undefined) return known;
  const text = new Date(day * MS_PER_DAY).toUTCString();
  const dateText = text.slice(0, text.length - '00:00:00 GMT'.length);
  if (dayTexts.size >= DAY_TEXTS_MAX) dayTexts.clear();
  dayTexts.set(day, dateText);
  return dateText;
}

/** `2009-10-12T17:50:00.000Z` */
export function isoDate(time: Timestamp): string {
  return new Date(secondsOf(time) * 1000).toISOString();
}

const HTTP_DATE = /^[A-Z][a-z]{2,8},? .*\d{2}:\d{2}:\d{2}/;

/** Seconds since the epoch; undefined for what is not one of HTTP's three date forms. @source RFC 9110 §5.6.7 */
export function parseHttpDate(text: string | undefined): number | undefined {
  if (text === undefined || !HTTP_DATE.test(text)) return undefined;
  // asctime's form names no zone, and HTTP means UTC.
  const ms = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`);
  return Number.isNaN(ms) ? undefined : Math.floor(ms / 1000);
}
