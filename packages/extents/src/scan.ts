/** Walks the frames of a container, over punched runs and past damage. */

import type { ContainerId, ScannedFrame, ScanOptions } from './contract.ts';
import type { DiskFile } from './disk.ts';
import { damagedBlock, decodeHeader, FRAME_MAGIC, type FrameHeader, HEADER_BYTES_MAX } from './frame.ts';
import { PastUnreadable } from './pastUnreadable.ts';

const WINDOW_BYTES = 4 << 20;
/** Where only headers are wanted, the data between those of long frames is stepped over. */
const HEADER_WINDOW_BYTES = 64 << 10;

export interface ScanTarget {
  readonly store: number;
  readonly container: ContainerId;
  readonly file: DiskFile;
  /** Where to stop. */
  readonly length: number;
}

/**
 * Frames in order of place. Zeros between frames are a punched run, which begins and ends where frames did, or
 * the unwritten end. Bytes that are neither are passed to `onDamage`, and the walk goes on at the next header
 * that is whole and says that it belongs where it lies. A file that ends before `length` is damaged from there on.
 */
export async function* scanFrames(
  target: ScanTarget,
  {
    onDamage = () => undefined,
    onUnreadable,
    headersOnly = false,
    from = 0,
    onBytes = () => undefined,
  }: ScanOptions,
): AsyncGenerator<ScannedFrame, void, void> {
  const read = readerOf(target, onUnreadable);
  const window = new Window(read, {
    length: target.length,
    bytes: headersOnly ? HEADER_WINDOW_BYTES : WINDOW_BYTES,
  });
  for (let at = from; at < target.length; ) {
    const start = await window.view(at, HEADER_BYTES_MAX);
    const header = headerAt(target, at, start);
    if (header) {
      const frame = headersOnly ? bareFrame(target, header) : await scannedFrame(window, header, onBytes);
      yield frame;
      at += frame.physicalLength;
    } else if (start.length === 0) {
      onDamage({ container: target.container, offset: at, length: target.length - at });
      return;
    } else if (start[0] === 0) {
      at = await endOfZeros(window, at);
    } else {
      const next = await nextHeader(target, window, at + 1);
      onDamage({ container: target.container, offset: at, length: next - at });
      at = next;
    }
  }
}

type Read = (from: { readonly position: number; readonly buffer: Buffer }) => Promise<number>;

function readerOf({ container, file }: ScanTarget, onUnreadable: ScanOptions['onUnreadable']): Read {
  if (!onUnreadable) return ({ position, buffer }) => file.read({ position, buffers: [buffer] });
  let told = 0;
  const past = new PastUnreadable(file, ({ offset, length }) => {
    const end = offset + length;
    const start = Math.max(told, offset);
    told = Math.max(told, end);
    // The window may begin in what it had.
    if (start < end) onUnreadable({ container, offset: start, length: end - start });
  });
  return (from) => past.read(from);
}

function headerAt(target: ScanTarget, at: number, bytes: Buffer): FrameHeader | undefined {
  const header = decodeHeader(bytes);
  if (header?.store !== target.store || header.container !== target.container) return undefined;
  return header.offset === at ? header : undefined;
}

function bareFrame(
  target: ScanTarget,
  { owner, offset, headerLength, dataLength }: FrameHeader,
): ScannedFrame {
  const physicalLength = headerLength + dataLength;
  return { owner, offset, physicalLength, dataLength, intact: offset + physicalLength <= target.length };
}

async function scannedFrame(
  window: Window,
  header: FrameHeader,
  onBytes: (bytes: Buffer) => void,
): Promise<ScannedFrame> {
  const { owner, offset, headerLength, dataLength } = header;
  const physicalLength = headerLength + dataLength;
  const bytes = (await window.view(offset, physicalLength)).subarray(0, physicalLength);
  onBytes(bytes);
  const isWhole = bytes.length === physicalLength;
  const intact = isWhole && damagedBlock(bytes, bytes.subarray(headerLength), 0) === undefined;
  return { owner, offset, physicalLength, dataLength, intact };
}

async function endOfZeros(window: Window, from: number): Promise<number> {
  for (let at = from; ; ) {
    const bytes = await window.view(at, 1);
    const zeros = leadingZeros(bytes);
    at += zeros;
    if (zeros < bytes.length || bytes.length === 0) return at;
  }
}

const ZEROS = Buffer.alloc(64 << 10);

function leadingZeros(bytes: Buffer): number {
  let at = 0;
  while (at < bytes.length) {
    const end = Math.min(bytes.length, at + ZEROS.length);
    if (bytes.compare(ZEROS, 0, end - at, at, end) !== 0) break;
    at = end;
  }
  while (at < bytes.length && bytes[at] === 0) at++;
  return at;
}

/** The first place from `from` on that holds a header of this container, or the end. */
async function nextHeader(target: ScanTarget, window: Window, from: number): Promise<number> {
  for (let at = from; at < target.length; ) {
    const bytes = await window.view(at, HEADER_BYTES_MAX);
    if (bytes.length === 0) break;
    const found = bytes.indexOf(FRAME_MAGIC);
    if (found === 0) {
      if (headerAt(target, at, bytes)) return at;
      at++;
    } else if (found > 0) {
      at += found;
    } else {
      // The magic may begin in the last bytes seen.
      at += Math.max(1, bytes.length - FRAME_MAGIC.length + 1);
    }
  }
  return target.length;
}

/** A stretch of the container in memory, which moves on as it is asked for more. */
class Window {
  readonly #read: Read;
  readonly #length: number;
  readonly #buffer: Buffer;
  #start = 0;
  #end = 0;

  constructor(read: Read, { length, bytes }: { readonly length: number; readonly bytes: number }) {
    this.#read = read;
    this.#length = length;
    this.#buffer = Buffer.allocUnsafe(Math.min(bytes, length));
  }

  /**
   * All bytes at hand from `at` on: at least `length`, unless the container ends before. Valid until the next
   * call.
   */
  async view(at: number, length: number): Promise<Buffer> {
    const wanted = Math.min(length, this.#length - at);
    if (at < this.#start || at + wanted > this.#end) {
      const buffer = this.#buffer.subarray(0, Math.min(this.#buffer.length, this.#length - at));
      const count = await this.#read({ position: at, buffer });
      this.#start = at;
      this.#end = at + count;
    }
    return this.#buffer.subarray(at - this.#start, this.#end - this.#start);
  }
}
