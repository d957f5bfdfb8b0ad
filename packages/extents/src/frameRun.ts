/** An extent in memory as the run of frames that goes to a container. */

import { Buffer } from 'node:buffer';
import type { ExtentOwner, Location } from './contract.ts';
import { BlockChecksums, encodeHeader, FRAME_DATA_BYTES, headerLength } from './frame.ts';

export function extentLength(data: readonly Uint8Array[]): number {
  return data.reduce((sum, piece) => sum + piece.length, 0);
}

/** The bytes that belong at `location`, as buffers to be written one after the other. The data is not copied. */
export function encodeFrames(
  location: Location,
  extent: { readonly owner: ExtentOwner; readonly data: readonly Uint8Array[] },
): readonly Uint8Array[] {
  const { store, container, length } = location;
  const headerBytes = headerLength(length);
  const checksums = new BlockChecksums();
  const buffers: Uint8Array[] = [];
  const pieces = extent.data[Symbol.iterator]();
  let piece: Uint8Array = new Uint8Array();
  for (let done = 0, offset = location.offset; done < length; ) {
    const header = Buffer.allocUnsafe(headerBytes);
    buffers.push(header);
    const dataLength = Math.min(FRAME_DATA_BYTES, length - done);
    checksums.clear();
    while (checksums.length < dataLength) {
      if (piece.length === 0) piece = pieces.next().value ?? piece;
      const taken = piece.subarray(0, dataLength - checksums.length);
      piece = piece.subarray(taken.length);
      if (taken.length === 0) continue;
      checksums.add(taken);
      buffers.push(taken);
    }
    const owner = { contentId: extent.owner.contentId, fileOffset: extent.owner.fileOffset + done };
    encodeHeader(
      { store, container, offset, owner, headerLength: headerBytes, dataLength },
      checksums,
      header,
    );
    done += dataLength;
    offset += headerBytes + dataLength;
  }
  return buffers;
}

/** Below this, copying a buffer costs less than handing it to the kernel by itself. */
const SMALL_BYTES = 32 << 10;

/** The same bytes in fewer buffers: each run of small ones becomes one. */
export function joinSmall(buffers: readonly Uint8Array[]): readonly Uint8Array[] {
  const joined: Uint8Array[] = [];
  let run: Uint8Array[] = [];
  const endRun = () => {
    const [first, ...others] = run;
    if (first) joined.push(others.length === 0 ? first : Buffer.concat(run));
    run = [];
  };
  for (const buffer of buffers) {
    if (buffer.length < SMALL_BYTES) {
      run.push(buffer);
      continue;
    }
    endRun();
    joined.push(buffer);
  }
  endRun();
  return joined;
}
