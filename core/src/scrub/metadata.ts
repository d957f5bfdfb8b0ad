/** The part of a scrub that reads the metadata: every record is compared with its checksum as it is read. */

import type { Bytes } from '@facet/engine';
import type { Commands } from '../commands/command.ts';
import { readingPastDamage } from '../fsck/damagedRecords.ts';
import { MetadataReader } from '../fsck/store.ts';
import { kindOfKey } from '../meta/keys.ts';
import type { Pace } from './pace.ts';

/** More is damage that a list does not help with. */
const LISTED_MAX = 1_000;

export interface DamagedMetadata {
  /** Hexadecimal. */
  readonly key: string;
  /** What the key says it is of: `dentry`. */
  readonly kind: string;
}

export const damagedMetadata = (key: Bytes): DamagedMetadata => ({
  key: Buffer.from(key).toString('hex'),
  kind: kindOfKey(key),
});

export interface ScrubbedMetadata {
  readonly records: number;
  /** The first thousand. */
  readonly damagedRecords: readonly DamagedMetadata[];
  readonly damagedRecordCount: number;
}

export interface MetadataScrubParts {
  readonly commands: Pick<Commands, 'read'>;
  readonly pace: Pick<Pace, 'take'>;
  /** Ends it early, with what it has found. */
  readonly signal?: AbortSignal;
}

const EVERYTHING = { start: Buffer.of(0), end: Buffer.of(0xff) };

/** @throws FsError Failed | Closed | Corrupt (LMDB's own pages) */
export async function scrubMetadata({
  commands,
  pace,
  signal,
}: MetadataScrubParts): Promise<ScrubbedMetadata> {
  const damaged = new Map<string, DamagedMetadata>();
  let damagedRecordCount = 0;
  const onDamaged = (key: Bytes): void => {
    damagedRecordCount += 1;
    const one = damagedMetadata(key);
    if (damaged.size < LISTED_MAX) damaged.set(one.key, one);
  };
  const store = new MetadataReader(
    readingPastDamage({ read: (op) => commands.read('scrub', op) }, onDamaged),
  );
  let records = 0;
  for await (const page of store.pages(EVERYTHING)) {
    if (signal?.aborted) break;
    records += page.length;
    await pace.take(
      page.reduce((sum, { key, value }) => sum + key.length + value.length, 0),
      signal,
    );
  }
  return { records, damagedRecords: [...damaged.values()], damagedRecordCount };
}
