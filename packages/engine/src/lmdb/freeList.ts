/**
 * What LMDB's list of free pages says. A record of it, as lmdb-js writes them, is how many numbers there are (8 bytes), and
 * these (8 each): a page; or, less than nothing, how many pages there are from the one that comes next; or nothing.
 */

/** Also of a key of the tree that the records are in. */
export const NUMBER_BYTES = 8;

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

/**
 * Records that list these runs, each of so many bytes at most.
 * @param runs in the order of their pages, none beside another
 */
export function freeRecordsOf(runs: readonly PageRun[], bytesMax: number): readonly Buffer[] {
  const records: Buffer[] = [];
  const numbersMax = Math.floor(bytesMax / NUMBER_BYTES) - 1;
  let numbers: number[] = [];
  const flush = (): void => {
    if (numbers.length > 0) records.push(recordOf(numbers));
    numbers = [];
  };
  for (const run of runs) {
    // From the last page to the first, as LMDB keeps them: what it reads then is put behind what it has.
    const these = numbersOfRun(run);
    if (numbers.length + these.length > numbersMax) flush();
    numbers.unshift(...these);
  }
  flush();
  return records;
}

/** As a record has them. */
export function numbersOfRun({ first, count }: PageRun): readonly number[] {
  return count === 1 ? [first] : [-count, first];
}

export function recordOf(numbers: readonly number[]): Buffer {
  const record = Buffer.alloc((1 + numbers.length) * NUMBER_BYTES);
  record.writeBigInt64LE(BigInt(numbers.length));
  for (const [index, number] of numbers.entries())
    record.writeBigInt64LE(BigInt(number), (1 + index) * NUMBER_BYTES);
  return record;
}
