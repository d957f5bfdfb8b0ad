/**
 * Records of the metadata that are damaged in the store. A backup goes on past them; what is brought back from it must not
 * take one for absent where that would be an answer.
 *
 * - Without a counter ids would be given out again, and without its format it is no store: such a backup is none.
 * - Tags and what an export allows are had or not, or have a default. In their place stands what no reader takes, so that
 *   reading it fails there, too. User metadata go with their inode.
 * - An entry of a map that is absent is a hole, which reads as zeros. The same stands in its place, for whoever brings it
 *   back to see that bytes are gone there ({@link file://./lostRanges.ts}).
 * - What is read first to get anywhere, such as an inode, is missed there, and fsck tells of it. An index, a count or a
 *   name that a cookie still knows is made from the rest by a repair; what waits to be given back only takes room.
 */

import { Buffer } from 'node:buffer';
import type { Bytes, Entry, OwnWrite } from '@facet/engine';
import { FsError } from '../errors.ts';
import { kindOfKey, SPACE } from '../meta/keys.ts';
import { type DamagedMetadata, damagedMetadata } from '../scrub/metadata.ts';

const INDISPENSABLE: ReadonlySet<number | undefined> = new Set([SPACE.format, SPACE.counter]);
const WITH_STAND_IN: ReadonlySet<number | undefined> = new Set([
  SPACE.tags,
  SPACE.volumeTags,
  SPACE.volumeExport,
]);
/** No record of these kinds begins so. */
const STAND_IN = Buffer.of(0xee);
/** Else it is the key that is damaged. */
const MAP_KEY_BYTES = 17;
/** Held in memory. Of a store with more nothing is certain. */
const LOST_MAX = 100_000;

const hexOf = (key: Bytes): string => Buffer.from(key).toString('hex');

export class LostRecords {
  readonly #keys = new Map<string, Buffer>();
  #isTooMany = false;

  get count(): number {
    return this.#keys.size;
  }

  /** The first ones, as a person reads them. */
  first(countMax: number): readonly DamagedMetadata[] {
    return [...this.#keys.values()].slice(0, countMax).map(damagedMetadata);
  }

  /** Of one that can not be read. */
  met(key: Bytes): void {
    if (this.#keys.size < LOST_MAX) this.#keys.set(hexOf(key), Buffer.from(key));
    else this.#isTooMany = true;
  }

  /** Of one that can: it may be what stands for one that was lost before the store was brought back. */
  read({ key, value }: Entry): void {
    if (WITH_STAND_IN.has(key[0]) && STAND_IN.equals(value)) this.met(key);
  }

  /** It was written anew, or removed. */
  changed({ key }: OwnWrite): void {
    if (this.#keys.size > 0) this.#keys.delete(hexOf(key));
  }

  /** @throws FsError Corrupt where there is no going on */
  check(): void {
    if (this.#isTooMany)
      throw new FsError('Corrupt', `${LOST_MAX} records and more of the metadata are damaged${WHAT_NEXT}`);
    for (const [hex, key] of this.#keys) {
      if (!INDISPENSABLE.has(key[0])) continue;
      const what = `the metadata record ${hex} (${kindOfKey(key)}) is damaged, without which there is no store`;
      throw new FsError('Corrupt', `${what}${WHAT_NEXT}`);
    }
  }

  /** What is to be changed of all else, in the end, for them. */
  *changes(): Generator<OwnWrite, void, void> {
    for (const key of this.#keys.values()) {
      if (WITH_STAND_IN.has(key[0]) || isMapKey(key)) yield { key, value: STAND_IN };
    }
  }
}

const isMapKey = (key: Bytes): boolean => key[0] === SPACE.contentMap && key.length === MAP_KEY_BYTES;

/** Of what a backup has: it stands for an entry of a map that was lost. */
export const isLostEntry = ({ key, value }: OwnWrite): boolean =>
  isMapKey(key) && value !== undefined && STAND_IN.equals(value);

const WHAT_NEXT = ": bring it back from a backup that is there ('facet restore')";
