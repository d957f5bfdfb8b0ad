/** The `Range` header. @source RFC 9110 §14 */
import type { ByteRange } from '@facet/core';
import { S3Error } from '../errors.ts';

type RangeRequest =
  | { readonly kind: 'between'; readonly start: number; readonly end: number }
  | { readonly kind: 'from'; readonly start: number }
  | { readonly kind: 'suffix'; readonly lengthBytes: number };

// However many digits: a position past what a number holds is past any end all the same.
const ONE_RANGE = /^bytes=(\d*)-(\d*)$/i;

/** One range of bytes; undefined for anything else (several ranges, another unit, nonsense), which S3 ignores. */
function parseRange(text: string): RangeRequest | undefined {
  const match = ONE_RANGE.exec(text);
  if (match === null) return undefined;
  const [, first = '', last = ''] = match;
  if (first === '') return last === '' ? undefined : { kind: 'suffix', lengthBytes: Number(last) };
  const start = Number(first);
  if (last === '') return { kind: 'from', start };
  const end = Number(last);
  return end < start ? undefined : { kind: 'between', start, end };
}

/**
 * The bytes `Range` asks for within an object; undefined when the whole is to be sent.
 * @throws S3Error InvalidRange
 */
export function resolveRange(header: string | undefined, sizeBytes: number): ByteRange | undefined {
  const asked = header === undefined ? undefined : parseRange(header);
  if (header === undefined || asked === undefined) return undefined;
  // All of nothing: the one range that an empty object can satisfy.
  if (sizeBytes === 0 && asked.kind === 'suffix' && asked.lengthBytes > 0) return undefined;
  const range = within(asked, sizeBytes);
  if (range.start >= sizeBytes || range.end < range.start) {
    throw new S3Error('InvalidRange', undefined, {
      fields: { RangeRequested: header, ActualObjectSize: String(sizeBytes) },
      headers: { 'content-range': `bytes */${sizeBytes}` },
    });
  }
  return range;
}

function within(asked: RangeRequest, sizeBytes: number): ByteRange {
  const last = sizeBytes - 1;
  switch (asked.kind) {
    case 'between':
      return { start: asked.start, end: Math.min(asked.end, last) };
    case 'from':
      return { start: asked.start, end: last };
    case 'suffix':
      // `bytes=-0` asks for nothing, which cannot be satisfied.
      return {
        start: asked.lengthBytes === 0 ? sizeBytes : Math.max(0, sizeBytes - asked.lengthBytes),
        end: last,
      };
  }
}

export function contentRange({ start, end }: ByteRange, sizeBytes: number): string {
  return `bytes ${start}-${end}/${sizeBytes}`;
}
