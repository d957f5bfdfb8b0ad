/** READ: the pieces of one snapshot, pinned while they are fetched and checked. */

import type { Op, ReadTx } from '@facet/engine';
import type { ExtentStore } from '@facet/extents';
import type { Commands } from '../commands/command.ts';
import { type Piece, planBody } from '../contents/plan.ts';
import { readAll } from '../contents/read.ts';
import { FsError } from '../errors.ts';
import type { Pins } from '../space/pins.ts';
import { viewVolume } from '../tree/scope.ts';
import { mustBeFile } from './changed.ts';
import { attributesOf, loadNode } from './nodes.ts';
import { mustBeReadable } from './permission.ts';
import type { FileAttributes, ReadArgs, ReadResult } from './types.ts';

/** One read gives at most as many, whatever was asked for. */
const READ_BYTES_MAX = 4 << 20;

export interface ReadServices {
  readonly commands: Commands;
  readonly extents: ExtentStore;
  readonly pins: Pins;
}

export async function readFile(services: ReadServices, args: ReadArgs): Promise<ReadResult> {
  // It stays where it was taken, which is never later than the snapshot: a READ is soon done.
  const pin = services.pins.enter();
  try {
    const planned = await services.commands.read('readFile', (tx) => planRead(tx, args));
    const { pieces, lengthBytes, end, file } = planned;
    const data = await readAll(services.extents, pieces, args.into);
    return { data, lengthBytes, end, file };
  } finally {
    pin.release();
  }
}

interface PlannedRead {
  readonly pieces: readonly Piece[];
  readonly lengthBytes: number;
  readonly end: boolean;
  readonly file: FileAttributes;
}

function* planRead(tx: ReadTx, { caller, file, offset, lengthBytes }: ReadArgs): Op<PlannedRead> {
  if (!Number.isSafeInteger(offset) || offset < 0 || lengthBytes < 0) {
    throw new FsError('Invalid', `${lengthBytes} bytes at ${offset} cannot be read`);
  }
  const view = yield* viewVolume(tx, file.volume);
  const node = yield* loadNode(view, file);
  mustBeFile(node);
  mustBeReadable(caller, node);
  const { body, sizeBytes } = node.inode;
  const span = {
    start: offset,
    lengthBytes: Math.max(0, Math.min(lengthBytes, sizeBytes - offset, READ_BYTES_MAX)),
  };
  return {
    pieces: yield* planBody(view, { inode: node.id, body }, span),
    lengthBytes: span.lengthBytes,
    end: offset + span.lengthBytes >= sizeBytes,
    file: attributesOf(view, node),
  };
}
