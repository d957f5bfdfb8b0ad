/** Reads the records of one epoch from one file, as far as they go. */

import type { JournalFile } from './disk.ts';
import { JournalDamaged } from './header.ts';
import {
  BLOCK_BYTES,
  isWhole,
  peekRecord,
  RECORD_HEADER_BYTES,
  type RecordKind,
  type RecordPlace,
  sequencesIn,
} from './record.ts';

/** Read at once: most records are much shorter. */
const WINDOW_BYTES = 1 << 20;
/** Behind the last record another group is looked for so far: hardly any is as long. */
const LOOKED_AT_BYTES = 16 << 20;

export interface ReadRecord {
  readonly sequence: number;
  readonly kind: RecordKind;
  readonly payload: Buffer;
}

/**
 * Yields the records of `first`'s epoch from the file's second block on. It ends where no record is: at the end, or
 * at a group that was cut off, none of which was acknowledged.
 * @throws JournalDamaged when a later group is there: this one had been durable
 */
export async function* readRecords(
  file: Pick<JournalFile, 'read'>,
  first: RecordPlace,
): AsyncGenerator<ReadRecord, void, void> {
  const window = new Window(file);
  let { sequence } = first;
  let position = BLOCK_BYTES;
  for (;;) {
    const record = await recordAt(window, position, { epoch: first.epoch, sequence });
    if (record !== undefined) {
      yield record;
      sequence += 1;
      position += RECORD_HEADER_BYTES + record.payload.length;
    } else if (position % BLOCK_BYTES !== 0) {
      // The end of a group: the next begins with a block.
      position += BLOCK_BYTES - (position % BLOCK_BYTES);
    } else break;
  }
  if (await isFollowed(window, position, { epoch: first.epoch, sequence }))
    throw new JournalDamaged(`records from number ${sequence} on are lost`);
}

/** Whether something was written behind `position` when the record of `place` was durable. */
async function isFollowed(window: Window, position: number, place: RecordPlace): Promise<boolean> {
  for (let at = position; at < position + LOOKED_AT_BYTES; at += BLOCK_BYTES) {
    const header = await window.view(at, RECORD_HEADER_BYTES);
    if (header.length < RECORD_HEADER_BYTES) return false;
    const { sequence, groupSequence } = sequencesIn(header);
    if (groupSequence <= place.sequence) continue;
    if ((await recordAt(window, at, { epoch: place.epoch, sequence })) !== undefined) return true;
  }
  return false;
}

async function recordAt(
  window: Window,
  position: number,
  place: RecordPlace,
): Promise<ReadRecord | undefined> {
  const header = peekRecord(await window.view(position, RECORD_HEADER_BYTES), place);
  if (header === undefined) return undefined;
  const length = RECORD_HEADER_BYTES + header.payloadBytes;
  const whole = await window.view(position, length);
  if (whole.length < length || !isWhole(whole)) return undefined;
  const payload = Buffer.from(whole.subarray(RECORD_HEADER_BYTES));
  return { sequence: header.sequence, kind: header.kind, payload };
}

class Window {
  readonly #file: Pick<JournalFile, 'read'>;
  #bytes = Buffer.alloc(0);
  #position = 0;

  constructor(file: Pick<JournalFile, 'read'>) {
    this.#file = file;
  }

  /** As much of the run as the file has. Good until the next call. */
  async view(position: number, length: number): Promise<Buffer> {
    const start = position - this.#position;
    if (start < 0 || start + length > this.#bytes.length) {
      const buffer = Buffer.allocUnsafe(Math.max(length, WINDOW_BYTES));
      const count = await this.#file.read({ position, buffers: [buffer] });
      this.#bytes = buffer.subarray(0, count);
      this.#position = position;
      return this.#bytes.subarray(0, length);
    }
    return this.#bytes.subarray(start, start + length);
  }
}
