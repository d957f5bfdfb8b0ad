/** The two spellings of a request's time, and the one that signatures use. */

/** SigV4's basic ISO 8601 form, to the second, always UTC: `20130524T000000Z`. */
export interface AmzTime {
  readonly text: string;
  /** Milliseconds since the epoch. */
  readonly ms: number;
}

const AMZ_TIME = /^\d{8}T\d{6}Z$/;

/** `undefined` unless the text is of exactly this form and names a moment that exists. */
export function parseAmzTime(text: string): AmzTime | undefined {
  if (!AMZ_TIME.test(text)) return undefined;
  const digits = (from: number, to: number): number => Number(text.slice(from, to));
  const date = new Date(0);
  date.setUTCFullYear(digits(0, 4), digits(4, 6) - 1, digits(6, 8));
  date.setUTCHours(digits(9, 11), digits(11, 13), digits(13, 15));
  // Date takes 30 February for 2 March and 24:00 for tomorrow; the way back shows it.
  const exists =
    date.getUTCMonth() === digits(4, 6) - 1 &&
    date.getUTCDate() === digits(6, 8) &&
    digits(11, 13) < 60 &&
    digits(13, 15) < 60;
  return exists ? { text, ms: date.getTime() } : undefined;
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
