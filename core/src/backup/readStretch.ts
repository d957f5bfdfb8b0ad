/** A stretch of a container's copy, all of it that can be read, compared with what the manifest says of it. */

import { Buffer } from 'node:buffer';
import { type DiskFile, PastUnreadable } from '@facet/extents';
import { ended } from './ended.ts';
import { RunningCrc } from './runningCrc.ts';

/** Read at a time, at most. */
export const CHUNK_BYTES = 256 << 10;

/** A stretch of a container's copy that is not what was copied. */
export interface DamagedCopy {
  /** In the directory of backups. */
  readonly path: string;
  readonly offset: number;
  readonly length: number;
  readonly reason: string;
}

export interface StretchParts {
  readonly source: DiskFile;
  readonly run: { readonly offset: number; readonly length: number };
  readonly crc: number;
  readonly signal?: AbortSignal | undefined;
  /** Given what was read of it, piece by piece in order; changed by the next. */
  readonly onChunk: (at: number, chunk: Buffer) => Promise<void>;
}

/** @returns what is wrong with it. @throws FsError Closed (ended), and what `onChunk` throws */
export async function readStretch(parts: StretchParts): Promise<string | undefined> {
  const { source, run, signal, onChunk } = parts;
  const crc = new RunningCrc(run.offset);
  const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, run.length));
  const end = run.offset + run.length;
  let [unreadBytes, firstUnread] = [0, 0];
  const past = new PastUnreadable(source, ({ offset, length }) => {
    if (unreadBytes === 0) firstUnread = offset;
    unreadBytes += length;
  });
  for (let at = run.offset; at < end; ) {
    if (signal?.aborted) throw ended();
    const wanted = buffer.subarray(0, Math.min(buffer.length, end - at));
    const count = await past.read({ position: at, buffer: wanted }).catch(() => -1);
    if (count < 0) return `it can not be read at ${at}`;
    if (count === 0) return `the file ends at ${at}, too early`;
    const chunk = wanted.subarray(0, count);
    crc.take(at, chunk);
    await onChunk(at, chunk);
    at += count;
  }
  if (unreadBytes > 0) return `${unreadBytes} bytes of it can not be read, the first at ${firstUnread}`;
  return crc.value === parts.crc ? undefined : 'it does not match its checksum';
}
