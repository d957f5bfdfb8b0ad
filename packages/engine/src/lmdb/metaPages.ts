/**
 * LMDB's two meta pages, as the base of a journal: a transaction's meta page, kept elsewhere, makes its state the
 * newest again, as long as its other pages are there.
 */

import type { FileHandle } from 'node:fs/promises';
import { EngineError } from '../contract.ts';
import {
  type Header,
  META_BYTES,
  NO_PAGE,
  readHeaders,
  readNewestHeader,
  TREE_FIELDS,
  TREE_OFFSETS,
} from './header.ts';
import { type JournalNames, refuseOtherJournal } from './ownJournal.ts';

const PAGE_NUMBER_OFFSET = 0;
const TRANSACTION_OFFSET = 152;
/** Free pages, data. */
const ROOT_OFFSETS = Object.values(TREE_OFFSETS).map((tree) => tree + TREE_FIELDS.root);
/** Of any page: its number, and the transaction that wrote it. */
const PAGE_HEADER_BYTES = 16;
const PAGE_TRANSACTION_OFFSET = 8;

/** The meta page of the newest transaction, and what both say. To be called while none is being committed. */
export async function readBase(
  file: FileHandle,
): Promise<{ readonly base: Uint8Array; readonly newest: Header; readonly older: Header }> {
  const headers = await readHeaders(file);
  if (headers === undefined) throw new Error('the metadata has no header');
  const { newest, older } = headers;
  const base = Buffer.alloc(META_BYTES);
  // LMDB looks for a transaction in the page of its parity.
  const position = Number(newest.transaction & 1n) * newest.pageSizeBytes;
  const { bytesRead } = await file.read(base, 0, META_BYTES, position);
  if (bytesRead < META_BYTES || transactionOf(base) !== newest.transaction)
    throw new Error('the metadata has no header of its newest transaction');
  return { base, newest, older };
}

export interface KeptBase {
  readonly base: Uint8Array;
  /** It is kept in. */
  readonly journal: JournalNames;
  /** How many transactions the journal has since. */
  readonly batches: number;
}

/**
 * Makes the base's transaction the newest one. Nothing need be synced: until another base is, this may be done again.
 * @throws EngineError Damaged | Failed (another version), with nothing changed: the file and the journal are not of one store, or of one time
 */
export async function restoreBase(file: FileHandle, kept: KeptBase): Promise<void> {
  const { batches, journal } = kept;
  const base = Buffer.from(kept.base);
  if (base.length !== META_BYTES)
    throw new EngineError('Failed', 'the journal of the metadata is of another version');
  const transaction = transactionOf(base);
  const newest = await readNewestHeader(file);
  if (newest === undefined || newest.transaction < transaction)
    throw new EngineError(
      'Damaged',
      'the metadata is older than its journal: data.mdb and the journals beside it belong together',
    );
  const { pageSizeBytes } = newest;
  if (newest.transaction > transaction + BigInt(batches))
    throw new EngineError(
      'Damaged',
      `the metadata is newer than its journal, by ${newest.transaction - transaction - BigInt(batches)} transactions: data.mdb and the journals beside it belong together`,
    );
  await refuseOtherJournal(file, journal);
  if (!(await hasStateOf(file, base, pageSizeBytes)))
    throw new EngineError(
      'Damaged',
      'the state that the journal of the metadata goes on from is not in data.mdb: they are not of one store, or not of one time',
    );
  for (const slot of [0, 1]) {
    const page = Buffer.from(base);
    // The other page has to be older, and what it says is then looked at by nobody.
    const isOwn = BigInt(slot) === (transaction & 1n);
    setWide(page, PAGE_NUMBER_OFFSET, BigInt(slot));
    setWide(page, TRANSACTION_OFFSET, isOwn || transaction === 0n ? transaction : transaction - 1n);
    await file.write(page, 0, META_BYTES, slot * pageSizeBytes);
  }
}

/**
 * Whether the roots of the base's trees are where it says. Each page says by which transaction it was written, and
 * the base's wrote one root at least, as all do.
 */
async function hasStateOf(file: FileHandle, base: Buffer, pageSizeBytes: number): Promise<boolean> {
  const transaction = transactionOf(base);
  let newest: bigint | undefined;
  for (const offset of ROOT_OFFSETS) {
    const root = wideIn(base, offset);
    if (root === NO_PAGE) continue;
    const page = Buffer.alloc(PAGE_HEADER_BYTES);
    const { bytesRead } = await file.read(page, 0, page.length, Number(root) * pageSizeBytes);
    if (bytesRead < page.length || wideIn(page, PAGE_NUMBER_OFFSET) !== root) return false;
    const written = wideIn(page, PAGE_TRANSACTION_OFFSET);
    if (newest === undefined || written > newest) newest = written;
  }
  return newest === undefined || newest === transaction;
}

function transactionOf(page: Buffer): bigint {
  return wideIn(page, TRANSACTION_OFFSET);
}

/** In the machine's byte order, as LMDB writes. */
function wideIn(page: Buffer, offset: number): bigint {
  return new BigUint64Array(Uint8Array.from(page.subarray(offset, offset + 8)).buffer)[0] ?? 0n;
}

function setWide(page: Buffer, offset: number, value: bigint): void {
  page.set(new Uint8Array(BigUint64Array.of(value).buffer), offset);
}
