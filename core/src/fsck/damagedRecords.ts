/** Goes on past records which are damaged: those are told of, and count as absent. */

import { type Bytes, DamagedRecord, type Engine, type Op, type ReadTx, type WriteTx } from '@facet/engine';

/** `onDamaged` is told a key as often as it is met. */
export function readingPastDamage(
  engine: Pick<Engine, 'read'>,
  onDamaged: (key: Bytes) => void,
): Pick<Engine, 'read'> {
  return { read: (op) => engine.read((tx) => op(new PastDamage(tx, onDamaged))) };
}

class PastDamage implements ReadTx {
  readonly #tx: ReadTx;
  readonly #onDamaged: (key: Bytes) => void;

  constructor(tx: ReadTx, onDamaged: (key: Bytes) => void) {
    this.#tx = tx;
    this.#onDamaged = onDamaged;
  }

  *get(key: Bytes): Op<Bytes | undefined> {
    try {
      return yield* this.#tx.get(key);
    } catch (error) {
      if (!(error instanceof DamagedRecord)) throw error;
      this.#onDamaged(error.key);
      return undefined;
    }
  }

  *getMany(keys: readonly Bytes[]): Op<readonly (Bytes | undefined)[]> {
    try {
      return yield* this.#tx.getMany(keys);
    } catch (error) {
      if (!(error instanceof DamagedRecord)) throw error;
    }
    const values: (Bytes | undefined)[] = [];
    for (const key of keys) values.push(yield* this.get(key));
    return values;
  }

  range(range: Parameters<ReadTx['range']>[0]): ReturnType<ReadTx['range']> {
    return this.#tx.range({ ...range, onDamaged: this.#onDamaged });
  }
}

/**
 * For a mend that makes records of these kinds anew (the first bytes of their keys): one of them that is damaged is absent
 * to it. Of any other kind one that is damaged might say something else than none would, and ends it.
 */
export function makingAnew(tx: WriteTx, kinds: readonly number[]): WriteTx {
  const onDamaged = (key: Bytes): void => {
    if (!kinds.includes(key[0] ?? -1)) throw new DamagedRecord(key);
  };
  return new WritingPastDamage(tx, onDamaged);
}

class WritingPastDamage extends PastDamage implements WriteTx {
  readonly #tx: WriteTx;

  constructor(tx: WriteTx, onDamaged: (key: Bytes) => void) {
    super(tx, onDamaged);
    this.#tx = tx;
  }

  put(key: Bytes, value: Bytes): void {
    this.#tx.put(key, value);
  }

  delete(key: Bytes): void {
    this.#tx.delete(key);
  }
}
