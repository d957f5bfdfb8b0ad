/**
 * A scrub reads all bytes that anything refers to and compares them with their checksums, while the store is in use:
 * bytes that nobody asks for go bad unseen, and a copy elsewhere may be there only until it does, too.
 *
 * It goes by the metadata, since what should be there and is not can be seen from nowhere else; in order of contents'
 * ids, which is nearly that of their places on disk. What is stored while it runs it may not see: that was checked when
 * it came. Of the metadata every record is compared with its checksum, too; whether they agree is for fsck.
 */

import { ExtentError, type ExtentStore, READ_BYTES_MAX } from '@facet/extents';
import { EXTENT_RECORDS, type ExtentPart, stillRefers } from '../contents/extentRecords.ts';
import { fromExtents } from '../contents/read.ts';
import { readingPastDamage } from '../fsck/damagedRecords.ts';
import { MetadataReader } from '../fsck/store.ts';
import { contentOfKey, spaceBounds } from '../meta/keys.ts';
import { type MetadataScrubParts, type ScrubbedMetadata, scrubMetadata } from './metadata.ts';

/** Of which the objects are looked for; more is damage that a list does not help with. */
const DAMAGES_MAX = 10_000;

export interface ScrubParts extends MetadataScrubParts {
  readonly extents: Pick<ExtentStore, 'read' | 'list' | 'status'>;
  readonly onProgress?: (progress: ScrubProgress) => void;
}

export interface ScrubProgress {
  /** Read so far. */
  readonly bytes: number;
  /** As far as can be told: what the containers took when it began, shared and dead bytes included. */
  readonly bytesExpected: number;
}

/** Bytes that are not as they were written, or not there. */
export interface DamagedBytes {
  /** The content that refers to them. */
  readonly content: number;
  readonly container: number;
  readonly offset: number;
  readonly reason: string;
}

export interface Scrubbed extends ScrubbedMetadata {
  readonly bytes: number;
  readonly extents: number;
  /** The first ten thousand. */
  readonly damaged: readonly DamagedBytes[];
  readonly damagedCount: number;
  /** False when it was ended early. */
  readonly complete: boolean;
}

/** @throws FsError Failed (the metadata can not be read) | Closed */
export async function scrub(parts: ScrubParts): Promise<Scrubbed> {
  const { signal } = parts;
  const damaged: DamagedBytes[] = [];
  let [bytes, extents, damagedCount] = [0, 0, 0];
  const metadata = await scrubMetadata(parts);
  const bytesExpected = await allocatedBytes(parts);
  for await (const { key, part } of partsOfExtents(parts)) {
    if (signal?.aborted) break;
    const reason = await readAll(parts, part);
    extents += 1;
    bytes += part.lengthBytes;
    parts.onProgress?.({ bytes, bytesExpected });
    if (reason === undefined) continue;
    const { location } = part;
    // What was deleted or written anew meanwhile is given back, and then reads as anything.
    if (!(await metadataFor(parts.commands).read((tx) => stillRefers(tx, key, location)))) continue;
    damagedCount += 1;
    const { container, offset } = location;
    if (damaged.length < DAMAGES_MAX) damaged.push({ content: contentOfKey(key), container, offset, reason });
  }
  return { ...metadata, bytes, extents, damaged, damagedCount, complete: signal?.aborted !== true };
}

async function allocatedBytes({ extents }: ScrubParts): Promise<number> {
  try {
    const containers = await extents.list();
    return containers.reduce((sum, container) => sum + container.allocatedBytes, 0);
  } catch (error) {
    throw fromExtents(error);
  }
}

async function* partsOfExtents({
  commands,
}: ScrubParts): AsyncGenerator<{ readonly key: Uint8Array; readonly part: ExtentPart }, void, void> {
  const store = metadataFor(commands);
  for (const { space, partOf } of EXTENT_RECORDS) {
    for await (const { key, value } of store.entries(spaceBounds(space))) {
      const part = partOf(value);
      if (part) yield { key, part };
    }
  }
}

/** The metadata as it is read from page to page, past what is damaged, with the core's errors. */
export function metadataFor(commands: ScrubParts['commands']): MetadataReader {
  return new MetadataReader(
    // Told of where all records are read.
    readingPastDamage({ read: (op) => commands.read('scrub', op) }, () => undefined),
  );
}

/** @returns what is wrong with it. @throws FsError Closed */
async function readAll(
  { extents, pace, signal }: ScrubParts,
  { location, start, lengthBytes }: ExtentPart,
): Promise<string | undefined> {
  const end = start + lengthBytes;
  for (let at = start; at < end && !signal?.aborted; at += READ_BYTES_MAX) {
    const length = Math.min(READ_BYTES_MAX, end - at);
    await pace.take(length, signal);
    try {
      await extents.read({ location, start: at, length });
    } catch (error) {
      if (error instanceof ExtentError && error.code !== 'Closed') return error.message;
      throw fromExtents(error);
    }
  }
  return undefined;
}
