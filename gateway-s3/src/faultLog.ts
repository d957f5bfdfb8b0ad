/** What the log is told of a fault of ours. */
import { FsError, SeldomTold } from '@facet/core';
import type { Logger } from './log.ts';
import type { namesOf } from './requestRecord.ts';

interface Fault {
  readonly error: unknown;
  /** What tells the request. */
  readonly names: ReturnType<typeof namesOf> & { readonly requestId: string };
  readonly happened: string;
}

/** A client that tries again and again is answered each time, and fills no disk with lines. */
const DAMAGE_TOLD_EVERY_MS = 10 * 60_000;
const PLACES_MAX = 1_000;

/**
 * A bug comes with its stack, each time. Damaged bytes are no bug: one line says where they are and what to do, for each
 * place and object once in a while.
 */
export function createFaultLog({
  log,
  now,
}: {
  readonly log: Logger;
  readonly now: () => number;
}): (fault: Fault) => void {
  const damages = new SeldomTold({ everyMs: DAMAGE_TOLD_EVERY_MS, thingsMax: PLACES_MAX, now });
  return ({ error, names, happened }) => {
    if (!(error instanceof FsError && error.code === 'Corrupt')) {
      log.error({ err: error, ...names }, happened);
      return;
    }
    const damage = error.message;
    const told = damages.happened(JSON.stringify([damage, names.bucket, names.key]));
    if (!told) return;
    const what = error.isOfMetadata ? METADATA_DAMAGED : DAMAGED;
    log.error({ ...names, damage, ...(told.leftOut > 0 && told) }, what);
  };
}

const DAMAGED =
  "an object's stored bytes are damaged: put it again from a copy of yours, or delete it; 'facet fsck --full' finds all damage";

// What the record is of can often not be replaced or deleted by a client, whose request has to read the record first.
const METADATA_DAMAGED =
  "a record of the metadata is damaged: put again what can not be read, or delete it; where that fails too, stop the server: 'facet fsck' names what it is of, 'facet fsck --repair' makes anew what all else proves, docs/repair.md says what to do about the rest";
