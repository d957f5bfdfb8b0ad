/** LMDB's pages: their layout, and what is wrong with what one says of itself. */

import { KEY_BYTES_MAX } from '../contract.ts';
import { NUMBER_BYTES } from './freeList.ts';

/** Page header: number (8), transaction (8), pad (2), flags (2), lower (2), upper (2); or pages (4) of a run. */
export const PAGE_HEADER_BYTES = 24;
export const TRANSACTION_OFFSET = 8;
const FLAGS_OFFSET = 18;
const LOWER_OFFSET = 20;
const UPPER_OFFSET = 22;
const KIND_MASK = 0x2f;
export const BRANCH = 0x01;
export const LEAF = 0x02;
const OVERFLOW = 0x04;
/** Node: length of the value or page (4, and the flags of a branch's), flags (2), length of the key (2), key, value. */
export const NODE_BYTES = 8;
const NODE_FLAGS_OFFSET = 4;
const KEY_LENGTH_OFFSET = 6;
/** Of a branch's node the page below: where others have length and flags. */
const CHILD_BYTES = 6;
/** The value is a run of pages: its first (8), transaction (8), how many (8). */
export const IN_RUN = 0x01;
export const RUN_BYTES = 24;
export const RUN_PAGES_OFFSET = 16;

/** What no tree of 2^64 pages has. */
export const DEPTH_MAX = 32;

export interface Node {
  /** Where it lies in the page. */
  readonly start: number;
  readonly end: number;
  readonly key: Buffer;
  readonly flags: number;
  /** Of the value. */
  readonly length: number;
  /** Of the value, in the page. */
  readonly at: number;
  /** Of a branch. */
  readonly child: number;
}

/** @returns what is wrong with the page */
export function nodesOf(bytes: Buffer, page: number, kind: number): readonly Node[] | string {
  if (wide(bytes, 0) !== BigInt(page)) return `it says it is page ${wide(bytes, 0)}`;
  if (kindOf(bytes) !== kind)
    return `its flags are ${short(bytes, FLAGS_OFFSET)}, of another kind than is looked for`;
  const lower = short(bytes, LOWER_OFFSET) + PAGE_HEADER_BYTES;
  const upper = short(bytes, UPPER_OFFSET) + PAGE_HEADER_BYTES;
  if (lower % 2 !== 0 || lower > upper || upper > bytes.length) return `its nodes end at ${lower}, ${upper}`;
  if (lower === PAGE_HEADER_BYTES) return 'it has no nodes';
  const nodes: Node[] = [];
  for (let pointer = PAGE_HEADER_BYTES; pointer < lower; pointer += 2) {
    const node = nodeAt(bytes, { at: short(bytes, pointer) + PAGE_HEADER_BYTES, upper, kind });
    if (node === undefined) return `its node ${nodes.length} reaches out of it`;
    nodes.push(node);
  }
  return overlapOf(nodes) ?? nodes;
}

/** To remove a node moves what lies before it by its length: by too much, where that flipped, and over others. */
function overlapOf(nodes: readonly Node[]): string | undefined {
  const inPlace = nodes.toSorted((one, other) => one.start - other.start);
  for (const [index, { start, end }] of inPlace.entries()) {
    const next = inPlace[index + 1]?.start ?? end;
    if (end > next) return `its node at ${start} reaches into the one at ${next}`;
  }
  return undefined;
}

function nodeAt(
  bytes: Buffer,
  { at, upper, kind }: { readonly at: number; readonly upper: number; readonly kind: number },
): Node | undefined {
  const keyAt = at + NODE_BYTES;
  if (at < upper || keyAt > bytes.length) return undefined;
  const flags = short(bytes, at + NODE_FLAGS_OFFSET);
  const keyEnd = keyAt + short(bytes, at + KEY_LENGTH_OFFSET);
  const length = long(bytes, at);
  const inPage = kind === BRANCH ? 0 : flags === IN_RUN ? RUN_BYTES : length;
  const end = keyEnd + inPage;
  if (keyEnd - keyAt > KEY_BYTES_MAX || end > bytes.length) return undefined;
  const child = flags * 2 ** 32 + length;
  return { start: at, end, key: bytes.subarray(keyAt, keyEnd), flags, length, at: keyEnd, child };
}

/** Whether a page begins so many that a long value is in. */
export function isRun(
  page: Buffer,
  { first, count }: { readonly first: number; readonly count: number },
): boolean {
  return wide(page, 0) === BigInt(first) && kindOf(page) === OVERFLOW && long(page, LOWER_OFFSET) === count;
}

function kindOf(page: Buffer): number {
  return short(page, FLAGS_OFFSET) & KIND_MASK;
}

// In the machine's byte order, as LMDB writes: no machine that Node 26 runs on here is big-endian.
const short = (bytes: Buffer, at: number): number => bytes.readUInt16LE(at);
const long = (bytes: Buffer, at: number): number => bytes.readUInt32LE(at);
export const wide = (bytes: Buffer, at: number): bigint => bytes.readBigUInt64LE(at);

/** Free pages are noted under the transaction that let go of them: a number, as the machine has it. */
export function asNumbers(one: Buffer, other: Buffer): number {
  if (one.length !== NUMBER_BYTES || other.length !== NUMBER_BYTES) return 1;
  const [first, second] = [wide(one, 0), wide(other, 0)];
  return first < second ? -1 : Number(first > second);
}

export interface NewPage {
  readonly page: number;
  readonly transaction: bigint;
  readonly bytes: number;
}

/** In the order of their keys. */
export type NewNode = (
  | { readonly flags: 0; readonly child: number }
  | { readonly flags: typeof IN_RUN; readonly run: ValueRun }
) & { readonly key: Buffer };

/** Pages side by side that a long value is in. */
export interface ValueRun {
  readonly first: number;
  readonly pages: number;
  readonly valueBytes: number;
}

export function runIn(bytes: Buffer, { at, length }: Pick<Node, 'at' | 'length'>): ValueRun {
  return {
    first: Number(wide(bytes, at)),
    pages: Number(wide(bytes, at + RUN_PAGES_OFFSET)),
    valueBytes: length,
  };
}

/** A leaf of long values, or a branch, whose first key is none. */
export function treePage(to: NewPage, nodes: readonly NewNode[]): Buffer {
  const bytes = pageHeader(to, to.bytes);
  let lower = PAGE_HEADER_BYTES;
  let upper = to.bytes;
  let kind = BRANCH;
  for (const [index, node] of nodes.entries()) {
    const isLeaf = node.flags === IN_RUN;
    const key = index === 0 && !isLeaf ? Buffer.alloc(0) : node.key;
    upper -= NODE_BYTES + key.length + (isLeaf ? RUN_BYTES : 0);
    bytes.writeUInt16LE(upper - PAGE_HEADER_BYTES, lower);
    lower += 2;
    bytes.writeUInt16LE(key.length, upper + KEY_LENGTH_OFFSET);
    bytes.set(key, upper + NODE_BYTES);
    if (isLeaf) {
      kind = LEAF;
      const { first, pages, valueBytes } = node.run;
      const valueAt = upper + NODE_BYTES + key.length;
      bytes.writeUInt32LE(valueBytes, upper);
      bytes.writeUInt16LE(IN_RUN, upper + NODE_FLAGS_OFFSET);
      bytes.writeBigUInt64LE(BigInt(first), valueAt);
      bytes.writeBigUInt64LE(to.transaction, valueAt + TRANSACTION_OFFSET);
      bytes.writeBigUInt64LE(BigInt(pages), valueAt + RUN_PAGES_OFFSET);
    } else bytes.writeUIntLE(node.child, upper, CHILD_BYTES);
  }
  bytes.writeUInt16LE(kind, FLAGS_OFFSET);
  bytes.writeUInt16LE(lower - PAGE_HEADER_BYTES, LOWER_OFFSET);
  bytes.writeUInt16LE(upper - PAGE_HEADER_BYTES, UPPER_OFFSET);
  return bytes;
}

/** The pages of a long value, in one piece. */
export function runPages(to: NewPage, value: Buffer): Buffer {
  const pages = pagesOfRun({ valueBytes: value.length, pageBytes: to.bytes });
  const bytes = pageHeader(to, pages * to.bytes);
  bytes.writeUInt16LE(OVERFLOW, FLAGS_OFFSET);
  bytes.writeUInt32LE(pages, LOWER_OFFSET);
  bytes.set(value, PAGE_HEADER_BYTES);
  return bytes;
}

/** How many a value of so many bytes takes. */
export function pagesOfRun({
  valueBytes,
  pageBytes,
}: {
  readonly valueBytes: number;
  readonly pageBytes: number;
}): number {
  return Math.floor((PAGE_HEADER_BYTES - 1 + valueBytes) / pageBytes) + 1;
}

function pageHeader({ page, transaction }: NewPage, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  bytes.writeBigUInt64LE(BigInt(page));
  bytes.writeBigUInt64LE(transaction, TRANSACTION_OFFSET);
  return bytes;
}
