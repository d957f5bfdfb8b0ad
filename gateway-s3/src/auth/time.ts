/** The two spellings of a request's time, and the one that signatures use. */

/** SigV4's basic ISO 8601 form, to the second, always UTC: `20130524T000000Z`. */
export interface AmzTime {
  readonly text: string;
  /** Milliseconds since the epoch. */
  readonly ms: number;
}

/** The calendar repeats itself after so long. Date.UTC takes the years 0 to 99 for others, and a cycle later for none. */
const CYCLE_YEARS = 400;
const CYCLE_MS = 146_097 * 86_400_000;

const AMZ_TIME = /^\d{8}T\d{6}Z$/;

/** What was read last: the requests of one second name the same time. */
let latest: AmzTime | undefined;

/** `undefined` unless the text is of exactly this form and names a moment that exists. */
export function parseAmzTime(text: string): AmzTime | undefined {
  if (latest?.text === text) return latest;
  const time = readAmzTime(text);
  if (time !== undefined) latest = time;
  return time;
}

function readAmzTime(text: string): AmzTime | undefined {
  if (!AMZ_TIME.test(text)) return undefined;
  const year = twoDigits(text, 0) * 100 + twoDigits(text, 2);
  const month = twoDigits(text, 4) - 1;
  const day = twoDigits(text, 6);
  const hour = twoDigits(text, 9);
  const minute = twoDigits(text, 11);
  const second = twoDigits(text, 13);
  const date = new Date(Date.UTC(year + CYCLE_YEARS, month, day, hour, minute, second));
  // Date takes 30 February for 2 March and 24:00 for tomorrow; the way back shows it.
  const exists = date.getUTCMonth() === month && date.getUTCDate() === day && minute < 60 && second < 60;
  return exists ? { text, ms: date.getTime() - CYCLE_MS } : undefined;
}

const ZERO = 0x30;

function twoDigits(text: string, at: number): number {
  return (text.charCodeAt(at) - ZERO) * 10 + text.charCodeAt(at + 1) - ZERO;
}

function formatAmzTime(ms: number): string {
  return new Date(ms).toISOString().replace(/[-:]|\.\d{3}/g, '');
}

const HTTP_DATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} (?:GMT|UTC|\+0000)$/;

/** A `Date` header: an HTTP date (RFC 9110 §5.6.7, IMF-fixdate) or SigV4's own form. */
export function parseDateHeader(text: string): AmzTime | undefined {
  if (!HTTP_DATE.test(text)) return parseAmzTime(text);
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : { text: formatAmzTime(ms), ms };
}
