/**
 * A walk over the entries of a volume in the order of their keys.
 *
 * Dentries sort in git-tree order, so that order is a depth-first walk: nothing is sorted, and a walk can begin
 * at any key for the cost of its depth. A directory is offered before what is in it; the caller says whether to
 * go in.
 */

import { Buffer } from 'node:buffer';
import type { Entry, Op } from '@facet/engine';
import { type InodeId, ROOT_INODE } from '../ids.ts';
import { dentriesOf, dentryKey, DENTRY_NAME_AT as NAME_AT, prefixBounds, successor } from '../meta/keys.ts';
import { type Dentry, decodeDentry } from '../meta/records/tree.ts';
import { findEntry } from '../tree/directories.ts';
import type { View } from '../tree/scope.ts';

const SLASH = Buffer.from('/');
const FIRST_PAGE = 32;
const PAGE_GROWTH = 8;

export interface Visit {
  /** Ends in `/` for a directory. */
  readonly key: Buffer;
  readonly dentry: Dentry;
}

/** One directory of the path the walk is on. */
interface Frame {
  /** Key of the directory, with its slash; empty for the root. */
  readonly prefix: Buffer;
  /** What is still to be read of it: dentry keys from `start` to `end`. */
  start: Buffer;
  readonly end: Buffer;
  page: readonly Entry[];
  at: number;
  pageSize: number;
}

export class KeyWalk {
  readonly #view: View;
  readonly #prefix: Buffer;
  #stack: Frame[] = [];
  #steps = 0;

  /** Visits only what begins with `prefix`, and the directories on the way. */
  constructor(view: View, prefix: Buffer) {
    this.#view = view;
    this.#prefix = prefix;
  }

  /** Entries offered so far, and directories gone through on the way to them: what the walk has cost. */
  get steps(): number {
    return this.#steps;
  }

  /** Goes to the first key at or after `bound`. */
  *seek(bound: Buffer): Op<this> {
    const { layer } = this.#view;
    const from = Buffer.compare(bound, this.#prefix) > 0 ? bound : this.#prefix;
    this.#stack = [];
    // Past the prefix there is nothing to visit.
    if (!from.subarray(0, this.#prefix.length).equals(this.#prefix)) return this;
    let directory = ROOT_INODE;
    let depth = 0;
    for (;;) {
      this.#steps += 1;
      const prefix = from.subarray(0, depth);
      const rest = from.subarray(depth);
      const slash = rest.indexOf(SLASH);
      const name = slash < 0 ? rest : rest.subarray(0, slash);
      const at = dentryKey(layer, directory, { name, directory: slash >= 0 });
      // A bound that ends with this slash is the directory's own key: it is still to be offered.
      const inside = slash >= 0 && depth + slash + 1 < from.length;
      const dentry = inside ? yield* findEntry(this.#view, directory, { name, directory: true }) : undefined;
      this.#push({ directory, prefix, start: dentry ? successor(at) : at });
      if (!dentry) return this;
      directory = dentry.inode;
      depth += slash + 1;
    }
  }

  /** The next entry, as long as nothing has to be read for it: most entries are had from here, at no generator's cost. */
  nextRead(): Visit | undefined {
    const frame = this.#stack.at(-1);
    const entry = frame?.page[frame.at];
    if (!frame || !entry) return undefined;
    frame.at += 1;
    this.#steps += 1;
    return { key: keyOf(frame.prefix, entry.key), dentry: decodeDentry(entry.value) };
  }

  /** The next entry; `wanted` is how many the caller may still use. */
  *next(wanted: number): Op<Visit | undefined> {
    for (;;) {
      const visit = this.nextRead();
      if (visit) return visit;
      const frame = this.#stack.at(-1);
      if (!frame) return undefined;
      if (!(yield* this.#readPage(frame, wanted))) this.#stack.pop();
    }
  }

  /** Goes into a directory that was just offered. */
  enter(visit: Visit): void {
    const directory = visit.dentry.inode;
    this.#push({ directory, prefix: visit.key, start: dentriesOf(this.#view.layer, directory).start });
  }

  *#readPage(frame: Frame, wanted: number): Op<boolean> {
    if (Buffer.compare(frame.start, frame.end) >= 0) return false;
    const limit = Math.min(frame.pageSize, wanted);
    frame.page = yield* this.#view.tx.range({ start: frame.start, end: frame.end, limit });
    frame.at = 0;
    frame.pageSize *= PAGE_GROWTH;
    const last = frame.page.at(-1);
    // A short page was the last one.
    frame.start = last && frame.page.length === limit ? successor(last.key) : frame.end;
    return last !== undefined;
  }

  #push(at: { readonly directory: InodeId; readonly prefix: Buffer; readonly start: Buffer }): void {
    const end = this.#endOf(at.directory, at.prefix);
    this.#stack.push({ prefix: at.prefix, start: at.start, end, page: [], at: 0, pageSize: FIRST_PAGE });
  }

  /** Where the entries of a directory end that the walk's prefix allows. */
  #endOf(directory: InodeId, prefix: Buffer): Buffer {
    const { layer } = this.#view;
    const wanted = this.#prefix.subarray(prefix.length);
    if (wanted.length === 0) return dentriesOf(layer, directory).end;
    const slash = wanted.indexOf(SLASH);
    if (slash < 0) return prefixBounds(dentryKey(layer, directory, { name: wanted, directory: false })).end;
    return successor(dentryKey(layer, directory, { name: wanted.subarray(0, slash), directory: true }));
  }
}

/** In the directory of key `prefix`. A dentry's key ends as the key in S3 does, slash included. */
function keyOf(prefix: Buffer, dentry: Uint8Array): Buffer {
  const key = Buffer.allocUnsafe(prefix.length + dentry.length - NAME_AT);
  for (let at = 0; at < prefix.length; at++) key[at] = prefix[at] ?? 0;
  const nameAt = prefix.length - NAME_AT;
  for (let at = NAME_AT; at < dentry.length; at++) key[nameAt + at] = dentry[at] ?? 0;
  return key;
}
