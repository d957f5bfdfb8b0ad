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
import { isOutOfRoom } from './deviceError.ts';
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

interface Place {
  readonly container: ContainerId;
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** Brings back what the journal holds of a store that is not open yet. */
export class ByteReplay {
  readonly #files: ContainerFiles;
  /** Undefined: there is no such container any more. */
  readonly #open = new Map<ContainerId, DiskFile | undefined>();
  /**
   * Bytes for which there was no room. Where the process was killed all lie there already, but for those that were
   * punched since: their room may be somebody else's by now, and a later record takes them away again.
   */
  #late: readonly Place[] = [];

  constructor(disk: Disk) {
    this.#files = nameless(disk);
  }

  /** To be called with each record that holds bytes or a punch, in order. */
  async replay({ kind, payload }: ReadRecord): Promise<void> {
    const container = containerId(Number(payload.readBigUInt64BE()));
    const offset = Number(payload.readBigUInt64BE(8));
    if (kind !== RECORD.bytes) {
      const run = { container, offset, length: Number(payload.readBigUInt64BE(PLACE_BYTES)) };
      this.#late = this.#late.flatMap((place) => outside(run, place));
      await (await this.#fileOf(container))?.punch(run);
      return;
    }
    const place = { container, offset, bytes: payload.subarray(PLACE_BYTES) };
    await this.#write(place).catch((error: unknown) => {
      if (!isOutOfRoom(error)) throw error;
      this.#late = [...this.#late, place];
    });
  }

  /**
   * Resolves when all of it is on stable storage where it belongs.
   * @throws ENOSPC and other errors of the disk
   */
  async settle(): Promise<void> {
    for (const place of this.#late) await this.#write(place);
    this.#late = [];
    await this.#sync();
  }

  async #write({ container, offset, bytes }: Place): Promise<void> {
    await (await this.#fileOf(container))?.write({ position: offset, buffers: [bytes] });
  }

  async #fileOf(container: ContainerId): Promise<DiskFile | undefined> {
    if (!this.#open.has(container)) {
      if (this.#open.size >= OPEN_FILES_MAX) await this.#sync();
      this.#open.set(container, await this.#files.open(container, 'segment'));
    }
    return this.#open.get(container);
  }

  /** Lets go of the files of a replay that did not come to its end. */
  async abandon(): Promise<void> {
    for (const file of this.#open.values()) await file?.close().catch(() => undefined);
    this.#open.clear();
  }

  async #sync(): Promise<void> {
    for (const [container, file] of this.#open) {
      this.#open.delete(container);
      await file?.sync();
      await file?.close();
    }
  }
}

/** What of a place a run leaves. */
function outside(run: PhysicalRun, place: Place): readonly Place[] {
  const { container, offset, bytes } = place;
  const before = run.offset - offset;
  const after = run.offset + run.length - offset;
  if (run.container !== container || before >= bytes.length || after <= 0) return [place];
  const left: Place[] = [];
  if (before > 0) left.push({ container, offset, bytes: bytes.subarray(0, before) });
  if (after < bytes.length) left.push({ container, offset: offset + after, bytes: bytes.subarray(after) });
  return left;
}
