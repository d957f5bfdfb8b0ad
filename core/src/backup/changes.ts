/**
 * The metadata of a backup as a list of changes that, made one after the other from nothing on, give it: for each the
 * key's length u16, the value's length and one u32 (0 deletes), the key, the value. No change is cut in two by blocks.
 */

import { Buffer } from 'node:buffer';
import type { Engine, OwnWrite } from '@facet/engine';
import { Reader } from '../meta/codec.ts';
import { BLOCK_BYTES_MAX, type CheckedWriter } from './checkedFile.ts';

const CHANGE_HEAD_BYTES = 6;
/** Written when there is so much; larger only where one change is. */
const BLOCK_BYTES = 1 << 20;

export class ChangeWriter {
  readonly #file: CheckedWriter;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #count = 0;

  constructor(file: CheckedWriter) {
    this.#file = file;
  }

  /** Changes taken so far. */
  get count(): number {
    return this.#count;
  }

  /** Taken, and not written yet. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** @throws RangeError where it is longer than a block, which no record of the core is */
  add(change: OwnWrite): void {
    const encoded = encodeChange(change);
    if (encoded.length > BLOCK_BYTES_MAX)
      throw new RangeError(`a value of ${encoded.length} bytes is too long for a backup`);
    this.#waiting.push(encoded);
    this.#waitingBytes += encoded.length;
    this.#count += 1;
  }

  /** Writes what waits, in blocks; all of it when it is the `last`. One call at a time. @throws errors of the disk */
  async flush({ last }: { readonly last: boolean }): Promise<void> {
    while (this.#waitingBytes >= (last ? 1 : BLOCK_BYTES)) await this.#file.block(this.#takeBlock());
  }

  #takeBlock(): Buffer {
    let bytes = 0;
    let count = 0;
    for (const { length } of this.#waiting) {
      if (count > 0 && bytes + length > BLOCK_BYTES) break;
      bytes += length;
      count += 1;
    }
    this.#waitingBytes -= bytes;
    return Buffer.concat(this.#waiting.splice(0, count));
  }
}

function encodeChange({ key, value }: OwnWrite): Buffer {
  const encoded = Buffer.allocUnsafe(CHANGE_HEAD_BYTES + key.length + (value?.length ?? 0));
  encoded.writeUInt16BE(key.length, 0);
  encoded.writeUInt32BE(value === undefined ? 0 : value.length + 1, 2);
  encoded.set(key, CHANGE_HEAD_BYTES);
  if (value !== undefined) encoded.set(value, CHANGE_HEAD_BYTES + key.length);
  return encoded;
}

/** The changes in a block. */
export function* changesIn(block: Buffer): Generator<OwnWrite, void, void> {
  const reader = new Reader(block);
  while (reader.remaining > 0) {
    const keyBytes = reader.u16();
    const valueBytes = reader.u32();
    const key = reader.raw(keyBytes);
    yield { key, value: valueBytes === 0 ? undefined : reader.raw(valueBytes - 1) };
  }
}

/** In one transaction. @returns how many */
export function writeChanges(engine: Engine, changes: readonly OwnWrite[]): Promise<number> {
  // biome-ignore lint/correctness/useYield: there is nothing to read.
  return engine.write(function* (tx) {
    for (const { key, value } of changes)
      if (value === undefined) tx.delete(key);
      else tx.put(key, value);
    return changes.length;
  });
}
