/**
 * Whether the containers that the metadata refers to are there, and long enough: what a start can find out without
 * looking at everything. `facet fsck` looks at everything.
 *
 * Which container an extent lies in nearly follows from when its content was made: what lies between two contents of one
 * container is mostly in it, too. So the look bisects, and first where the ends are in different containers. It thereby
 * meets every segment, however many objects that holds, with a few reads each, and at its very ends, where one that was cut
 * short shows. What the bound leaves goes to the rest, evenly spread: to large objects, which have a container each.
 */

import type { Op, ReadTx } from '@facet/engine';
import { type ContainerId, type ExtentStore, type Location, physicalLength } from '@facet/extents';
import type { Commands } from '../commands/command.ts';
import { EXTENT_RECORDS, type ExtentRecords, stillRefers } from '../contents/extentRecords.ts';
import { fromExtents } from '../contents/read.ts';
import { spaceBounds, successor } from '../meta/keys.ts';

/** Of each kind of record: a second's work or two, if there are as many containers. */
const LOOKS_MAX = 20_000;
/** Of one read: others wait for it. */
const LOOKS_PER_READ = 64;

interface LostContainer {
  readonly container: number;
  readonly what: 'missing' | 'cut short';
}

export interface LostContainers {
  /** Extents that were looked at. */
  readonly looks: number;
  /** Containers that they lie in. */
  readonly containers: number;
  readonly lost: readonly LostContainer[];
}

export interface LookParts {
  readonly commands: Pick<Commands, 'read'>;
  readonly extents: Pick<ExtentStore, 'status'>;
  readonly looksMax?: number;
  /** Ends the look early, with what it has found. */
  readonly signal?: AbortSignal;
}

/** A record, and where its extent lies, if it has one. */
interface Seen {
  readonly key: Uint8Array;
  readonly location?: Location;
}

interface Interval {
  readonly low: Seen;
  readonly high: Seen;
}

/** @throws FsError Failed | Closed */
export async function lookForLost(parts: LookParts): Promise<LostContainers> {
  /** Of each container the record that needs most of it. */
  const needed = new Map<ContainerId, Seen & { readonly location: Location }>();
  let looks = 0;
  for (const records of EXTENT_RECORDS) {
    for (const seen of await sample(parts, records)) {
      const { key, location } = seen;
      if (!location) continue;
      looks += 1;
      const before = needed.get(location.container);
      if (!before || endOf(before.location) < endOf(location))
        needed.set(location.container, { key, location });
    }
  }
  const lost: LostContainer[] = [];
  for (const [container, seen] of needed) {
    if (parts.signal?.aborted) break;
    const what = await damageOf(parts, seen.location);
    // An object that was deleted meanwhile takes its container along.
    const refers = (tx: ReadTx) => stillRefers(tx, seen.key, seen.location);
    if (what && (await parts.commands.read('lookForLost', refers))) lost.push({ container, what });
  }
  return { looks, containers: needed.size, lost };
}

const endOf = (location: Location): number => location.offset + physicalLength(location);

async function sample(
  { commands, looksMax = LOOKS_MAX, signal }: LookParts,
  { space, partOf }: ExtentRecords,
): Promise<readonly Seen[]> {
  const look = function* (
    tx: ReadTx,
    range: { start: Uint8Array; end: Uint8Array; reverse?: true },
  ): Op<Seen[]> {
    const found = yield* tx.range({ ...range, limit: 1 });
    return found.map(({ key, value }) => {
      const part = partOf(value);
      return part ? { key, location: part.location } : { key };
    });
  };
  const bounds = spaceBounds(space);
  const seen = await commands.read('lookForLost', function* (tx) {
    return [...(yield* look(tx, bounds)), ...(yield* look(tx, { ...bounds, reverse: true }))];
  });
  const [first, last] = seen;
  if (!first || !last) return [];
  // First come, first served: wherever the bound cuts this off, what was looked at is evenly spread.
  let between: Interval[] = [{ low: first, high: last }];
  let within: Interval[] = [];
  while (between.length + within.length > 0 && seen.length < looksMax && !signal?.aborted) {
    if (between.length === 0) [between, within] = [within, []];
    const page = between.slice(0, Math.min(LOOKS_PER_READ, looksMax - seen.length));
    const found = await commands.read('lookForLost', function* (tx) {
      const halves: Interval[] = [];
      const middles: Seen[] = [];
      for (const { low, high } of page) {
        const middle = middleOf(low.key, high.key);
        const after = yield* look(tx, { start: middle, end: high.key });
        const before = { start: successor(low.key), end: middle, reverse: true } as const;
        const [one] = after.length > 0 ? after : yield* look(tx, before);
        if (!one) continue;
        middles.push(one);
        halves.push({ low, high: one }, { low: one, high });
      }
      return { halves, middles };
    });
    seen.push(...found.middles);
    between = [...between.slice(page.length), ...found.halves.filter((half) => !isWithinOne(half))];
    within.push(...found.halves.filter(isWithinOne));
  }
  return seen;
}

function isWithinOne({ low, high }: Interval): boolean {
  return low.location !== undefined && low.location.container === high.location?.container;
}

/** A key between two of the same length: after the lower one, unless they are neighbours; at most the higher one. */
function middleOf(low: Uint8Array, high: Uint8Array): Buffer {
  const sum = numberOf(low) + numberOf(high) + 1n;
  return Buffer.from((sum / 2n).toString(16).padStart(2 * low.length, '0'), 'hex');
}

const numberOf = (key: Uint8Array): bigint => BigInt(`0x${Buffer.from(key).toString('hex')}`);

async function damageOf(
  { extents }: LookParts,
  location: Location,
): Promise<LostContainer['what'] | undefined> {
  try {
    const info = await extents.status(location.container);
    if (!info) return 'missing';
    return info.sizeBytes < endOf(location) ? 'cut short' : undefined;
  } catch (error) {
    throw fromExtents(error);
  }
}
