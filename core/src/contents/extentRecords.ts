/** The records that say where bytes lie: what each refers to of an extent, if it does. */

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

/** What the record of a key refers to, if it is one of these. */
export function extentPartOf(key: Uint8Array, value: Uint8Array): ExtentPart | undefined {
  return EXTENT_RECORDS.find(({ space }) => space === key[0])?.partOf(value);
}
