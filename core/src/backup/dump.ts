/**
 * A copy of all metadata as it is at one moment, taken while it changes, without a snapshot that would have to be held.
 *
 * All keys are walked through, a page a read; what is committed meanwhile is written down behind the pages. The walk's
 * pages are of different moments, but whatever changed since a page was read comes after it. The moment at which the
 * writing down ends, a commit of the backup's own, is the one that all of it then gives. Records that are damaged are passed
 * over, and told of.
 */

import { type Bytes, KEY_BYTES_MAX, type OwnWrite, type WatchedEngine } from '@facet/engine';
import type { CommandRunner } from '../commands/command.ts';
import { FsError } from '../errors.ts';
import { assert } from '../invariant.ts';
import { backupKey, successor } from '../meta/keys.ts';
import type { Pace } from '../scrub/pace.ts';
import type { ChangeWriter } from './changes.ts';
import { ended } from './ended.ts';
import { LostRecords } from './lostRecords.ts';
import { markBackup } from './mark.ts';

const ENTRIES_PER_PAGE = 500;
/** Of changes that are not written yet. A target so slow keeps nobody waiting: it gets no backup. */
const WAITING_BYTES_MAX = 64 << 20;
const AFTER_ALL_KEYS = Buffer.alloc(KEY_BYTES_MAX + 1, 0xff);

export interface DumpParts {
  readonly engine: Pick<WatchedEngine, 'watch' | 'unwatch'>;
  readonly commands: Pick<CommandRunner, 'run' | 'read'>;
  readonly writer: ChangeWriter;
  /** Told of every change that is written. */
  readonly note: (change: OwnWrite) => void;
  readonly mark: Parameters<typeof markBackup.run>[1];
  readonly pace: Pace;
  readonly signal?: AbortSignal;
  /** Told of bytes read. */
  readonly onBytes: (bytes: number) => void;
}

/** @returns what is damaged. @throws FsError Failed | Closed (it was ended) | NoSpace | Corrupt; errors of the target */
export async function dumpMetadata(parts: DumpParts): Promise<LostRecords> {
  const { engine, commands, writer, mark } = parts;
  const lost = new LostRecords();
  const passing = new PassingChanges(parts, lost);
  await engine.watch((writes) => passing.take(writes));
  try {
    await walk(parts, passing, lost);
    await commands.run(markBackup, mark);
    passing.check();
    assert(passing.isOver, 'the backup was not told of its own mark: the store is written to past its watch');
  } finally {
    engine.unwatch();
  }
  lost.check();
  for (const change of lost.changes()) writer.add(change);
  await writer.flush({ last: true });
  return lost;
}

async function walk(
  { commands, writer, note, pace, signal, onBytes }: DumpParts,
  passing: PassingChanges,
  lost: LostRecords,
): Promise<void> {
  let start: Uint8Array = Buffer.of(0);
  for (;;) {
    if (signal?.aborted) throw ended();
    const onDamaged = (key: Bytes): void => lost.met(key);
    const range = { start, end: AFTER_ALL_KEYS, limit: ENTRIES_PER_PAGE, onDamaged };
    // What is committed after the page was read, and told before it is here, has to come after it.
    passing.hold();
    const page = await commands.read('backup', (tx) => tx.range(range));
    let bytes = 0;
    for (const entry of page) {
      writer.add(entry);
      note(entry);
      lost.read(entry);
      bytes += entry.key.length + entry.value.length;
    }
    passing.release();
    passing.check();
    onBytes(bytes);
    await pace.take(bytes, signal);
    await writer.flush({ last: false });
    const last = page.at(-1);
    if (!last || page.length < ENTRIES_PER_PAGE) return;
    start = successor(last.key);
  }
}

/** What is committed while the walk goes on. */
class PassingChanges {
  readonly #writer: ChangeWriter;
  readonly #note: DumpParts['note'];
  readonly #lost: LostRecords;
  readonly #markKey: Buffer;
  #held: OwnWrite[] | undefined;
  #heldBytes = 0;
  #isOver = false;
  #failure: unknown;

  constructor({ writer, note, mark }: Pick<DumpParts, 'writer' | 'note' | 'mark'>, lost: LostRecords) {
    this.#writer = writer;
    this.#lost = lost;
    this.#note = note;
    this.#markKey = backupKey(mark.repository);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Never throws: those who write have nothing to do with a backup. */
  take(writes: readonly OwnWrite[]): void {
    if (this.#isOver || this.#failure !== undefined) return;
    try {
      for (const write of writes) this.#add(write);
      if (this.#writer.waitingBytes + this.#heldBytes > WAITING_BYTES_MAX)
        throw new FsError('Failed', 'the metadata changes faster than the backup can be written');
      this.#isOver = writes.some(({ key }) => this.#markKey.equals(key));
    } catch (error) {
      this.#failure = error;
      this.#held = undefined;
    }
  }

  hold(): void {
    this.#held = [];
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    this.#heldBytes = 0;
    for (const write of held) this.#add(write);
  }

  /** @throws what went wrong in {@link take} */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  #add(write: OwnWrite): void {
    if (this.#held) {
      this.#held.push(write);
      this.#heldBytes += write.key.length + (write.value?.length ?? 0);
      return;
    }
    this.#writer.add(write);
    this.#note(write);
    this.#lost.changed(write);
  }
}
