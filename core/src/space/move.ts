/** Moves bytes of contents within the extent store: read and checked, stored elsewhere, and then re-pointed. */

import { Buffer } from 'node:buffer';
import { ExtentError, type ExtentStore, READ_SLACK_BYTES } from '@facet/extents';
import type { Commands } from '../commands/command.ts';
import { discardBody, isOutcomeUnknown, leaveBehind } from '../contents/discard.ts';
import { stillRefers } from '../contents/extentRecords.ts';
import { fromExtents } from '../contents/read.ts';
import { settle } from '../contents/settled.ts';
import { contentKey, contentMapKey } from '../meta/keys.ts';
import type { StagedBody } from '../objects/types.ts';
import type { Pins } from './pins.ts';
import { type Move, type Repointed, repointExtents, type Source } from './repoint.ts';

/** What one batch copies at most: others' small appends wait for as much. */
export const BATCH_BYTES = 1 << 20;
/** And how many map entries it takes up. */
export const BATCH_PIECES = 256;

/** Sources on their way into batches. */
export class Batches {
  readonly #move: (sources: readonly Source[], bytes: number) => Promise<void>;
  #sources: Source[] = [];
  #pieces = 0;
  #bytes = 0;

  /** @param move is given one batch after the other */
  constructor(move: (sources: readonly Source[], bytes: number) => Promise<void>) {
    this.#move = move;
  }

  async add(source: Source): Promise<void> {
    const bytes = source.from.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0);
    const pieces = source.from.length;
    if (this.#bytes + bytes > BATCH_BYTES || this.#pieces + pieces > BATCH_PIECES) await this.end();
    this.#sources.push(source);
    this.#bytes += bytes;
    this.#pieces += pieces;
  }

  /** Gives away what is not a whole batch. */
  async end(): Promise<void> {
    const [sources, bytes] = [this.#sources, this.#bytes];
    this.#sources = [];
    this.#bytes = 0;
    this.#pieces = 0;
    if (sources.length > 0) await this.#move(sources, bytes);
  }
}

export interface MoverParts {
  readonly commands: Commands;
  readonly extents: Pick<ExtentStore, 'append' | 'read'>;
  readonly pins: Pick<Pins, 'committed'>;
}

export interface Moved extends Repointed {
  /** Sources with bytes that do not match their checksums or are not there: they stay where they are. */
  readonly damaged: number;
}

/** Of one who moves one batch after the other. */
export class Mover {
  readonly #parts: MoverParts;
  /** Used again and again: of fresh memory a megabyte for each batch is garbage. */
  readonly #memory = Buffer.allocUnsafeSlow(2 * BATCH_BYTES + READ_SLACK_BYTES);

  constructor(parts: MoverParts) {
    this.#parts = parts;
  }

  /**
   * Moves a batch. What is cut off leaves copies that nobody refers to: the collector's here, recovery's after a crash.
   * @throws FsError NoSpace | Failed | Closed
   */
  async move(sources: readonly Source[]): Promise<Moved> {
    const { commands, pins } = this.#parts;
    const { read, outdated, damaged } = await this.#read(sources);
    const moves = await this.#store(read);
    if (moves.length === 0) return { moved: 0, movedBytes: 0, pieces: 0, outdated, damaged };
    try {
      const repointed = await commands.run(repointExtents, { moves });
      for (const move of moves) settle(bodyOf(move));
      if (repointed.stamp !== undefined) pins.committed(repointed.stamp);
      return { ...repointed, outdated: outdated + repointed.outdated, damaged };
    } catch (error) {
      for (const move of moves) {
        if (isOutcomeUnknown(error)) leaveBehind(commands, bodyOf(move));
        else await discardBody(commands, bodyOf(move));
      }
      throw error;
    }
  }

  async #read(sources: readonly Source[]): Promise<ReadSources> {
    const read: WithBytes[] = [];
    let [outdated, damaged] = [0, 0];
    let free = this.#memory;
    for (const source of sources) {
      try {
        const data: Buffer[] = [];
        for (const { location, start, lengthBytes } of source.from) {
          const bytes = await this.#parts.extents.read({ location, start, length: lengthBytes, into: free });
          data.push(bytes);
          if (bytes.buffer === free.buffer)
            free = free.subarray(bytes.byteOffset + bytes.length - free.byteOffset);
        }
        read.push({ source, data });
      } catch (error) {
        if (!isDamage(error)) throw fromExtents(error);
        // What was dropped meanwhile is given back, and then reads as anything.
        if (await this.#isMapped(source)) damaged += 1;
        else outdated += 1;
      }
    }
    return { read, outdated, damaged };
  }

  #isMapped({ content, from }: Source): Promise<boolean> {
    return this.#parts.commands.read('compact', function* (tx) {
      for (const { location, fileOffset } of from) {
        const isThere =
          (yield* stillRefers(tx, contentKey(content), location)) ||
          (yield* stillRefers(tx, contentMapKey(content, fileOffset), location));
        if (!isThere) return false;
      }
      return true;
    });
  }

  /** All at once, so that they share a write. */
  async #store(read: readonly WithBytes[]): Promise<readonly Move[]> {
    const stored = await Promise.allSettled(read.map(async (one) => this.#append(one)));
    const failed = stored.find((outcome) => outcome.status === 'rejected');
    const moves = stored.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    if (!failed) return moves;
    for (const move of moves) await discardBody(this.#parts.commands, bodyOf(move));
    throw fromExtents(failed.reason);
  }

  async #append({ source, data }: WithBytes): Promise<Move> {
    const owner = { contentId: source.content, fileOffset: source.from[0]?.fileOffset ?? 0 };
    return { ...source, to: await this.#parts.extents.append({ owner, data }) };
  }
}

interface ReadSources {
  readonly read: readonly WithBytes[];
  readonly outdated: number;
  readonly damaged: number;
}

interface WithBytes {
  readonly source: Source;
  readonly data: readonly Buffer[];
}

function bodyOf({ content, to }: Move): StagedBody {
  return { kind: 'extent', contentId: content, lengthBytes: to.length, location: to };
}

/** Also what the disk fails to give: one place of it must not keep all else from being moved. */
function isDamage(error: unknown): boolean {
  if (!(error instanceof ExtentError)) return false;
  if (error.code !== 'Failed') return error.code === 'Corrupt' || error.code === 'Missing';
  const { cause } = error;
  return cause instanceof Error && 'code' in cause && cause.code === 'EIO';
}
