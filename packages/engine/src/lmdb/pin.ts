import * as lmdb from 'lmdb';
import type { BytesDatabase } from './database.ts';
import { environmentOf } from './environment.ts';

/**
 * A read transaction that nobody reads from. LMDB never uses again the pages of a state that a reader may see: not
 * those of its trees, nor those of its list of free pages.
 *
 * Made past lmdb-js, which hands one transaction to all who ask within a turn.
 */
export class Pin {
  readonly #transaction: NativeTransaction;

  constructor(db: BytesDatabase) {
    this.#transaction = new NativeTransaction(environmentOf(db), MDB_RDONLY);
  }

  release(): void {
    this.#transaction.abort();
  }
}

const MDB_RDONLY = 0x20000;

interface NativeTransaction {
  abort(): void;
}

const NativeTransaction = nativeTransaction();

/** lmdb-js exports its native side without declaring it. */
function nativeTransaction(): new (environment: object, flags: number) => NativeTransaction {
  const native: unknown = 'nativeAddon' in lmdb ? lmdb.nativeAddon : undefined;
  if (!hasTransactions(native))
    throw new Error('this version of lmdb-js is unknown: it has no nativeAddon.Txn');
  return native.Txn;
}

function hasTransactions(
  native: unknown,
): native is { Txn: new (environment: object, flags: number) => NativeTransaction } {
  return typeof native === 'object' && native !== null && 'Txn' in native && typeof native.Txn === 'function';
}
