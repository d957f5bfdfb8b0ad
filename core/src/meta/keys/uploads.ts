/** Keys of uploads and their parts. */

import { Buffer } from 'node:buffer';
import { KEY_BYTES_MAX } from '@facet/engine';
import { FsError } from '../../errors.ts';
import type { LayerId, UploadId } from '../../ids.ts';
import { withLayer } from './prefixes.ts';
import { type Bounds, prefixBounds, SPACE } from './spaces.ts';

const UPLOAD_ID_BYTES = 16;

/** Keeps byte order and ends no key inside another: 00 → 01 01, 01 → 01 02, end → 00. */
function escapeKey(key: Uint8Array): Buffer {
  let extra = 0;
  for (const byte of key) if (byte <= 1) extra += 1;
  if (extra === 0) return Buffer.concat([key, Buffer.of(0)]);
  const escaped = Buffer.allocUnsafe(key.length + extra + 1);
  let at = 0;
  for (const byte of key) {
    if (byte <= 1) {
      escaped[at] = 1;
      escaped[at + 1] = byte + 1;
      at += 2;
    } else {
      escaped[at] = byte;
      at += 1;
    }
  }
  escaped[at] = 0;
  return escaped;
}

/** Where the uploads of keys that begin with `prefix` start: the escape without its end mark. */
export function uploadsFrom(layer: LayerId, prefix: Uint8Array): Buffer {
  const escaped = escapeKey(prefix).subarray(0, -1);
  const key = withLayer(SPACE.upload, layer, escaped.length);
  key.set(escaped, 5);
  return key;
}

/** Every upload of exactly `objectKey`. */
export function uploadsOf(layer: LayerId, objectKey: Uint8Array): Bounds {
  const escaped = escapeKey(objectKey);
  const key = withLayer(SPACE.upload, layer, escaped.length);
  key.set(escaped, 5);
  return prefixBounds(key);
}

export function uploadKey(layer: LayerId, objectKey: Uint8Array, upload: UploadId): Buffer {
  const escaped = escapeKey(objectKey);
  const key = withLayer(SPACE.upload, layer, escaped.length + UPLOAD_ID_BYTES);
  // Only a key of some nine hundred NUL bytes gets here.
  if (key.length > KEY_BYTES_MAX) throw new FsError('NameTooLong', 'the key does not fit an upload record');
  key.set(escaped, 5);
  key.write(upload, 5 + escaped.length, 'hex');
  return key;
}

export function partKey(upload: UploadId, partNumber: number): Buffer {
  const key = Buffer.allocUnsafe(19);
  key[0] = SPACE.part;
  key.write(upload, 1, 'hex');
  key.writeUInt16BE(partNumber, 17);
  return key;
}
export function partsOf(upload: UploadId): Bounds {
  const prefix = Buffer.allocUnsafe(17);
  prefix[0] = SPACE.part;
  prefix.write(upload, 1, 'hex');
  return prefixBounds(prefix);
}
export const partNumberOfKey = (key: Uint8Array): number =>
  Buffer.from(key.buffer, key.byteOffset, key.byteLength).readUInt16BE(17);

export function completedKey(upload: UploadId): Buffer {
  const key = Buffer.allocUnsafe(17);
  key[0] = SPACE.completed;
  key.write(upload, 1, 'hex');
  return key;
}
