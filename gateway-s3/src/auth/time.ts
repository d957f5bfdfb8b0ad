/** The two spellings of a request's time, and the one that signatures use. */

/** SigV4's basic ISO 8601 form, to the second, always UTC: `20130524T000000Z`. */
export interface AmzTime {
  readonly text: string;
  /** Milliseconds since the epoch. */
  readonly ms: number;
}

const AMZ_TIME = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/;

/** `undefined` unless the text is of exactly this form and names a moment that exists. */
export function parseAmzTime(text: string): AmzTime | undefined {
  const match = AMZ_TIME.exec(text);
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number);
  const ms = Date.UTC(year, month - 1, day, hour, minute, second);
  // Date.UTC takes 31 February for 3 March, and years below 100 for the 1900s; the way back shows it.
  return formatAmzTime(ms) === text ? { text, ms } : undefined;
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
