/** The records that say where bytes lie: what each refers to of an extent, if it does. */

import type { Op, ReadTx } from '@facet/engine';
import type { Location } from '@facet/extents';
import { SPACE } from '../meta/keys.ts';
import { decodeContent, decodeMapEntry } from '../meta/records/content.ts';

/** `lengthBytes` bytes from `start` of an extent. */
export interface ExtentPart {
  readonly location: Location;
  readonly start: number;
  readonly lengthBytes: number;
}

export interface ExtentRecords {
  readonly space: number;
  partOf(value: Uint8Array): ExtentPart | undefined;
}

export const EXTENT_RECORDS: readonly ExtentRecords[] = [
  {
    space: SPACE.content,
    partOf: (value) => {
      const { shape, lengthBytes } = decodeContent(value);
      return shape.kind === 'single' ? { location: shape.location, start: 0, lengthBytes } : undefined;
    },
  },
  {
    space: SPACE.contentMap,
    partOf: (value) => {
      const entry = decodeMapEntry(value);
      return entry.kind === 'data' ? entry : undefined;
    },
  },
];

/** Whether the record of a key still refers to an extent that it referred to. */
export function* stillRefers(tx: ReadTx, key: Uint8Array, location: Location): Op<boolean> {
  const stored = yield* tx.get(key);
  const records = EXTENT_RECORDS.find(({ space }) => space === key[0]);
  const now = stored && records?.partOf(stored)?.location;
  return now?.container === location.container && now.offset === location.offset;
}
