/**
 * Pages of LMDB's list of free pages. Of damage there nothing is known before a transaction uses what it names, and
 * LMDB may then end the process.
 */

/** As packages/engine/src/lmdb/pageCheck.ts has them. */
const PAGE_BYTES = 4096;
const HEADER_BYTES = 24;
const LEVELS_AT = 54;
const ROOT_AT = 88;
const TRANSACTION_AT = 152;
const LOWER_AT = 20;
const NODE_BYTES = 8;
const IN_RUN = 0x01;
const NO_PAGE = 2n ** 64n - 1n;

/** @param file of a store that was closed */
export function freeListPages(file: Buffer): ReadonlySet<number> {
  const [even, odd] = [0, PAGE_BYTES].map((at) => file.subarray(at, at + PAGE_BYTES));
  if (!even || !odd) throw new Error('it has two meta pages');
  const newest = even.readBigUInt64LE(TRANSACTION_AT) > odd.readBigUInt64LE(TRANSACTION_AT) ? even : odd;
  const pages = new Set<number>();
  const walk = (number: number, levels: number): void => {
    pages.add(number);
    const page = file.subarray(number * PAGE_BYTES, (number + 1) * PAGE_BYTES);
    const end = HEADER_BYTES + page.readUInt16LE(LOWER_AT);
    for (let pointer = HEADER_BYTES; pointer < end; pointer += 2) {
      const node = page.subarray(HEADER_BYTES + page.readUInt16LE(pointer));
      if (levels > 1) walk(node.readUInt32LE(0), levels - 1);
      else if (node.readUInt16LE(4) === IN_RUN) addRun(node.subarray(NODE_BYTES + node.readUInt16LE(6)));
    }
  };
  const addRun = (value: Buffer): void => {
    const first = Number(value.readBigUInt64LE(0));
    const count = Number(value.readBigUInt64LE(16));
    for (let page = first; page < first + count; page += 1) pages.add(page);
  };
  const root = newest.readBigUInt64LE(ROOT_AT);
  if (root !== NO_PAGE) walk(Number(root), newest.readUInt16LE(LEVELS_AT));
  return pages;
}
