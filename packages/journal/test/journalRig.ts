/** A journal on files in memory, and what a start finds on them. */

import { Journal, type JournalRecord, RECORD } from '../src/index.ts';
import { MemoryFiles } from './memoryFiles.ts';

export const BLOCK_BYTES = 4096;
export const [FIRST, SECOND] = ['0.journal', '1.journal'] as const;

export const batch = (text: string): JournalRecord => ({ kind: RECORD.batch, payload: [Buffer.from(text)] });
export const bytes = (text: string): JournalRecord => ({ kind: RECORD.bytes, payload: [Buffer.from(text)] });
export const base = (text: string): Buffer => Buffer.from(text);

/** One that holds nothing yet. */
export async function begun(): Promise<{ readonly disk: MemoryFiles; readonly journal: Journal }> {
  const disk = new MemoryFiles();
  const journal = await Journal.open({ disk });
  await restart(journal, base('start'));
  return { disk, journal };
}

export async function restart(one: Journal, on: Buffer): Promise<void> {
  await one.begin();
  await one.complete(on);
}

/** What a start after a crash finds on `from`. */
export async function found(
  from: MemoryFiles,
): Promise<{ readonly base: string; readonly records: readonly string[] }> {
  const after = await Journal.open({ disk: from });
  const records: string[] = [];
  for await (const { kind, payload } of after.replay()) records.push(`${kind} ${payload}`);
  return { base: `${after.base === undefined ? undefined : Buffer.from(after.base)}`, records };
}
