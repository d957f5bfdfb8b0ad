/**
 * Copies what is new of a container: its frames, each checked on the way. Nothing that was copied before is looked at
 * again: what is once written to a place of a container stays, until nobody refers to it.
 */

import { Buffer } from 'node:buffer';
import {
  type ContainerId,
  type ContainerInfo,
  type Disk,
  type DiskFile,
  ExtentError,
  type ExtentStore,
  type PhysicalRun,
  shardOf,
} from '@facet/extents';
import { FsError } from '../errors.ts';
import type { Pace } from '../scrub/pace.ts';
import { doOverlap } from '../space/frames.ts';
import { BEGIN_ANEW, damagedFile } from './checkedFile.ts';
import { ended } from './ended.ts';
import { type CopiedContainer, endOfCopy, STRETCHES_MAX, type SuspiciousRun } from './manifest.ts';
import { CONTAINERS, containerPath } from './repository.ts';
import { RunningCrc } from './runningCrc.ts';

const GATHERED_BYTES = 1 << 20;

export interface CopyParts {
  readonly extents: Pick<ExtentStore, 'scan' | 'status'>;
  /** Whether any process may still write to it. What is closed stays so. */
  readonly isOpen: (container: ContainerId) => Promise<boolean>;
  readonly disk: Disk;
  readonly pace: Pace;
  readonly signal?: AbortSignal;
  /** Whether nobody refers to any of it, and nobody will. */
  readonly isDead: (run: PhysicalRun) => Promise<boolean>;
  readonly onBytes: (bytes: number) => void;
  readonly onSuspicious: (run: SuspiciousRun) => void;
  /** What backups before the last one have of a container. */
  readonly earlierCopy: (container: ContainerId) => Promise<CopiedContainer | undefined>;
}

export interface Wanted {
  readonly container: ContainerId;
  /** Up to where anything refers to it, at least. */
  readonly neededEnd: number;
  /** What the backup before has of it. */
  readonly before: CopiedContainer | undefined;
}

/** @returns undefined when there is nothing of it. @throws FsError, ExtentError; errors of the target */
export async function copyContainer(parts: CopyParts, wanted: Wanted): Promise<CopiedContainer | undefined> {
  const { container, neededEnd } = wanted;
  if (wanted.before?.sealed) {
    await mustHaveCopy(parts.disk, wanted.before);
    return wanted.before;
  }
  // Asked first: what is sealed stays so, and has its length.
  const sealed = !(await parts.isOpen(container));
  const info = await parts.extents.status(container);
  const before = wanted.before ?? (info && (await earlierCopy(parts, info)));
  if (before) await mustHaveCopy(parts.disk, before);
  const start = endOfCopy(before ?? { stretches: [] });
  if (!info) {
    if (start < neededEnd) {
      const run = { container, offset: start, length: neededEnd - start };
      parts.onSuspicious({ ...run, reason: 'the file is missing' });
    }
    // What backups have of it is all that there is.
    return before;
  }
  const target = await openTarget(parts.disk, info, start);
  try {
    const { end, crc, frameBytes, failure } = await copyFrames(parts, {
      container,
      start,
      // Of one that is written to by another process, what lies behind may be half a batch.
      stop: sealed ? Number.POSITIVE_INFINITY : neededEnd,
      target,
    });
    const rest = { container, offset: end, length: neededEnd - end };
    // Of an extent that was cut short the end may have been given back.
    if (end < neededEnd && !(await parts.isDead(rest)))
      parts.onSuspicious({ ...rest, reason: failure ?? 'no frame is there' });
    if (end > start) await target.sync();
    const stretches = [...(before?.stretches ?? []), ...(end > start ? [{ end, crc }] : [])];
    if (stretches.length > STRETCHES_MAX)
      throw new FsError('Failed', 'too many backups of one directory while one segment was written to');
    const frameBytesBefore = before?.frameBytes ?? 0;
    const { kind, sizeBytes } = info;
    const isWhole = sealed && failure === undefined;
    return {
      container,
      kind,
      sealed: isWhole,
      sizeBytes,
      frameBytes: frameBytesBefore + frameBytes,
      stretches,
    };
  } finally {
    await target.close();
  }
}

/** Of what lies there and the backup before does not name: else it is what one that was cut short left. */
async function earlierCopy(parts: CopyParts, info: ContainerInfo): Promise<CopiedContainer | undefined> {
  const isThere = (await parts.disk.status(containerPath(info))) !== undefined;
  return isThere ? parts.earlierCopy(info.container) : undefined;
}

/** @throws FsError Corrupt */
async function mustHaveCopy(disk: Disk, copied: CopiedContainer): Promise<void> {
  const path = containerPath(copied);
  const status = await disk.status(path);
  const end = endOfCopy(copied);
  if (status && status.sizeBytes >= end) return;
  const what = status ? `it ends at ${status.sizeBytes}, before ${end}` : 'it is not there, or is no file';
  throw damagedFile(path, `${what}. ${BEGIN_ANEW}`);
}

/** What one that was cut short left behind `start` goes. */
async function openTarget(disk: Disk, info: ContainerInfo, start: number): Promise<DiskFile> {
  const path = containerPath(info);
  await disk.makeDirectory(`${CONTAINERS}/${shardOf(info.container)}`);
  if ((await disk.status(path)) === undefined) return disk.create(path, 'buffered');
  const target = await disk.open(path, 'buffered');
  try {
    await target.truncate(start);
  } catch (error) {
    await target.close().catch(() => undefined);
    throw error;
  }
  return target;
}

async function copyFrames(
  { extents, pace, signal, isDead, onBytes, onSuspicious }: CopyParts,
  {
    container,
    start,
    stop,
    target,
  }: {
    readonly container: ContainerId;
    readonly start: number;
    readonly stop: number;
    readonly target: DiskFile;
  },
): Promise<{
  readonly end: number;
  readonly crc: number;
  readonly frameBytes: number;
  /** Why the rest can not be read. */
  readonly failure?: string;
}> {
  const crc = new RunningCrc(start);
  const gathered = new Gathered(target);
  let failure: string | undefined;
  let frame: Uint8Array = Buffer.alloc(0);
  let frameBytes = 0;
  const unreadable: PhysicalRun[] = [];
  let damage: PhysicalRun[] = [];
  /** @returns false where it was given back, but for its ends: of that there is much, and it is no damage. */
  const suspect = async (run: PhysicalRun, why: string): Promise<boolean> => {
    if (await isDead(run)) return false;
    const isUnreadable = unreadable.some((one) => doOverlap(one, run));
    onSuspicious({ ...run, reason: isUnreadable ? 'it can not be read' : why });
    return true;
  };
  const lookAtDamage = async (): Promise<void> => {
    for (const run of damage) if (run.offset < stop) await suspect(run, 'no frame is there');
    damage = [];
  };
  const scan = extents.scan(container, {
    from: start,
    onBytes: (bytes) => {
      frame = bytes;
    },
    onDamage: (run) => damage.push(run),
    onUnreadable: (run) => unreadable.push(run),
  });
  try {
    for await (const { offset, physicalLength: length, intact } of scan) {
      if (signal?.aborted) throw ended();
      if (offset >= stop) break;
      await lookAtDamage();
      const run = { container, offset, length };
      if (!intact && !(await suspect(run, 'it does not match its checksum'))) continue;
      // Also one that is damaged: what of it is not can still be read.
      crc.take(offset, frame);
      await gathered.take(offset, frame);
      frameBytes += frame.length;
      onBytes(frame.length);
      await pace.take(frame.length, signal);
    }
  } catch (error) {
    if (!(error instanceof ExtentError) || error.code === 'Closed') throw error;
    failure = error.message;
  }
  await lookAtDamage();
  await gathered.flush();
  // The device may give no more at all, and is to be asked again by the next backup.
  const behind = unreadable.find(({ offset, length }) => offset + length > crc.end);
  if (behind) failure ??= `it can not be read at ${behind.offset}`;
  return { end: crc.end, crc: crc.value, frameBytes, ...(failure !== undefined && { failure }) };
}

/** Neighbours that are written together. */
class Gathered {
  readonly #file: DiskFile;
  readonly #buffer = Buffer.allocUnsafe(2 * GATHERED_BYTES);
  #start = 0;
  #length = 0;

  constructor(file: DiskFile) {
    this.#file = file;
  }

  async take(position: number, bytes: Uint8Array): Promise<void> {
    const isNext = position === this.#start + this.#length;
    if (!isNext || this.#length + bytes.length > this.#buffer.length) await this.flush();
    if (this.#length === 0) this.#start = position;
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  async flush(): Promise<void> {
    if (this.#length === 0) return;
    await this.#file.write({ position: this.#start, buffers: [this.#buffer.subarray(0, this.#length)] });
    this.#length = 0;
  }
}
