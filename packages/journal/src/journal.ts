/**
 * The journal: what makes small changes durable in one sync.
 *
 * Whoever changes something adds a record of it; whoever acknowledges something commits one. A commit is durable
 * with everything added before it. Two files take turns. From time to time the owner of the state *rotates*: records
 * go to the other file from then on, while what the records of this one changed is synced where it lies. Then a
 * new *base* is complete, and this file is free. After a crash the state of the newest complete base is brought
 * back, and the records since are applied to it, in order, from one file or both.
 *
 * Two journals may look alike: of copies of one store that go different ways, or of two stores of one age. So whoever has
 * the state keeps with it which *epochs* its journal's files are of, and takes no other's records.
 */

import { randomBytes } from 'node:crypto';
import type { JournalDisk } from './disk.ts';
import { GroupWriter, type JournalWrite } from './groupWriter.ts';
import { encodeFileHeader, type FileHeader } from './header.ts';
import { BLOCK_BYTES, EPOCH_NAME_BYTES, type JournalRecord, RECORD } from './record.ts';
import type { ReadRecord } from './recordReader.ts';
import type { RoomyFile } from './roomyFile.ts';
import { storedRecords, withoutVoided } from './storedRecords.ts';
import {
  type Base,
  FILE_NAMES,
  type Files,
  type FoundFiles,
  openFiles,
  otherThan,
  roomyFileOf,
} from './twoFiles.ts';

const NO_EPOCH = Buffer.alloc(EPOCH_NAME_BYTES);

export interface JournalOptions {
  readonly disk: JournalDisk;
  /** Names epochs: nobody may guess one before it is over. The system's unless told. */
  readonly randomBytes?: (count: number) => Uint8Array;
  /** Told of each write that was made, and is durable. */
  readonly onWritten?: (written: JournalWrite) => void;
}

interface Epoch {
  readonly file: 0 | 1;
  readonly name: Uint8Array;
  readonly firstSequence: number;
}

export class Journal {
  readonly #disk: JournalDisk;
  readonly #randomBytes: (count: number) => Uint8Array;
  readonly #groups: GroupWriter;
  readonly #files: Files;
  /** The newest base that is complete, and where the records since begin. */
  #base: Base | undefined;
  /** Of the other file: the base before. */
  #otherHeader: FileHeader | undefined;
  /** Whether the state is known to have {@link epochs}. */
  #isNamed: boolean;
  /** What is appended to; none before the first {@link begin}. */
  #epoch: Epoch | undefined;
  #settles = new Set<() => Promise<void>>();

  private constructor(options: JournalOptions, { files, base, otherHeader, isNamed }: FoundFiles) {
    this.#disk = options.disk;
    this.#randomBytes = options.randomBytes ?? randomBytes;
    this.#files = files;
    this.#base = base;
    this.#otherHeader = otherHeader;
    this.#isNamed = isNamed;
    this.#groups = new GroupWriter({
      sequence: base?.header.firstSequence ?? 1,
      memory: (bytes) => options.disk.memory(bytes),
      onWritten: options.onWritten,
    });
  }

  /**
   * Looks at what is there, in a folder that is. Nothing is written before {@link begin}.
   * @throws JournalDamaged
   */
  static async open(options: JournalOptions): Promise<Journal> {
    return new Journal(options, await openFiles(options.disk));
  }

  /** Whether there is one, suspended or not. */
  get hasBegun(): boolean {
    return this.#base !== undefined;
  }

  /** What {@link complete} was given last; undefined when there is no journal yet, or it was {@link suspend}ed. */
  get base(): Uint8Array | undefined {
    const base = this.#base?.header.base;
    return base?.length === 0 ? undefined : base;
  }

  /**
   * Names of epochs, of eight bytes each, zeros for none: that of the base before, which is in the other file, that of the
   * base, and, until it is complete, that of the next one. They are drawn at random, so that no other journal has them.
   * Whoever has the state keeps them with it, durably, before {@link complete}; after a crash two that stand side by
   * side are the files'.
   */
  get epochs(): readonly Uint8Array[] {
    const [before, base] = [this.#otherHeader?.epoch ?? NO_EPOCH, this.#base?.header.epoch ?? NO_EPOCH];
    const next = this.#epoch?.name ?? base;
    return next === base ? [before, base] : [before, base, next];
  }

  /** Whether the state it belongs to has its {@link epochs}: only with a journal of an older version it has not. */
  get isNamed(): boolean {
    return this.#isNamed;
  }

  /**
   * Says, durably and at once, that the state is whole by itself and may be put elsewhere: there is no base until the
   * next {@link begin}. For a state whose owner closed it.
   * @param keep keeps {@link epochs} with the state, durably, wherever it may be found then
   * @throws Error where there is something to replay; JournalDamaged
   */
  async suspend(keep: (epochs: readonly Uint8Array[]) => Promise<void>): Promise<void> {
    for await (const { sequence } of this.replay())
      throw new Error(`record ${sequence} of the journal is to be replayed first`);
    const isSuspended = this.base === undefined;
    if (!isSuspended) await this.begin();
    await keep(this.epochs);
    if (!isSuspended) await this.complete(new Uint8Array());
  }

  /**
   * The records since the base, in order, but for batches that came to nothing.
   * @throws JournalDamaged when some must be missing
   */
  async *replay(): AsyncGenerator<ReadRecord, void, void> {
    yield* withoutVoided(this.#stored());
  }

  async *#stored(): AsyncGenerator<ReadRecord, void, void> {
    for await (const record of storedRecords(this.#files, this.#base)) {
      this.#groups.sequence = record.sequence + 1;
      yield record;
    }
  }

  /**
   * Begins anew, with everything replayed, in the file that holds nothing any more. The state of this moment is to be made
   * durable, and {@link complete} called, before a record is added.
   */
  async begin(): Promise<void> {
    const file = this.#base === undefined ? 0 : otherThan(this.#base.file);
    // Both, so that none has to be made on a full disk.
    for (const at of [0, 1] as const) {
      const made = this.#files[at] ?? (await this.#make(at));
      this.#files[at] = made;
      // Whoever made it may have come no further.
      await made.reach(BLOCK_BYTES);
      await made.noteRoom();
    }
    await this.#disk.syncDirectory('');
    await this.#begin(file, this.#randomBytes(EPOCH_NAME_BYTES));
  }

  /**
   * Records go to the other file from now on: they are changes to the state of this moment. To be called while no
   * commit is under way; then that state is to be made durable, and {@link complete} called.
   */
  async rotate(): Promise<void> {
    this.#mustWork();
    if (this.#base === undefined || this.#epoch?.file !== this.#base.file)
      throw new Error('the base before is not complete yet');
    await this.#begin(otherThan(this.#base.file), this.#base.header.nextEpoch);
  }

  /** Everything before the last {@link begin} or {@link rotate} is on stable storage by itself, with {@link epochs}. */
  async complete(base: Uint8Array): Promise<void> {
    if (this.#epoch === undefined) throw new Error('the journal has not begun');
    const header = {
      generation: (this.#base?.header.generation ?? 0) + 1,
      epoch: this.#epoch.name,
      nextEpoch: this.#randomBytes(EPOCH_NAME_BYTES),
      firstSequence: this.#epoch.firstSequence,
      base,
    };
    const { file } = this.#epoch;
    await this.#files[file]?.writeHeader(encodeFileHeader(header));
    this.#otherHeader = this.#base?.header;
    this.#base = { file, header };
    this.#isNamed = true;
  }

  /** Bytes that the file in use holds by now, those included that wait to be written. */
  get usedBytes(): number {
    return this.#groups.usedBytes;
  }

  /** Of {@link usedBytes} those that nobody has written yet. */
  get addedBytes(): number {
    return this.#groups.addedBytes;
  }

  /** Adds a record. It is durable with the next commit. */
  add(record: JournalRecord): void {
    this.#mustWork();
    this.#groups.append(record);
  }

  /**
   * Adds a record and resolves to its sequence when it is durable, and with it all that was added before.
   * @throws ENOSPC or EDQUOT when there is no room: then this one was not added. Any other error is the end: what was
   * added may be lost, and whoever relies on it must not go on.
   */
  commit(record: JournalRecord): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#mustWork();
      this.#groups.append(record, { resolve, reject });
    });
  }

  /** Says that a batch that is durable came to nothing; there is room for that. */
  async makeVoid(sequence: number): Promise<void> {
    const payload = Buffer.alloc(8);
    payload.writeBigUInt64BE(BigInt(sequence));
    await this.commit({ kind: RECORD.void, payload: [payload] });
  }

  /** Why nothing can be added any more. */
  get failure(): unknown {
    return this.#groups.failure;
  }

  /**
   * Has `settle` called whenever all that was added is to be made durable where it belongs.
   * @returns ends that
   */
  attach(settle: () => Promise<void>): () => void {
    this.#settles.add(settle);
    return () => this.#settles.delete(settle);
  }

  /** Resolves when all who attached themselves have settled. */
  async settleOthers(): Promise<void> {
    await Promise.all(Array.from(this.#settles, (settle) => settle()));
  }

  /** Writes nothing: what was added and not committed is lost, which a crash might have done as well. */
  async close(): Promise<void> {
    await this.#groups.close();
    for (const file of this.#files) await file?.close();
  }

  #mustWork(): void {
    this.#groups.mustNotHaveFailed();
    const name = this.#epoch?.name;
    const header = this.#base?.header;
    // No other is read after a crash.
    if (name === undefined || (name !== header?.epoch && name !== header?.nextEpoch))
      throw new Error('the journal has not begun');
  }

  async #begin(file: 0 | 1, name: Uint8Array): Promise<void> {
    while (this.#groups.running !== undefined) await this.#groups.running;
    this.#groups.mustNotHaveFailed();
    const into = this.#files[file];
    if (into === undefined) throw new Error(`${FILE_NAMES[file]} has not been made`);
    this.#epoch = { file, name, firstSequence: this.#groups.sequence };
    this.#groups.turnTo({ file: into, epoch: name });
  }

  async #make(file: 0 | 1): Promise<RoomyFile> {
    const name = FILE_NAMES[file];
    return roomyFileOf(this.#disk, name, await this.#disk.create(name, 'durable direct'));
  }
}
