/** Writes records in groups, each durable in one sync: what comes while one is written is the next. */

import { performance } from 'node:perf_hooks';
import type { JournalDisk } from './disk.ts';
import {
  BLOCK_BYTES,
  encodeRecordHeader,
  type JournalRecord,
  PAYLOAD_BYTES_MAX,
  RECORD,
  type RecordPlace,
  recordBytes,
} from './record.ts';
import { isOutOfRoom, type RoomyFile } from './roomyFile.ts';

/** Kept back from commits, so that one can be made void on a disk without room. */
const VOID_BYTES = 2 * BLOCK_BYTES;
/** What was added and is waited for by nobody is written when it is as much as this. */
const ADDED_BYTES_MAX = 4 << 20;
/** Records are joined for one call: more of them at once are written no quicker. */
const JOINED_BYTES_MAX = 1 << 20;

export interface JournalWrite {
  readonly records: number;
  /** Whole blocks. */
  readonly bytes: number;
  readonly durationMs: number;
}

/** Who relies on a record, and is told its sequence when it is durable. */
interface Waiter {
  readonly resolve: (sequence: number) => void;
  readonly reject: (error: unknown) => void;
}

interface Pending {
  readonly record: JournalRecord;
  readonly waiter: Waiter | undefined;
}

/** What is written to. */
interface GroupTarget {
  readonly file: RoomyFile;
  /** Name of its epoch. */
  readonly epoch: Uint8Array;
}

export interface GroupWriterOptions {
  /** See {@link GroupWriter.sequence}. */
  readonly sequence: number;
  /** Of the disk that is written to. */
  readonly memory: JournalDisk['memory'];
  readonly onWritten: ((written: JournalWrite) => void) | undefined;
}

export class GroupWriter {
  readonly #onWritten: ((written: JournalWrite) => void) | undefined;
  /** What is written, one write at a time. */
  readonly #joined: Buffer;
  #target: GroupTarget | undefined;
  /** Of the next record to be written. Whoever finds some that are written already says so. */
  sequence: number;
  #position = BLOCK_BYTES;
  #pending: Pending[] = [];
  #addedBytes = 0;
  #running: Promise<void> | undefined;
  #failure: unknown;

  constructor({ sequence, memory, onWritten }: GroupWriterOptions) {
    this.sequence = sequence;
    this.#joined = memory(JOINED_BYTES_MAX);
    this.#onWritten = onWritten;
  }

  /** Resolves when what is under way now is over; undefined when nothing is. */
  get running(): Promise<void> | undefined {
    return this.#running;
  }

  /** Why nothing is written any more. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Bytes up to where the next group begins, and those that wait. */
  get usedBytes(): number {
    return this.#position + this.#addedBytes;
  }

  /** Bytes that wait. */
  get addedBytes(): number {
    return this.#addedBytes;
  }

  /** @throws what {@link failure} is */
  mustNotHaveFailed(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** What waits, and what is appended from now on, goes there, behind the first block. Not while it is {@link running}. */
  turnTo(target: GroupTarget): void {
    this.#target = target;
    this.#position = BLOCK_BYTES;
  }

  /** Without a waiter it is written with the next record that has one, or when much has come together. */
  append(record: JournalRecord, waiter?: Waiter): void {
    const length = recordBytes(record);
    if (length > PAYLOAD_BYTES_MAX) throw new RangeError(`a record of ${length} bytes is too long`);
    this.#pending.push({ record, waiter });
    this.#addedBytes += length;
    if (waiter !== undefined || this.#addedBytes >= ADDED_BYTES_MAX) this.#running ??= this.#run();
  }

  /** What nobody waits for is not written any more. */
  async close(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
    this.#failure ??= new Error('the journal is closed');
  }

  async #run(): Promise<void> {
    // One write at a time: what comes meanwhile is the next group.
    let hasRoom = true;
    while (this.#failure === undefined && this.#mustWrite(hasRoom)) hasRoom = await this.#writeGroup();
    this.#running = undefined;
  }

  #mustWrite(hasRoom: boolean): boolean {
    // What nobody waits for may wait itself until there is room again.
    if (hasRoom && this.#addedBytes >= ADDED_BYTES_MAX) return true;
    return this.#pending.some(({ waiter }) => waiter !== undefined);
  }

  /** Resolves to whether there was room. */
  async #writeGroup(): Promise<boolean> {
    const group = this.#takeGroup();
    try {
      if (this.#target === undefined) throw new Error('the journal has not begun');
      const { file, epoch } = this.#target;
      if (!(await this.#haveRoom(file, group))) return false;
      const buffers = encodeGroup(group, { epoch, sequence: this.sequence });
      const from = this.#position;
      const began = performance.now();
      for (const buffer of inBlocks(buffers, this.#joined)) {
        await file.write(this.#position, buffer);
        this.#position += buffer.length;
      }
      const durationMs = performance.now() - began;
      this.#onWritten?.({ records: group.length, bytes: this.#position - from, durationMs });
      file.prepare(this.#position);
    } catch (error) {
      this.#failure = error;
      for (const { waiter } of [...group, ...this.#pending]) waiter?.reject(error);
      return false;
    }
    for (const { record, waiter } of group) {
      this.#addedBytes -= recordBytes(record);
      waiter?.resolve(this.sequence);
      this.sequence += 1;
    }
    return true;
  }

  /** All that is pending. But what makes a batch void goes alone: the room kept back for it is for no more. */
  #takeGroup(): Pending[] {
    const all = this.#pending;
    const first = all.some(isVoid) ? isVoid : () => true;
    this.#pending = all.filter((pending) => !first(pending));
    return all.filter(first);
  }

  /** Without room commits are refused, and what others have added waits for more: they rely on it. */
  async #haveRoom(file: RoomyFile, group: readonly Pending[]): Promise<boolean> {
    const makesVoid = group.some(isVoid);
    try {
      await file.reach(this.#position + blocks(bytesOf(group)) + (makesVoid ? 0 : VOID_BYTES));
      return true;
    } catch (error) {
      if (!isOutOfRoom(error) || makesVoid) throw error;
      const kept = group.filter(({ waiter }) => waiter === undefined);
      this.#pending = [...kept, ...this.#pending];
      for (const { record, waiter } of group) {
        if (waiter === undefined) continue;
        this.#addedBytes -= recordBytes(record);
        waiter.reject(error);
      }
      return false;
    }
  }
}

function* encodeGroup(group: readonly Pending[], first: RecordPlace): Generator<Uint8Array, void, void> {
  for (const [index, { record }] of group.entries()) {
    yield encodeRecordHeader(record, {
      epoch: first.epoch,
      sequence: first.sequence + index,
      groupSequence: first.sequence,
    });
    yield* record.payload;
  }
}

/** One after the other in `memory`, each time as much as it holds; whole blocks, of which none need be read first. */
function* inBlocks(buffers: Iterable<Uint8Array>, memory: Buffer): Generator<Buffer, void, void> {
  let filled = 0;
  for (let rest of buffers) {
    while (rest.length > memory.length - filled) {
      const fits = memory.length - filled;
      memory.set(rest.subarray(0, fits), filled);
      rest = rest.subarray(fits);
      yield memory;
      filled = 0;
    }
    memory.set(rest, filled);
    filled += rest.length;
  }
  const end = blocks(filled);
  if (end > 0) yield memory.fill(0, filled, end).subarray(0, end);
}

function bytesOf(group: readonly Pending[]): number {
  return group.reduce((sum, { record }) => sum + recordBytes(record), 0);
}

function isVoid({ record }: Pending): boolean {
  return record.kind === RECORD.void;
}

function blocks(length: number): number {
  return Math.ceil(length / BLOCK_BYTES) * BLOCK_BYTES;
}
