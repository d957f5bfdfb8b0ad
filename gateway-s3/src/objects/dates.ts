/** Times as S3 says them: whole seconds everywhere, so that a listing and a HEAD agree. */
import type { Timestamp } from '@facet/core';

const NS_PER_S = 1_000_000_000n;

export function secondsOf(time: Timestamp): number {
  return Number(time / NS_PER_S);
}

/** `Wed, 12 Oct 2009 17:50:00 GMT` */
export function httpDate(time: Timestamp): string {
  return new Date(secondsOf(time) * 1000).toUTCString();
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
