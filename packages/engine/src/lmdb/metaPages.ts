/**
 * LMDB's two meta pages, as the base of a journal: a transaction's meta page, kept elsewhere, makes its state the
 * newest again, as long as its other pages are there.
 */

import type { FileHandle } from 'node:fs/promises';
import { EngineError } from '../contract.ts';
import { readNewestHeader } from './header.ts';

/** Page header, magic, version, address, map size, two trees, last page, transaction, boot id. */
const META_BYTES = 168;
const PAGE_NUMBER_OFFSET = 0;
const TRANSACTION_OFFSET = 152;

/** The meta page of the newest transaction. To be called while none is being committed. */
export async function readBase(file: FileHandle): Promise<Buffer> {
  const newest = await readNewestHeader(file);
  if (newest === undefined) throw new Error('the metadata has no header');
  const base = Buffer.alloc(META_BYTES);
  // LMDB looks for a transaction in the page of its parity.
  const position = Number(newest.transaction & 1n) * newest.pageSizeBytes;
  const { bytesRead } = await file.read(base, 0, META_BYTES, position);
  if (bytesRead < META_BYTES || transactionOf(base) !== newest.transaction)
    throw new Error('the metadata has no header of its newest transaction');
  return base;
}

/**
 * Makes the base's transaction the newest one. Nothing need be synced: until another base is, this may be done again.
 * @throws EngineError Failed
 */
export async function restoreBase(file: FileHandle, kept: Uint8Array): Promise<void> {
  const base = Buffer.from(kept);
  if (base.length !== META_BYTES)
    throw new EngineError('Failed', 'the journal of the metadata is of another version');
  const transaction = transactionOf(base);
  const newest = await readNewestHeader(file);
  if (newest === undefined || newest.transaction < transaction)
    throw new EngineError(
      'Failed',
      'the metadata is older than its journal: data.mdb and the journals beside it belong together, bring all of them back',
    );
  const { pageSizeBytes } = newest;
  for (const slot of [0, 1]) {
    const page = Buffer.from(base);
    // The other page has to be older, and what it says is then looked at by nobody.
    const isOwn = BigInt(slot) === (transaction & 1n);
    setWide(page, PAGE_NUMBER_OFFSET, BigInt(slot));
    setWide(page, TRANSACTION_OFFSET, isOwn || transaction === 0n ? transaction : transaction - 1n);
    await file.write(page, 0, META_BYTES, slot * pageSizeBytes);
  }
}

/** In the machine's byte order, as LMDB writes. */
function transactionOf(page: Buffer): bigint {
  return (
    new BigUint64Array(
      Uint8Array.from(page.subarray(TRANSACTION_OFFSET, TRANSACTION_OFFSET + 8)).buffer,
    )[0] ?? 0n
  );
}

function setWide(page: Buffer, offset: number, value: bigint): void {
  page.set(new Uint8Array(BigUint64Array.of(value).buffer), offset);
}
