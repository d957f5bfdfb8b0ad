/** Who refers to what lies in a segment: its frames say whose they were, and the metadata whose they are. */

import type { Op, ReadTx } from '@facet/engine';
import { type ContainerId, type Location, READ_BYTES_MAX, type ScannedFrame } from '@facet/extents';
import { loadContent } from '../contents/bodies.ts';
import { entriesTouching } from '../contents/editMap.ts';
import type { ExtentPiece } from '../meta/records/space.ts';
import { findMapping, type OwnedExtent, sameExtent } from './frames.ts';
import type { Source } from './repoint.ts';

/** An extent that was cut into more pieces than these stays where it is: what merges files takes it up. */
const PIECES_MAX = 1000;

/** What of a run of frames is alive, each piece by itself. An extent's frames come one after the other. */
export function* liveSources(
  tx: ReadTx,
  found: { readonly container: ContainerId; readonly frames: readonly ScannedFrame[] },
): Op<readonly Source[]> {
  const sources: Source[] = [];
  let last: Location | undefined;
  for (const frame of found.frames) {
    const mapped = yield* findMapping({ tx }, { container: found.container, frame });
    if (!mapped || (last && sameExtent(last, mapped.extent.location))) continue;
    last = mapped.extent.location;
    const { content } = mapped.extent;
    for (const piece of yield* piecesOf(tx, mapped.extent)) sources.push({ content, from: [piece] });
  }
  return sources;
}

function* piecesOf(
  tx: ReadTx,
  { content: id, location, fileOffset }: OwnedExtent,
): Op<readonly ExtentPiece[]> {
  const content = yield* loadContent({ tx }, id);
  // Without references its bytes are on their way out.
  if (content.refs === 0 || location.length > READ_BYTES_MAX) return [];
  if (content.shape.kind === 'single')
    return [{ location, start: 0, lengthBytes: location.length, fileOffset: 0 }];
  const span = { start: fileOffset, lengthBytes: location.length };
  const entries = (yield* entriesTouching({ tx }, id, { span, limit: PIECES_MAX })) ?? [];
  return entries.flatMap(({ offset, entry }) => {
    if (entry.kind !== 'data' || !sameExtent(entry.location, location)) return [];
    const { start, lengthBytes } = entry;
    return [{ location: entry.location, start, lengthBytes, fileOffset: offset }];
  });
}
