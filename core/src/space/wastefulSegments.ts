/** Which segments are worth to be emptied: sealed ones that take much more of the disk than is alive in them. */

import type { Op, ReadTx } from '@facet/engine';
import { type ContainerId, type ContainerInfo, containerId, type ExtentStore } from '@facet/extents';
import type { CommandRunner } from '../commands/command.ts';
import { fromExtents } from '../contents/read.ts';
import { containerOfRunKey, firstOfLeaseKey, SPACE, spaceBounds, successor } from '../meta/keys.ts';
import { decodeContainer } from '../meta/records/space.ts';
import { decodeNumber } from '../meta/records/volume.ts';

/** The rest are for the next look. */
const SEGMENTS_MAX = 256;
const RECORDS_PER_READ = 500;
/** Of what it takes of the disk: so nothing takes more than four thirds of what is alive. */
const WASTE_SHARE = 1 / 4;
const WASTE_BYTES_MIN = 64 * 1024;
/** With less than this alive of its length it costs next to nothing, and a file and its dead runs are gone. */
const ALIVE_SHARE = 1 / 16;

export interface WastefulSegment {
  readonly container: ContainerId;
  readonly deadBytes: number;
  readonly liveBytes: number;
  /** Allocated beyond what is alive. */
  readonly wasteBytes: number;
}

interface Parts {
  readonly commands: Pick<CommandRunner, 'read'>;
  readonly extents: Pick<ExtentStore, 'isActive' | 'status'>;
}

export class SegmentChoice {
  readonly #parts: Parts;
  /** How many dead bytes each had when it was found to be worth nothing, or was emptied. */
  #judged = new Map<ContainerId, number>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * The worst first. None that a writer has leased: what is in it the metadata may not know of yet.
   * @throws FsError Failed | Closed
   */
  async choose(): Promise<readonly WastefulSegment[]> {
    const { commands, extents } = this.#parts;
    const leased = await commands.read('compact', leasedRanges);
    const judged = new Map<ContainerId, number>();
    const found: WastefulSegment[] = [];
    const { end } = spaceBounds(SPACE.container);
    for (let from: Buffer | undefined = spaceBounds(SPACE.container).start; from; ) {
      const start: Buffer = from;
      const page = await commands.read('compact', (tx) => tx.range({ start, end, limit: RECORDS_PER_READ }));
      for (const { key, value } of page) {
        const container = containerId(containerOfRunKey(key));
        const { deadBytes } = decodeContainer(value);
        if (extents.isActive(container) || isLeased(leased, container)) continue;
        const known = this.#judged.get(container) === deadBytes;
        const segment = known ? undefined : await this.#look(container, deadBytes);
        if (segment) found.push(segment);
        else judged.set(container, deadBytes);
      }
      const last = page.at(-1);
      from = last && page.length === RECORDS_PER_READ ? successor(last.key) : undefined;
    }
    this.#judged = judged;
    return found
      .sort((a, b) => b.wasteBytes / b.liveBytes - a.wasteBytes / a.liveBytes)
      .slice(0, SEGMENTS_MAX);
  }

  /** Not looked at again before more of it is dead. */
  judged({ container, deadBytes }: WastefulSegment): void {
    this.#judged.set(container, deadBytes);
  }

  async #look(container: ContainerId, deadBytes: number): Promise<WastefulSegment | undefined> {
    try {
      const info = await this.#parts.extents.status(container);
      return info && wasteOf(info, deadBytes);
    } catch (error) {
      throw fromExtents(error);
    }
  }
}

/** Undefined: it is worth nothing, or it is all dead, and the collector's. */
export function wasteOf(
  { container, kind, sizeBytes, allocatedBytes }: ContainerInfo,
  deadBytes: number,
): WastefulSegment | undefined {
  const liveBytes = sizeBytes - deadBytes;
  if (kind !== 'segment' || liveBytes <= 0) return undefined;
  const wasteBytes = Math.max(0, allocatedBytes - liveBytes);
  const isWaste = wasteBytes >= WASTE_BYTES_MIN && wasteBytes >= allocatedBytes * WASTE_SHARE;
  if (!isWaste && liveBytes > sizeBytes * ALIVE_SHARE) return undefined;
  return { container, deadBytes, liveBytes, wasteBytes };
}

interface LeasedRange {
  readonly first: number;
  readonly count: number;
}

function* leasedRanges(tx: ReadTx): Op<readonly LeasedRange[]> {
  const leases = yield* tx.range({ ...spaceBounds(SPACE.lease), limit: Number.MAX_SAFE_INTEGER });
  return leases.map(({ key, value }) => ({ first: firstOfLeaseKey(key), count: decodeNumber(value) }));
}

const isLeased = (leased: readonly LeasedRange[], container: ContainerId): boolean =>
  leased.some(({ first, count }) => container >= first && container < first + count);
