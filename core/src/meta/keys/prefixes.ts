/** How keys begin. */

import { Buffer } from 'node:buffer';
import type { InodeId, LayerId } from '../../ids.ts';
import { putU32, putU64 } from '../bigEndian.ts';

export function withU64(space: number, value: number): Buffer {
  const key = Buffer.allocUnsafe(9);
  key[0] = space;
  putU64(key, value, 1);
  return key;
}

export function withU64Pair(space: number, first: number, second: number): Buffer {
  const key = Buffer.allocUnsafe(17);
  key[0] = space;
  putU64(key, first, 1);
  putU64(key, second, 9);
  return key;
}

export function withText(space: number, text: string): Buffer {
  const key = Buffer.allocUnsafe(1 + Buffer.byteLength(text, 'utf8'));
  key[0] = space;
  key.write(text, 1, 'utf8');
  return key;
}

export function withLayer(space: number, layer: LayerId, extraBytes: number): Buffer {
  const key = Buffer.allocUnsafe(5 + extraBytes);
  key[0] = space;
  putU32(key, layer, 1);
  return key;
}

export function withLayerInode(space: number, layer: LayerId, inode: InodeId): Buffer {
  const key = withLayer(space, layer, 8);
  putU64(key, inode, 5);
  return key;
}
