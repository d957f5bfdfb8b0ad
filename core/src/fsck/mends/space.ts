/** What says of bytes that they are dead, and they are alive: that goes, before the collector believes it. */

import type { PhysicalRun } from '@facet/extents';
import type { LayerId } from '../../ids.ts';
import { containerKey, deadRunKey, SPACE, spaceBounds, uploadKey, volumeNameKey } from '../../meta/keys.ts';
import {
  decodeContainer,
  decodeDeadRun,
  decodeFree,
  decodeReclaim,
  encodeContainer,
  encodeDeadRun,
  encodeReclaim,
} from '../../meta/records/space.ts';
import type { UploadRecord } from '../../meta/records/upload.ts';
import { encodeNumber } from '../../meta/records/volume.ts';
import { doOverlap, framesTouching, runOfFrames } from '../../space/frames.ts';
import type { Volume } from '../../volumes/types.ts';
import type { Mend } from './mend.ts';

/** More records of a queue are not looked through in one transaction. */
const QUEUED_MAX = 10_000;

/** The dead run that begins where `dead` does. Its bytes are counted dead no more. */
export function revivesDeadRun(dead: PhysicalRun): Mend {
  return {
    doing: `takes the dead run at ${dead.offset} away`,
    *run(tx) {
      const key = deadRunKey(dead.container, dead.offset);
      const [stored, record] = yield* tx.getMany([key, containerKey(dead.container)]);
      if (!stored) return false;
      tx.delete(key);
      if (record) {
        const { deadBytes } = decodeContainer(record);
        const left = Math.max(0, deadBytes - decodeDeadRun(stored).length);
        tx.put(containerKey(dead.container), encodeContainer({ deadBytes: left }));
      }
      return true;
    },
  };
}

/** Whatever is to be reclaimed, or was discarded, of bytes that `live` is of. */
export function keepsFromQueue(live: PhysicalRun): Mend {
  return {
    doing: `takes what has bytes from ${live.offset} on out of the queue`,
    *run(tx) {
      let isChanged = false;
      for (const { key, value } of yield* tx.range({ ...spaceBounds(SPACE.reclaim), limit: QUEUED_MAX })) {
        const record = decodeReclaim(value);
        const runs = record.runs.filter((run) => !doOverlap(run, live));
        if (runs.length === record.runs.length) continue;
        isChanged = true;
        if (runs.length === 0) tx.delete(key);
        else tx.put(key, encodeReclaim({ ...record, runs }));
      }
      for (const { key, value } of yield* tx.range({ ...spaceBounds(SPACE.free), limit: QUEUED_MAX })) {
        const record = decodeFree(value);
        if (record.kind !== 'extent') continue;
        const whole = framesTouching({ start: 0, lengthBytes: record.location.length });
        if (!doOverlap(runOfFrames(record.location, whole), live)) continue;
        isChanged = true;
        tx.delete(key);
      }
      return isChanged;
    },
  };
}

/** Two dead runs side by side, of one kind, that are to be one. */
export function joinsDeadRuns(first: PhysicalRun, second: PhysicalRun): Mend | undefined {
  if (first.offset + first.length !== second.offset) return undefined;
  return {
    doing: `joins the dead runs at ${first.offset} and ${second.offset}`,
    *run(tx) {
      const keys = [first, second].map(({ container, offset }) => deadRunKey(container, offset));
      const [one, other] = (yield* tx.getMany(keys)).map((stored) => stored && decodeDeadRun(stored));
      const [key, gone] = keys;
      if (!one || !other || !key || !gone || first.offset + one.length !== second.offset) return false;
      tx.put(key, encodeDeadRun({ ...one, length: one.length + other.length }));
      tx.delete(gone);
      return true;
    },
  };
}

/** Under the key that it says it is of. */
export function movesUpload(layer: LayerId, from: Uint8Array, upload: UploadRecord): Mend {
  return {
    doing: 'puts it where its key says',
    *run(tx) {
      const to = uploadKey(layer, upload.key, upload.upload);
      const stored = yield* tx.get(from);
      if (!stored || (yield* tx.get(to))) return false;
      tx.delete(from);
      tx.put(to, stored);
      return true;
    },
  };
}

/** Where no other volume has the name. */
export function namesVolume(volume: Volume): Mend {
  return {
    doing: `has the name ${volume.name} lead to it`,
    makes: [SPACE.volumeName],
    *run(tx) {
      const key = volumeNameKey(volume.name);
      if (yield* tx.get(key)) return false;
      tx.put(key, encodeNumber(volume.id));
      return true;
    },
  };
}
