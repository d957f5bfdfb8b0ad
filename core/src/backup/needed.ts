import type { OwnWrite } from '@facet/engine';
import { type ContainerId, physicalLength } from '@facet/extents';
import { EXTENT_RECORDS } from '../contents/extentRecords.ts';

/**
 * How far into each container anything refers that a list of changes has ever put: at least as far as what is left in
 * the end does. A number for each container is held in memory.
 */
export class NeededContainers {
  readonly #ends = new Map<ContainerId, number>();

  note({ key, value }: OwnWrite): void {
    if (value === undefined) return;
    const location = EXTENT_RECORDS.find(({ space }) => space === key[0])?.partOf(value)?.location;
    if (!location) return;
    const end = location.offset + physicalLength(location);
    if (end > (this.#ends.get(location.container) ?? 0)) this.#ends.set(location.container, end);
  }

  /** In order of their ids, with where the last byte is that is needed. */
  inOrder(): readonly (readonly [container: ContainerId, end: number])[] {
    return [...this.#ends].toSorted(([one], [other]) => one - other);
  }
}
