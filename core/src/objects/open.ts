/** HeadObject and GetObject: one consistent version, held while it is read. */

import type { Op, ReadTx } from '@facet/engine';
import type { ExtentStore } from '@facet/extents';
import type { Commands } from '../commands/command.ts';
import { loadContent } from '../contents/bodies.ts';
import { freeSequence, mapEntries, mustBeHole, type Piece, planBody, type Span } from '../contents/plan.ts';
import { readAtOnce, readPieces } from '../contents/read.ts';
import type { PlannedRead, Remembered, RememberedPlaces } from '../contents/remembered.ts';
import type { Scratch, ScratchPiece } from '../contents/scratch.ts';
import { FsError } from '../errors.ts';
import { assert } from '../invariant.ts';
import type { BodyRef } from '../meta/records/inode.ts';
import type { Pin, Pins } from '../space/pins.ts';
import { type View, viewVolume } from '../tree/scope.ts';
import { describe, type FoundObject, findObject } from './find.ts';
import type { ByteRange, ObjectInfo, OpenObject, OpenObjectArgs, PartInfo } from './types.ts';

type Args = Pick<OpenObjectArgs, 'volume' | 'key'>;

/** Parts of a finished multipart object, each with where it lies. */
type PartTable = readonly (PartInfo & ByteRange)[];

export function* headObject(tx: ReadTx, args: Args): Op<ObjectInfo> {
  const view = yield* viewVolume(tx, args.volume);
  const object = yield* findObject(view, args.key);
  return describe(view, object, (yield* hasParts(view, object)) ? object.inode.etag?.parts : undefined);
}

function* hasParts(view: View, object: FoundObject): Op<boolean> {
  const { body } = object.inode;
  if (body.kind !== 'content' || !object.inode.etag?.parts) return false;
  return (yield* loadContent(view, body.content)).hasParts;
}

export interface Opening {
  readonly commands: Commands;
  readonly extents: ExtentStore;
  readonly places: RememberedPlaces;
  readonly pins: Pins;
  readonly scratch: Scratch;
}

/** @throws FsError NoEntry | NoSuchVolume; what `choose` throws */
export async function openObject(opening: Opening, args: OpenObjectArgs): Promise<OpenObject> {
  const { commands, places, pins } = opening;
  const pin = pins.enter();
  try {
    const { planned: found, recalled } = await places.tryFirst(
      (asked) => commands.read('openObject', (tx) => locate(tx, args, asked)),
      (remembered) => recall(opening, remembered),
    );
    if (found.freeSequence !== undefined) pin.raise(found.freeSequence);
    return new PinnedObject(opening, pin, found, recalled);
  } catch (error) {
    pin.release();
    throw error;
  }
}

/** Bytes that are at hand, and the memory they are in where that is used again. */
interface Recalled {
  readonly bytes: Buffer;
  readonly reused?: ScratchPiece;
}

async function recall({ places, scratch }: Opening, remembered: Remembered): Promise<Recalled | undefined> {
  const reused = scratch.takeSmall();
  const atHand = places.recallAtOnce(remembered, reused.memory);
  if (atHand) return { bytes: atHand, reused };
  scratch.give(reused);
  // Many may wait for a disk at a time: no more memory for each than it needs.
  const bytes = await places.recall(remembered);
  return bytes && { bytes };
}

interface Located extends PlannedRead {
  readonly info: ObjectInfo;
  /** What the pieces are of. */
  readonly span: Span;
  /** Undefined: nobody wanted to know. */
  readonly parts: PartTable | undefined;
  /** Undefined: the pin may stay where it was taken, which is never later. */
  readonly freeSequence: number | undefined;
}

/** What is so small is read at once, so that its pin holds next to nothing back. */
const SMALL_BYTES = 64 << 10;

/** @param places where these are asked first */
function* locate(
  tx: ReadTx,
  { volume, key, withParts = false, choose }: OpenObjectArgs,
  places?: RememberedPlaces,
): Op<Located> {
  const view = yield* viewVolume(tx, volume);
  const object = yield* findObject(view, key);
  const { body, sizeBytes, etag } = object.inode;
  const isInParts = yield* hasParts(view, object);
  const info = describe(view, object, isInParts ? etag?.parts : undefined);
  const table = withParts && isInParts ? yield* partTable(view, body, sizeBytes) : [];
  const parts = withParts ? table : undefined;
  const chosen = choose?.({ info, part: (partNumber) => partOf(parts, partNumber) }) ?? 'all';
  const span = spanOf(chosen, sizeBytes);
  const remembered = places?.of(object.inode, span);
  if (remembered) return { info, span, pieces: [], remembered, parts, freeSequence: undefined };
  const pieces = yield* planBody(view, { inode: object.id, body }, span);
  const sequence = span.lengthBytes > SMALL_BYTES ? yield* freeSequence(view) : undefined;
  return { info, span, pieces, parts, freeSequence: sequence };
}

/** @throws FsError InvalidRange when the range is not within so many bytes */
function spanOf(chosen: ByteRange | 'all' | 'nothing', sizeBytes: number): Span {
  if (chosen === 'nothing') return { start: 0, lengthBytes: 0 };
  if (chosen === 'all') return { start: 0, lengthBytes: sizeBytes };
  const { start, end } = chosen;
  if (start < 0 || end < start || end >= sizeBytes)
    throw new FsError('InvalidRange', `bytes ${start}-${end} are not within ${sizeBytes} bytes`);
  return { start, lengthBytes: end - start + 1 };
}

function partOf(parts: PartTable | undefined, partNumber: number): PartTable[number] {
  assert(parts !== undefined, 'the object was opened with its parts');
  const part = parts.find((candidate) => candidate.partNumber === partNumber);
  if (!part) throw new FsError('InvalidPart', `there is no part ${partNumber}`);
  return part;
}

/** @throws FsError Corrupt */
function* partTable(view: View, body: BodyRef, sizeBytes: number): Op<PartTable> {
  assert(body.kind === 'content', 'parts are of a content');
  const content = yield* loadContent(view, body.content);
  const entries = yield* mapEntries(view, body.content, { start: 0, lengthBytes: sizeBytes });
  const table: (PartInfo & ByteRange)[] = [];
  let end = 0;
  for (const { offset, entry } of entries) {
    if (offset > end) mustBeHole(body.content, content, { start: end, lengthBytes: offset - end });
    end = offset + entry.lengthBytes;
    if (!entry.part) continue;
    const { partNumber, checksum } = entry.part;
    const place = { start: offset, end: offset + entry.lengthBytes - 1, sizeBytes: entry.lengthBytes };
    table.push(checksum ? { partNumber, checksum, ...place } : { partNumber, ...place });
  }
  if (end < sizeBytes) mustBeHole(body.content, content, { start: end, lengthBytes: sizeBytes - end });
  return table;
}

class PinnedObject implements OpenObject {
  readonly info: ObjectInfo;
  readonly #opening: Opening;
  readonly #pin: Pin;
  readonly #pieces: readonly Piece[];
  readonly #planned: Span;
  readonly #parts: PartTable | undefined;
  readonly #recalled: Recalled | undefined;
  #isClosed = false;

  constructor(opening: Opening, pin: Pin, located: Located, recalled: Recalled | undefined) {
    this.info = located.info;
    this.#opening = opening;
    this.#pin = pin;
    this.#pieces = recalled ? [pieceOf(recalled.bytes)] : located.pieces;
    this.#planned = located.span;
    this.#parts = located.parts;
    this.#recalled = recalled;
  }

  read(range?: ByteRange): AsyncGenerator<Buffer, undefined, undefined> {
    // The reader may keep what it is given for longer than the object is open.
    const pieces = this.#recalled?.reused ? [pieceOf(Buffer.from(this.#recalled.bytes))] : this.#pieces;
    return readPieces({ extents: this.#opening.extents }, pieces, this.#span(range));
  }

  readAtOnce(range?: ByteRange): Buffer | undefined {
    return readAtOnce(this.#opening, this.#pieces, this.#span(range));
  }

  stream(range?: ByteRange): AsyncGenerator<Buffer, undefined, undefined> {
    return readPieces(this.#opening, this.#pieces, this.#span(range));
  }

  /** Where in the pieces it lies. */
  #span(range?: ByteRange): Span {
    // Others' bytes may be by now where its own were.
    assert(!this.#isClosed, 'an object is read while it is open');
    const planned = this.#planned;
    if (!range) return { start: 0, lengthBytes: planned.lengthBytes };
    const { start, lengthBytes } = spanOf(range, this.info.sizeBytes);
    const within = start - planned.start;
    assert(within >= 0 && within + lengthBytes <= planned.lengthBytes, 'what is read was chosen');
    return { start: within, lengthBytes };
  }

  part(partNumber: number): ByteRange & { readonly checksum?: Uint8Array } {
    return partOf(this.#parts, partNumber);
  }

  parts(page: { readonly afterPartNumber: number; readonly limit: number }): readonly PartInfo[] {
    const parts = this.#parts;
    assert(parts !== undefined, 'the object was opened with its parts');
    const first = parts.findIndex((part) => part.partNumber > page.afterPartNumber);
    return first < 0 ? [] : parts.slice(first, first + page.limit);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#pin.release();
    if (this.#recalled?.reused) this.#opening.scratch.give(this.#recalled.reused);
  }
}

const pieceOf = (bytes: Buffer): Piece => ({ kind: 'bytes', bytes, lengthBytes: bytes.length });
