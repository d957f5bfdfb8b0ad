/** Times as S3 says them: whole seconds everywhere, so that a listing and a HEAD agree. */
import { type Timestamp, timestamp } from '@facet/core';

const NS_PER_S = 1_000_000_000n;

/**
 * A division of bigints takes four times as long as one of floats, whose error is below 3 µs: where that cannot matter,
 * it does.
 */
export function secondsOf(time: Timestamp): number {
  const seconds = Number(time) / 1e9;
  const whole = Math.floor(seconds);
  const isSure = Math.abs(seconds - whole - 0.5) < 0.4999;
  return isSure ? whole : Number(time / NS_PER_S);
}

/** In the year 2554. */
const LAST_SECOND = Number((2n ** 64n - 1n) / NS_PER_S);

/** The beginning of a second since the epoch; of those that no object can be of, the nearest that one can. */
export function atSecond(seconds: number): Timestamp {
  return timestamp(BigInt(Math.min(Math.max(0, seconds), LAST_SECOND)) * NS_PER_S);
}

const S_PER_DAY = 86_400;
const MS_PER_DAY = 86_400_000;

/** A day as answers name it: `Wed, 12 Oct 2009 ` and `2009-10-12T`. */
interface DayTexts {
  readonly http: string;
  readonly iso: string;
}

/** The days that answers lately named, by their number since the epoch. */
const dayTexts = new Map<number, DayTexts>();
const DAY_TEXTS_MAX = 1000;

const TWO_DIGITS: readonly string[] = Array.from({ length: 60 }, (_, n) => String(n).padStart(2, '0'));

/** `Wed, 12 Oct 2009 17:50:00 GMT` */
export function httpDate(time: Timestamp): string {
  const seconds = secondsOf(time);
  const day = Math.floor(seconds / S_PER_DAY);
  return `${textsOfDay(day).http}${clock(seconds - day * S_PER_DAY)} GMT`;
}

/** `2009-10-12T17:50:00.000Z` */
export function isoDate(time: Timestamp): string {
  return isoDateOfSecond(secondsOf(time));
}

/** The same of seconds since the epoch. */
export function isoDateOfSecond(seconds: number): string {
  const day = Math.floor(seconds / S_PER_DAY);
  return `${textsOfDay(day).iso}${clock(seconds - day * S_PER_DAY)}.000Z`;
}

/** `17:50:00` */
function clock(second: number): string {
  const hours = TWO_DIGITS[Math.floor(second / 3600)];
  const minutes = TWO_DIGITS[Math.floor(second / 60) % 60];
  return `${hours}:${minutes}:${TWO_DIGITS[second % 60]}`;
}

/** Formatting a date takes ten times as long as finding that of the same day. */
function textsOfDay(day: number): DayTexts {
  const known = dayTexts.get(day);
  if (known !== undefined) return known;
  const date = new Date(day * MS_PER_DAY);
  const texts = {
    http: date.toUTCString().slice(0, -'00:00:00 GMT'.length),
    iso: date.toISOString().slice(0, -'00:00:00.000Z'.length),
  };
  if (dayTexts.size >= DAY_TEXTS_MAX) dayTexts.clear();
  dayTexts.set(day, texts);
  return texts;
}

const HTTP_DATE = /^[A-Z][a-z]{2,8},? .*\d{2}:\d{2}:\d{2}/;

/** Seconds since the epoch; undefined for what is not one of HTTP's three date forms. @source RFC 9110 §5.6.7 */
export function parseHttpDate(text: string | undefined): number | undefined {
  if (text === undefined || !HTTP_DATE.test(text)) return undefined;
  // asctime's form names no zone, and HTTP means UTC.
  const ms = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`);
  return Number.isNaN(ms) ? undefined : Math.floor(ms / 1000);
}
