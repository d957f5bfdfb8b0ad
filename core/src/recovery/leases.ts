/**
 * Container ids, leased by one run of one worker: what it may have written without the metadata knowing. The
 * lease is durable before the first container of it is made, so a container that no lease covers is known.
 */

import { type ContainerId, type ContainerLease, containerId } from '@facet/extents';
import type { Command, CommandRunner } from '../commands/command.ts';
import { take } from '../commands/counter.ts';
import { leaseKey } from '../meta/keys.ts';
import { encodeNumber } from '../meta/records/volume.ts';

/** The counter container ids come from. */
export const CONTAINER_IDS = 'container';

/** A commit for so many containers; a start looks for so many more than there are, at most, per dead worker. */
const CONTAINERS_PER_LEASE = 64;

export interface LeasedContainers {
  /** 16 random bytes that name one run of one worker. */
  readonly instance: Uint8Array;
  readonly first: ContainerId;
  readonly count: number;
}

const leaseContainers: Command<{ readonly instance: Uint8Array; readonly count: number }, LeasedContainers> =
  {
    name: 'leaseContainers',
    *run(tx, { instance, count }) {
      const first = containerId(yield* take(tx, { name: CONTAINER_IDS, count }));
      tx.put(leaseKey(instance, first), encodeNumber(count));
      return { instance, first, count };
    },
  };

/** What an extent store of this instance gets its container ids from. */
export function containerLease(commands: CommandRunner, instance: Uint8Array): ContainerLease {
  return () => commands.run(leaseContainers, { instance, count: CONTAINERS_PER_LEASE });
}
