/** READ: the pieces of one snapshot, pinned while they are fetched and checked. */

import type { Op, ReadTx } from '@facet/engine';
import type { ExtentStore } from '@facet/extents';
import type { Commands } from '../commands/command.ts';
import { planBody } from '../contents/plan.ts';
import { readAll } from '../contents/read.ts';
import type { PlannedRead, RememberedPlaces } from '../contents/remembered.ts';
import { FsError } from '../errors.ts';
import type { Pins } from '../space/pins.ts';
import { viewVolume } from '../tree/scope.ts';
import { mustBeFile } from './changed.ts';
import { attributesOf, loadNode } from './nodes.ts';
import { mustBeReadable } from './permission.ts';
import type { ReadArgs, ReadResult } from './types.ts';

/** One read gives at most as many, whatever was asked for. */
const READ_BYTES_MAX = 4 << 20;

export interface ReadServices {
  readonly commands: Commands;
  readonly extents: ExtentStore;
  readonly places: RememberedPlaces;
  readonly pins: Pins;
}

export async function readFile(services: ReadServices, args: ReadArgs): Promise<ReadResult> {
  const { commands, extents, places, pins } = services;
  // It stays where it was taken, which is never later than the snapshot: a READ is soon done.
  const pin = pins.enter();
  try {
    const { planned, recalled } = await places.tryFirst(
      (asked) => commands.read('readFile', (tx) => planRead(tx, args, asked)),
      (remembered) => places.recall(remembered, args.into),
    );
    const { pieces, lengthBytes, end, file } = planned;
    const data = recalled ? [recalled] : await readAll(extents, pieces, args.into);
    return { data, lengthBytes, end, file };
  } finally {
    pin.release();
  }
}

type Planned = PlannedRead & Omit<ReadResult, 'data'>;

/** @param places where these are asked first */
function* planRead(
  tx: ReadTx,
  { caller, file, offset, lengthBytes }: ReadArgs,
  places?: RememberedPlaces,
): Op<Planned> {
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
  const planned = {
    lengthBytes: span.lengthBytes,
    end: offset + span.lengthBytes >= sizeBytes,
    file: attributesOf(view, node),
  };
  const remembered = places?.of(node.inode, span);
  if (remembered) return { ...planned, pieces: [], remembered };
  return { ...planned, pieces: yield* planBody(view, { inode: node.id, body }, span) };
}
