/**
 * Memory that bulk reads use again and again. Fresh megabytes for every piece would cost as much in garbage
 * collection as reading them does (a third of the time of a 64 MiB GET, measured), and a thousand readers who take
 * their time would leave holes in the heap of four times what they hold.
 */

import { READ_SLACK_BYTES } from '@facet/extents';

/** What one read of an extent goes into. */
export interface ScratchPiece {
  readonly memory: Buffer;
  /** So much is read at a time. */
  readonly lengthBytes: number;
}

const LARGE_BYTES = 512 * 1024;
/** As many readers have a large piece of memory each. */
const LARGE_MAX = 96;
/** When these have run out: little, for there are many readers. */
export const SMALL_PIECE_BYTES = 64 * 1024;
/** A small piece is of whole blocks of one frame, so that it has one header and nothing else around it. */
const SMALL_SLACK_BYTES = 4 * 1024;
/** Small pieces that nobody uses are kept for a burst, up to so many. */
const SMALL_KEPT_MAX = 256;

export class Scratch {
  readonly #large: ScratchPiece[] = [];
  readonly #small: ScratchPiece[] = [];
  #largeMade = 0;

  /** What is taken is given back once. */
  take(): ScratchPiece {
    const large = this.#large.pop();
    if (large) return large;
    if (this.#largeMade === LARGE_MAX) return this.takeSmall();
    this.#largeMade += 1;
    return makePiece(LARGE_BYTES, READ_SLACK_BYTES);
  }

  /** As {@link take}, for who has no use for more. */
  takeSmall(): ScratchPiece {
    return this.#small.pop() ?? makePiece(SMALL_PIECE_BYTES, SMALL_SLACK_BYTES);
  }

  give(piece: ScratchPiece): void {
    if (piece.lengthBytes === LARGE_BYTES) this.#large.push(piece);
    else if (this.#small.length < SMALL_KEPT_MAX) this.#small.push(piece);
  }
}

function makePiece(lengthBytes: number, slackBytes: number): ScratchPiece {
  return { memory: Buffer.allocUnsafeSlow(lengthBytes + slackBytes), lengthBytes };
}
