/** What a journal holds since its base, from one file or both. */

import { RECORD } from './record.ts';
import { type ReadRecord, readRecords } from './recordReader.ts';
import { type Base, type Files, otherThan } from './twoFiles.ts';

/** All of them, in order. @throws JournalDamaged when some must be missing */
export async function* storedRecords(
  files: Files,
  base: Base | undefined,
): AsyncGenerator<ReadRecord, void, void> {
  if (base === undefined) return;
  const { file, header } = base;
  let sequence = header.firstSequence;
  const [first, second] = [files[file], files[otherThan(file)]];
  if (first === undefined) return;
  for await (const record of readRecords(first.file, { epoch: header.epoch, sequence })) {
    yield record;
    sequence = record.sequence + 1;
  }
  // All of the first file was durable before anything went to the second.
  if (second !== undefined) yield* readRecords(second.file, { epoch: header.nextEpoch, sequence });
}

/** Leaves out batches that came to nothing, and what says so. */
export async function* withoutVoided(
  records: AsyncIterable<ReadRecord>,
): AsyncGenerator<ReadRecord, void, void> {
  // A batch waits for the next one of its owner's records, which may say that it came to nothing.
  let held: ReadRecord[] = [];
  for await (const record of records) {
    if (record.kind === RECORD.void) {
      const voided = Number(record.payload.readBigUInt64BE());
      held = held.filter(({ sequence }) => sequence !== voided);
      continue;
    }
    if (record.kind === RECORD.batch) {
      yield* held;
      held = [];
    }
    held.push(record);
  }
  yield* held;
}
