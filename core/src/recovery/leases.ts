/**
 * Container ids, leased by one run of one worker: what it may have written without the metadata knowing. The
 * lease is durable before the first container of it is made, and a container leaves it when the metadata knows
 * of all that is in it and nothing more will be: so recovery has little to look at, however long the run was.
 */

import type { Op, ReadTx } from '@facet/engine';
import {
  type ContainerId,
  type ContainerLease,
  containerId,
  ExtentError,
  type ExtentStore,
  type ExtentWriter,
  forwarded,
  type Location,
  physicalLength,
} from '@facet/extents';
import type { Command, Commands } from '../commands/command.ts';
import { take } from '../commands/counter.ts';
import { whenSettled } from '../contents/settled.ts';
import { FsError } from '../errors.ts';
import { firstOfLeaseKey, instanceOfLeaseKey, leaseKey, SPACE, spaceBounds } from '../meta/keys.ts';
import { decodeNumber, encodeNumber } from '../meta/records/volume.ts';

/** The counter container ids come from. */
export const CONTAINER_IDS = 'container';

/** A commit for so many containers. */
const CONTAINERS_PER_LEASE = 64;
/** So many containers leave their leases in one transaction. */
const CONTAINERS_PER_RETURN = 256;

export interface LeasedContainers {
  /** 16 random bytes that name one run of one worker. */
  readonly instance: Uint8Array;
  readonly first: ContainerId;
  readonly count: number;
}

export const leaseContainers: Command<
  { readonly instance: Uint8Array; readonly count: number },
  LeasedContainers
> = {
  name: 'leaseContainers',
  *run(tx, { instance, count }) {
    const first = containerId(yield* take(tx, { name: CONTAINER_IDS, count }));
    tx.put(leaseKey(instance, first), encodeNumber(count));
    return { instance, first, count };
  },
};

interface IdRange {
  readonly first: ContainerId;
  readonly count: number;
}

/** Puts ranges in the place of a lease, which they are parts of. */
export const narrowLease: Command<
  { readonly instance: Uint8Array; readonly lease: IdRange; readonly rest: readonly IdRange[] },
  { readonly existed: boolean }
> = {
  name: 'narrowLease',
  runsWhenFull: true,
  *run(tx, { instance, lease, rest }) {
    const key = leaseKey(instance, lease.first);
    const stored = yield* tx.get(key);
    if (!stored || decodeNumber(stored) !== lease.count) return { existed: false };
    tx.delete(key);
    for (const { first, count } of rest) tx.put(leaseKey(instance, first), encodeNumber(count));
    return { existed: true };
  },
};

/** What is known of a container in which bytes were stored. */
interface Held {
  /** Extents that the metadata does not know of yet. */
  unsettled: number;
  /** Where the last of them ends. */
  endOffset: number;
}

/** Whether a run other than `instance` may still write to a container, or left that to recovery. */
export function* isLeasedByAnother(
  tx: ReadTx,
  { instance, container }: { readonly instance: Uint8Array; readonly container: ContainerId },
): Op<boolean> {
  const leases = yield* tx.range({ ...spaceBounds(SPACE.lease), limit: Number.MAX_SAFE_INTEGER });
  return leases.some(({ key, value }) => {
    const first = firstOfLeaseKey(key);
    return (
      container >= first &&
      container < first + decodeNumber(value) &&
      !instanceOfLeaseKey(key).equals(instance)
    );
  });
}

export class ContainerLeases {
  readonly #commands: Commands;
  readonly instance: Uint8Array;
  /** As they are recorded, in order; disjoint. */
  #ranges: readonly IdRange[] = [];
  /** Containers with bytes, in the ranges. */
  readonly #held = new Map<ContainerId, Held>();
  /** Containers with bytes that nobody knows of: they stay leased until this run is over. */
  readonly #forRecovery = new Set<ContainerId>();
  /** The first id of the last lease, of which the store may still hand some out. */
  #newest = 0;
  /** Large extents begun and not over: each may come to a container yet, or to another one. */
  #writing = 0;
  #closing = false;

  constructor(parts: { readonly commands: Commands; readonly instance: Uint8Array }) {
    this.#commands = parts.commands;
    this.instance = parts.instance;
  }

  /** What the extent store gets its container ids from. */
  readonly lease: ContainerLease = async () => {
    const instance = this.instance;
    const count = CONTAINERS_PER_LEASE;
    const leased = await this.#commands.run(leaseContainers, { instance, count }).catch(toExtents);
    this.#add([leased]);
    this.#newest = leased.first;
    return leased;
  };

  /** The same store, with an eye on what is stored and not settled. */
  track(extents: ExtentStore): ExtentStore {
    return {
      ...forwarded(extents),
      append: async (extent) => this.#stored(await extents.append(extent)),
      create: (owner) => this.#trackWriter(extents.create(owner)),
      close: () => {
        this.#closing = true;
        return extents.close();
      },
    };
  }

  #trackWriter(writer: ExtentWriter): ExtentWriter {
    let state: 'new' | 'begun' | 'over' = 'new';
    const over = (): void => {
      if (state === 'begun') this.#writing -= 1;
      state = 'over';
    };
    return {
      write: async (chunk, onRelease) => {
        if (state === 'new') {
          if (this.#closing) throw new ExtentError('Closed', 'the extent store is closed');
          state = 'begun';
          this.#writing += 1;
        }
        await writer.write(chunk, onRelease);
      },
      finish: async () => this.#stored(await writer.finish().finally(over)),
      abort: () => writer.abort().finally(over),
    };
  }

  #stored(location: Location): Location {
    const { container } = location;
    const held = this.#held.get(container) ?? { unsettled: 0, endOffset: 0 };
    this.#held.set(container, held);
    held.unsettled += 1;
    held.endOffset = Math.max(held.endOffset, location.offset + physicalLength(location));
    whenSettled(location, () => {
      held.unsettled -= 1;
    });
    return location;
  }

  /** Gives back the containers that are done with, when there are some. @returns how many */
  async giveBack(extents: Pick<ExtentStore, 'isActive' | 'status'>): Promise<number> {
    const done = new Set([...(await this.#settled(extents)), ...(await this.#neverMade(extents))]);
    for (const range of this.#ranges) {
      const rest = without(range, done);
      if (rest.reduce((sum, { count }) => sum + count, 0) === range.count) continue;
      const lease = { instance: this.instance, lease: range, rest };
      const { existed } = await this.#commands.run(narrowLease, lease);
      if (!existed) {
        // The answer to an earlier one was lost: what is recorded counts.
        await this.#readRecorded();
        return done.size;
      }
      this.#ranges = this.#ranges.flatMap((one) => (one === range ? rest : [one]));
    }
    for (const container of done) this.#held.delete(container);
    return done.size;
  }

  #add(ranges: readonly IdRange[]): void {
    const known = new Set(this.#ranges.map(({ first }) => first));
    this.#ranges = [...this.#ranges, ...ranges.filter(({ first }) => !known.has(first))];
  }

  async #readRecorded(): Promise<void> {
    const before = new Set(this.#ranges);
    const bounds = spaceBounds(SPACE.lease);
    const recorded = await this.#commands.read('leases', function* (tx) {
      const entries = yield* tx.range({ ...bounds, limit: Number.MAX_SAFE_INTEGER });
      return entries.map(({ key, value }) => ({
        instance: instanceOfLeaseKey(key),
        first: containerId(firstOfLeaseKey(key)),
        count: decodeNumber(value),
      }));
    });
    const since = this.#ranges.filter((range) => !before.has(range));
    this.#ranges = recorded.filter(({ instance }) => instance.equals(this.instance));
    this.#add(since);
    for (const container of this.#held.keys()) {
      const isLeased = this.#ranges.some(
        ({ first, count }) => container >= first && container < first + count,
      );
      if (!isLeased) this.#held.delete(container);
    }
  }

  /**
   * Gives back all that nobody will write to, once the store is closed. What is left is for recovery: bytes that the
   * metadata does not know of, and everything not handed out while a large extent may still come to a container.
   */
  async end(extents: Pick<ExtentStore, 'isActive' | 'status'>): Promise<void> {
    if (this.#writing === 0) this.#newest = Number.POSITIVE_INFINITY;
    while ((await this.giveBack(extents)) > 0);
  }

  /** Containers that the metadata knows all of. */
  async #settled(extents: Pick<ExtentStore, 'isActive' | 'status'>): Promise<readonly ContainerId[]> {
    const settled: ContainerId[] = [];
    for (const [container, held] of this.#held) {
      if (settled.length === CONTAINERS_PER_RETURN) break;
      if (held.unsettled > 0 || extents.isActive(container)) continue;
      const status = await extents.status(container);
      // Longer than its extents: something was written that nobody knows of. That is for recovery.
      if (!status || status.sizeBytes <= held.endOffset) settled.push(container);
      else this.#forRecovery.add(container);
    }
    for (const container of this.#forRecovery) this.#held.delete(container);
    return settled;
  }

  /** Ids of uploads that came to nothing, and those never handed out. */
  async #neverMade(extents: Pick<ExtentStore, 'isActive' | 'status'>): Promise<readonly ContainerId[]> {
    const never: ContainerId[] = [];
    for (const { first, count } of this.#ranges) {
      if (first >= this.#newest) continue;
      for (let id: number = first; id < first + count; id += 1) {
        const container = containerId(id);
        if (this.#held.has(container) || this.#forRecovery.has(container) || extents.isActive(container))
          continue;
        if (await extents.status(container)) this.#forRecovery.add(container);
        else never.push(container);
      }
    }
    return never;
  }
}

/** To the extent store a lease that there is no room for is a full disk, too. */
function toExtents(error: unknown): never {
  if (!(error instanceof FsError && error.code === 'NoSpace')) throw error;
  throw new ExtentError('Full', error.message, { cause: error });
}

/** What is left of a range, as ranges. */
function without({ first, count }: IdRange, gone: ReadonlySet<ContainerId>): readonly IdRange[] {
  const rest: IdRange[] = [];
  for (let id: number = first; id < first + count; id += 1) {
    if (gone.has(containerId(id))) continue;
    const last = rest.at(-1);
    if (last && last.first + last.count === id) rest[rest.length - 1] = { ...last, count: last.count + 1 };
    else rest.push({ first: containerId(id), count: 1 });
  }
  return rest;
}
