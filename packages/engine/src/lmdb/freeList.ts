/**
 * What LMDB's list of free pages says. A record of it, as lmdb-js writes them, is how many numbers there are (8 bytes), and
 * these (8 each): a page; or, less than nothing, how many pages there are from the one that comes next; or nothing.
 */

const NUMBER_BYTES = 8;

export interface PageRun {
  readonly first: number;
  readonly count: number;
}

/** @throws RangeError when it is no such record */
export function* freeRunsOf(record: Buffer): Generator<PageRun> {
  const count = numberAt(record, 0);
  if (count < 0 || (count + 1) * NUMBER_BYTES > record.length)
    throw new RangeError(`it says it has ${count} numbers, in ${record.length} bytes`);
  for (let index = 1; index <= count; index += 1) {
    const number = numberAt(record, index);
    if (number === 0) continue;
    if (number > 0) yield { first: number, count: 1 };
    else if (index === count) throw new RangeError('it ends after the length of a run');
    else {
      index += 1;
      yield { first: numberAt(record, index), count: -number };
    }
  }
}

function numberAt(record: Buffer, index: number): number {
  return Number(record.readBigInt64LE(index * NUMBER_BYTES));
}
