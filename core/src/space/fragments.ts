/**
 * Stretches of contents that lie in many small pieces, as a file does that was written a block at a time: each piece is a
 * map entry, and a frame of its own, or keeps a long one alive that is written over for the most part.
 */

import type { Entry } from '@facet/engine';
import type { Commands } from '../commands/command.ts';
import { type ContentId, contentId } from '../ids.ts';
import { contentKey, contentOfKey, offsetOfMapKey, SPACE, spaceBounds, successor } from '../meta/keys.ts';
import { decodeContent, decodeMapEntry } from '../meta/records/content.ts';
import type { ExtentPiece } from '../meta/records/space.ts';
import { BATCH_BYTES, BATCH_PIECES } from './move.ts';
import type { Source } from './repoint.ts';

/** Fewer in a mebibyte are let be: what it costs to write that anew is not saved by them. */
const PIECES_MIN = 8;
const ENTRIES_PER_READ = 1000;
/** Of what was seen the last time. What does not fit is merged later. */
const SEEN_MAX = 10_000;

interface Stretch {
  readonly content: ContentId;
  readonly from: ExtentPiece[];
  endOffset: number;
}

export class FragmentSweep {
  readonly #commands: Pick<Commands, 'read'>;
  /** Stretches of the sweep before, each by its first piece. */
  #seen: ReadonlyMap<string, number> = new Map();

  constructor(commands: Pick<Commands, 'read'>) {
    this.#commands = commands;
  }

  /**
   * One walk through all maps. Readers have those within a mebibyte at hand by one look, so that none goes over its end.
   * @param how `onlyQuiet`: those that are what they were in the sweep before. `goOn`: asked before each read of a
   * thousand entries; false ends the sweep.
   * @throws FsError Failed | Closed
   */
  async *stretches(how: {
    readonly onlyQuiet: boolean;
    readonly goOn: () => Promise<boolean>;
  }): AsyncGenerator<Source, void, void> {
    const seen = new Map<string, number>();
    for await (const source of this.#all(how.goOn)) {
      const key = `${source.content}/${source.from[0]?.fileOffset}`;
      const mark = markOf(source);
      if (seen.size < SEEN_MAX) seen.set(key, mark);
      if (how.onlyQuiet && this.#seen.get(key) !== mark) continue;
      if (await this.#isAlive(source.content)) yield source;
    }
    this.#seen = seen;
  }

  async *#all(goOn: () => Promise<boolean>): AsyncGenerator<Source, void, void> {
    const { end } = spaceBounds(SPACE.contentMap);
    let open: Stretch | undefined;
    for (let from: Buffer | undefined = spaceBounds(SPACE.contentMap).start; from; ) {
      if (!(await goOn())) return;
      const start: Buffer = from;
      const page: readonly Entry[] = await this.#commands.read('compact', (tx) =>
        tx.range({ start, end, limit: ENTRIES_PER_READ }),
      );
      for (const { key, value } of page) {
        const found = pieceOf(key, value);
        if (open && found && continues(open, found)) {
          open.from.push(found.piece);
          open.endOffset += found.piece.lengthBytes;
          continue;
        }
        if (open && open.from.length >= PIECES_MIN) yield open;
        open = found && {
          content: found.content,
          from: [found.piece],
          endOffset: found.piece.fileOffset + found.piece.lengthBytes,
        };
      }
      const last = page.at(-1);
      from = last && page.length === ENTRIES_PER_READ ? successor(last.key) : undefined;
    }
    if (open && open.from.length >= PIECES_MIN) yield open;
  }

  /** Without references its bytes are on their way out. */
  #isAlive(content: ContentId): Promise<boolean> {
    return this.#commands.read('compact', function* (tx) {
      const stored = yield* tx.get(contentKey(content));
      return stored !== undefined && decodeContent(stored).refs > 0;
    });
  }
}

interface FoundPiece {
  readonly content: ContentId;
  readonly piece: ExtentPiece;
}

/** Undefined of what is no extent's, or is marked as a part of an upload. */
function pieceOf(key: Uint8Array, value: Uint8Array): FoundPiece | undefined {
  const entry = decodeMapEntry(value);
  if (entry.kind !== 'data' || entry.part) return undefined;
  const { location, start, lengthBytes } = entry;
  const piece = { location, start, lengthBytes, fileOffset: offsetOfMapKey(key) };
  return { content: contentId(contentOfKey(key)), piece };
}

function continues(open: Stretch, { content, piece }: FoundPiece): boolean {
  if (content !== open.content || piece.fileOffset !== open.endOffset) return false;
  const window = (offset: number): number => Math.floor(offset / BATCH_BYTES);
  const isWithin = window(piece.fileOffset + piece.lengthBytes - 1) === window(open.from[0]?.fileOffset ?? 0);
  return isWithin && open.from.length < BATCH_PIECES;
}

/** Two of one mark are the same, all but surely: no place is written twice. */
function markOf({ from }: Source): number {
  let mark = from.length;
  for (const { location, start } of from)
    for (const number of [location.container, location.offset, start])
      mark = Math.imul(mark ^ number, 0x9e3779b1) ^ (mark >>> 15);
  return mark;
}
