/**
 * Locked byte ranges of one owner in one file: sorted, disjoint, and neighbours of one mode merged.
 * Offsets are bigints in bytes; `end` is exclusive and at most 2^64, which stands for "as far as the file may grow".
 */

export type LockMode = 'shared' | 'exclusive';

export interface ByteRange {
  readonly start: bigint;
  readonly end: bigint;
}

export interface Segment extends ByteRange {
  readonly mode: LockMode;
}

/** What becomes of a list: `removed` segments from index `at` on give way to `inserted`. */
export interface Repaint {
  readonly at: number;
  readonly removed: number;
  readonly inserted: readonly Segment[];
}

export const OFFSET_END = 1n << 64n;

export function overlaps(a: ByteRange, b: ByteRange): boolean {
  return a.start < b.end && b.start < a.end;
}

/** The index of the first segment that ends at or after `offset`. */
function firstReaching(segments: readonly Segment[], offset: bigint): number {
  let low = 0;
  let high = segments.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const segment = segments[middle];
    if (segment !== undefined && segment.end < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Whether some may share a byte with `range`: they are sorted, so that their ends tell of most that do not. */
export function mayOverlap(segments: readonly Segment[], range: ByteRange): boolean {
  const first = segments[0];
  const last = segments[segments.length - 1];
  return first !== undefined && last !== undefined && first.start < range.end && range.start < last.end;
}

/** The segments that share a byte with `range`, whole. */
export function segmentsWithin(segments: readonly Segment[], range: ByteRange): readonly Segment[] {
  const found: Segment[] = [];
  for (let index = firstReaching(segments, range.start); index < segments.length; index += 1) {
    const segment = segments[index];
    if (segment === undefined || segment.start >= range.end) break;
    if (segment.end > range.start) found.push(segment);
  }
  return found;
}

/**
 * `range` in a new mode, or in none: an owner's own locks never stand in its way, the last call on a byte decides.
 * @source POSIX fcntl(), F_SETLK: "the type of lock of the overlapping part is changed"
 */
export function planRepaint(
  segments: readonly Segment[],
  range: ByteRange,
  mode: LockMode | undefined,
): Repaint {
  const at = firstReaching(segments, range.start);
  const before: Segment[] = [];
  const after: Segment[] = [];
  let removed = 0;
  for (let index = at; index < segments.length; index += 1) {
    const segment = segments[index];
    // One that only touches is taken along, too: it may merge.
    if (segment === undefined || segment.start > range.end) break;
    removed += 1;
    if (segment.start < range.start) before.push({ ...segment, end: least(segment.end, range.start) });
    if (segment.end > range.end) after.push({ ...segment, start: greatest(segment.start, range.end) });
  }
  const middle = mode === undefined ? [] : [{ start: range.start, end: range.end, mode }];
  return { at, removed, inserted: merged([...before, ...middle, ...after]) };
}

export function applyRepaint(segments: Segment[], { at, removed, inserted }: Repaint): void {
  segments.splice(at, removed, ...inserted);
}

const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);
const greatest = (a: bigint, b: bigint): bigint => (a > b ? a : b);

function merged(segments: readonly Segment[]): readonly Segment[] {
  const result: Segment[] = [];
  for (const segment of segments) {
    const last = result.at(-1);
    if (last !== undefined && last.end === segment.start && last.mode === segment.mode) {
      result[result.length - 1] = { ...last, end: segment.end };
    } else {
      result.push(segment);
    }
  }
  return result;
}

/** The part of `segment` inside `range`; they must overlap. */
export function clip(segment: Segment, range: ByteRange): Segment {
  return {
    start: greatest(segment.start, range.start),
    end: least(segment.end, range.end),
    mode: segment.mode,
  };
}
