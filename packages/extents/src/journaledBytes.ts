/**
 * Bytes of containers in the journal: small appends are durable there before they are in their segment.
 *
 * Payloads, big-endian. Bytes: container (8), offset (8), the bytes. Punch: container (8), offset (8), length (8).
 *
 * Replaying never harms what came later. A container's id is never used twice, and no place in one is written twice
 * with anything but the same bytes; so what a record brings back is what was there, or was punched since, which is
 * a later record, or went with its container, which is then not there. What was cut off a container that was given up
 * lies behind all that was acknowledged, and no record holds any of it.
 */

import { type Journal, RECORD, type ReadRecord } from '@facet/journal';
import { type ContainerFiles, nameless } from './containerFiles.ts';
import { type ContainerId, containerId, type PhysicalRun } from './contract.ts';
import type { Disk, DiskFile } from './disk.ts';

export type ByteJournal = Pick<Journal, 'add' | 'attach' | 'usedBytes'>;

const PLACE_BYTES = 16;

export function addBytes(
  journal: ByteJournal,
  place: { readonly container: ContainerId; readonly offset: number },
  bytes: Uint8Array,
): void {
  journal.add({ kind: RECORD.bytes, payload: [encodeNumbers(place.container, place.offset), bytes] });
}

export function addPunch(journal: ByteJournal, { container, offset, length }: PhysicalRun): void {
  journal.add({ kind: RECORD.punch, payload: [encodeNumbers(container, offset, length)] });
}

function encodeNumbers(...numbers: readonly number[]): Buffer {
  const buffer = Buffer.allocUnsafe(numbers.length * 8);
  for (const [index, number] of numbers.entries()) buffer.writeBigUInt64BE(BigInt(number), index * 8);
  return buffer;
}

/** A journal of punches may name as many containers as there are: more at once than a process may have open. */
const OPEN_FILES_MAX = 64;

/** Brings back what the journal holds of a store that is not open yet. */
export class ByteReplay {
  readonly #files: ContainerFiles;
  /** Undefined: there is no such container any more. */
  readonly #open = new Map<ContainerId, DiskFile | undefined>();

  constructor(disk: Disk) {
    this.#files = nameless(disk);
  }

  /** To be called with each record that holds bytes or a punch, in order. */
  async replay({ kind, payload }: ReadRecord): Promise<void> {
    const container = containerId(Number(payload.readBigUInt64BE()));
    const offset = Number(payload.readBigUInt64BE(8));
    if (!this.#open.has(container) && this.#open.size >= OPEN_FILES_MAX) await this.settle();
    if (!this.#open.has(container)) this.#open.set(container, await this.#files.open(container, 'segment'));
    const file = this.#open.get(container);
    if (kind === RECORD.bytes)
      await file?.write({ position: offset, buffers: [payload.subarray(PLACE_BYTES)] });
    else await file?.punch({ offset, length: Number(payload.readBigUInt64BE(PLACE_BYTES)) });
  }

  /** Resolves when all of it is on stable storage where it belongs. */
  async settle(): Promise<void> {
    for (const [container, file] of this.#open) {
      this.#open.delete(container);
      await file?.sync();
      await file?.close();
    }
  }
}
