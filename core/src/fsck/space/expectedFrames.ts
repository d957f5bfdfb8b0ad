/** The frames that a container is to have. */

import { runOfFrames, spanOfFrame } from '../../space/frames.ts';
import type { LiveClaim } from './claims.ts';

export interface ExpectedFrame {
  readonly offset: number;
  readonly content: number;
  readonly fileOffset: number;
  readonly dataLength: number;
}

/** The frames that claims are of, in order of place, each once. */
export function* expectedFrames(live: readonly LiveClaim[]): Generator<ExpectedFrame, void, void> {
  let after = -1;
  for (const { extent, frames } of live) {
    for (let frame = frames.first; frame < frames.end; frame += 1) {
      const { offset } = runOfFrames(extent.location, { first: frame, end: frame + 1 });
      if (offset <= after) continue;
      after = offset;
      const { start, lengthBytes } = spanOfFrame(extent, frame);
      yield { offset, content: extent.content, fileOffset: start, dataLength: lengthBytes };
    }
  }
}
