/** The room that a store holds back on its disk, so that deletes work when there is no other. */

import { stat, statfs } from 'node:fs/promises';
import type { Reserve } from '@facet/core';
import { Ballast, ballastBytes, NodeDisk } from '@facet/extents';
import type { StoreLayout } from './layout.ts';

export interface DiskReserve extends Reserve {
  /** How much of it is held by now. */
  heldBytes(): Promise<number>;
}

/**
 * A ballast beside the metadata, which is what takes room to delete. Extents only give room back, but where they lie
 * on a device of their own, the store is not roomy before that one has room, too.
 * @throws Error with errno's code, when the metadata's directory is not there
 */
export async function diskReserve(layout: StoreLayout): Promise<DiskReserve> {
  const { blocks, bsize } = await statfs(layout.metadata);
  const lengthBytes = ballastBytes(blocks * bsize);
  const ballast = new Ballast({ disk: new NodeDisk(layout.metadata), lengthBytes });
  return {
    lengthBytes,
    heldBytes: () => ballast.heldBytes(),
    release: () => ballast.release(),
    restore: async () => (await haveExtentsRoom(layout, lengthBytes)) && (await ballast.restore()),
  };
}

async function haveExtentsRoom(layout: StoreLayout, lengthBytes: number): Promise<boolean> {
  // The folder is made with the first extent.
  const extents = (await deviceOf(layout.extents)) ?? (await deviceOf(layout.directory));
  if (extents === undefined || extents.device === (await deviceOf(layout.metadata))?.device) return true;
  const { bavail, bsize } = await statfs(extents.path);
  return bavail * bsize >= lengthBytes;
}

async function deviceOf(
  path: string,
): Promise<{ readonly path: string; readonly device: number } | undefined> {
  try {
    return { path, device: (await stat(path)).dev };
  } catch {
    return undefined;
  }
}
