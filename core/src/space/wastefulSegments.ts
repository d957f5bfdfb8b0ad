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
/** Of what it takes of the disk: so nothing that rests takes more than four thirds of what is alive. */
const WASTE_SHARE = 1 / 4;
/** While more of it dies: of what is moved then some is moved in vain, and its copy has to be moved once more. */
const WASTE_SHARE_DYING = 1 / 2;
/** It has come to rest when in so many looks not more than this died of it, for each byte that was dead. */
const LOOKS_TO_REST = 6;
const GROWTH_AT_REST = 1 / 32;
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
  readonly #rest = new Rest();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * The worst first. None that a writer has leased: what is in it the metadata may not know of yet.
   * @param options.patient waits for segments that still die; to be asked again and again.
   * @throws FsError Failed | Closed
   */
  async choose({ patient }: { readonly patient: boolean }): Promise<readonly WastefulSegment[]> {
    const { commands, extents } = this.#parts;
    const leased = await commands.read('compact', leasedRanges);
    const judged = new Map<ContainerId, number>();
    const dead = new Map<ContainerId, number>();
    const found: WastefulSegment[] = [];
    const { end } = spaceBounds(SPACE.container);
    for (let from: Buffer | undefined = spaceBounds(SPACE.container).start; from; ) {
      const start: Buffer = from;
      const page = await commands.read('compact', (tx) => tx.range({ start, end, limit: RECORDS_PER_READ }));
      for (const { key, value } of page) {
        const container = containerId(containerOfRunKey(key));
        const { deadBytes } = decodeContainer(value);
        if (extents.isActive(container) || isLeased(leased, container)) continue;
        dead.set(container, deadBytes);
        const known = this.#judged.get(container) === deadBytes;
        const waits = patient && !this.#rest.has(container);
        const share = waits ? WASTE_SHARE_DYING : WASTE_SHARE;
        const segment = known ? undefined : await this.#look(container, { deadBytes, share });
        if (segment) found.push(segment);
        else if (known || !waits) judged.set(container, deadBytes);
      }
      const last = page.at(-1);
      from = last && page.length === RECORDS_PER_READ ? successor(last.key) : undefined;
    }
    this.#judged = judged;
    if (patient) this.#rest.look(dead);
    return found
      .sort((a, b) => b.wasteBytes / b.liveBytes - a.wasteBytes / a.liveBytes)
      .slice(0, SEGMENTS_MAX);
  }

  /** Not looked at again before more of it is dead. */
  judged({ container, deadBytes }: WastefulSegment): void {
    this.#judged.set(container, deadBytes);
  }

  async #look(
    container: ContainerId,
    worth: { readonly deadBytes: number; readonly share: number },
  ): Promise<WastefulSegment | undefined> {
    try {
      const info = await this.#parts.extents.status(container);
      return info && wasteOf(info, worth);
    } catch (error) {
      throw fromExtents(error);
    }
  }
}

/** Which segments no longer die. */
class Rest {
  #looks = 0;
  /** Dead bytes, when it was looked last. */
  #before: ReadonlyMap<ContainerId, number> = new Map();
  #atRest: ReadonlySet<ContainerId> = new Set();

  has(container: ContainerId): boolean {
    return this.#atRest.has(container);
  }

  look(dead: ReadonlyMap<ContainerId, number>): void {
    this.#looks += 1;
    if (this.#looks % LOOKS_TO_REST !== 1) return;
    const rests = ([container, bytes]: readonly [ContainerId, number]): boolean => {
      const before = this.#before.get(container);
      return before !== undefined && bytes - before <= before * GROWTH_AT_REST;
    };
    this.#atRest = new Set([...dead].filter(rests).map(([container]) => container));
    this.#before = dead;
  }
}

/** Undefined: it is worth nothing, or it is all dead, and the collector's. */
export function wasteOf(
  { container, kind, sizeBytes, allocatedBytes }: ContainerInfo,
  { deadBytes, share }: { readonly deadBytes: number; readonly share: number },
): WastefulSegment | undefined {
  const liveBytes = sizeBytes - deadBytes;
  if (kind !== 'segment' || liveBytes <= 0) return undefined;
  const wasteBytes = Math.max(0, allocatedBytes - liveBytes);
  const isWaste = wasteBytes >= WASTE_BYTES_MIN && wasteBytes >= allocatedBytes * share;
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
