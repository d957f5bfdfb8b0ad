import * as lmdb from 'lmdb';
import type { BytesDatabase } from './database.ts';

type Transaction = ReturnType<BytesDatabase['useReadTransaction']>;

/**
 * One read transaction, used again and again. lmdb-js's own starts a timer whenever it takes a new snapshot, which
 * costs four times as much as the read that needs it.
 */
export class ReadTransaction {
  /** Makes a read of lmdb-js one of this transaction: the first after {@link release} takes a new snapshot. */
  readonly options: { readonly transaction: Transaction };
  readonly #address: number;

  constructor(db: BytesDatabase) {
    const transaction = db.useReadTransaction();
    this.options = { transaction };
    this.#address = addressOf(transaction);
    // From here on lmdb-js leaves it to its user.
    db.resetReadTxn();
    this.release();
  }

  /** Gives the snapshot up: pages that only it needs can be used again. */
  release(): void {
    resetTxn(this.#address);
  }

  /** Gives its place in the table of readers up. To be called before the database is closed. */
  end(): void {
    this.options.transaction.done();
  }
}

const resetTxn = nativeReset();

/** lmdb-js exports its native side without declaring it. */
function nativeReset(): (address: number) => void {
  const native: unknown = 'nativeAddon' in lmdb ? lmdb.nativeAddon : undefined;
  if (!hasReset(native))
    throw new Error('this version of lmdb-js is unknown: it has no nativeAddon.resetTxn');
  return native.resetTxn;
}

function hasReset(native: unknown): native is { resetTxn: (address: number) => void } {
  return (
    typeof native === 'object' &&
    native !== null &&
    'resetTxn' in native &&
    typeof native.resetTxn === 'function'
  );
}

function addressOf(transaction: Transaction): number {
  const address: unknown = 'address' in transaction ? transaction.address : undefined;
  if (typeof address !== 'number' || address === 0)
    throw new Error('this version of lmdb-js is unknown: a read transaction has no address');
  return address;
}
