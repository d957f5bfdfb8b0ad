/** CreateMultipartUpload, AbortMultipartUpload, and the listings of uploads and parts. */

import type { Op, ReadTx } from '@facet/engine';
import type { Command } from '../commands/command.ts';
import { enqueueFree } from '../contents/bodies.ts';
import { makeUploadId } from '../ids.ts';
import { prefixBounds, successor, uploadKey, uploadsFrom, uploadsOf } from '../meta/keys.ts';
import { decodeUpload, encodeUpload, type UploadRecord } from '../meta/records/upload.ts';
import { parseKey } from '../objects/path.ts';
import type { CreateUploadArgs, ObjectView, UploadInfo, UploadRef } from '../objects/types.ts';
import { changeVolume, type View, viewVolume } from '../tree/scope.ts';
import { describePart, describeUpload, loadParts, loadUpload } from './find.ts';

export const createUpload: Command<CreateUploadArgs, UploadInfo> = {
  name: 'createUpload',
  *run(tx, args, context) {
    const { layer } = yield* changeVolume(tx, args.volume, context);
    parseKey(args.key);
    const { volume: _volume, ...attributes } = args;
    const upload = makeUploadId(context.now, context.operationId);
    const record: UploadRecord = { ...attributes, upload, initiated: context.now };
    tx.put(uploadKey(layer, args.key, upload), encodeUpload(record));
    return describeUpload(record);
  },
};

export function* getUpload(tx: ReadTx, args: UploadRef): Op<UploadInfo> {
  const view = yield* viewVolume(tx, args.volume);
  return describeUpload(yield* loadUpload(view, args));
}

/** The parts go by the collector: there may be ten thousand. */
export const abortUpload: Command<UploadRef, UploadInfo> = {
  name: 'abortUpload',
  runsWhenFull: true,
  *run(tx, args, context) {
    const change = yield* changeVolume(tx, args.volume, context);
    const record = yield* loadUpload(change, args);
    tx.delete(uploadKey(change.layer, args.key, args.upload));
    yield* enqueueFree(change, { kind: 'upload', upload: args.upload });
    return describeUpload(record);
  },
};

export function* listParts(
  tx: ReadTx,
  args: Parameters<ObjectView['listParts']>[0],
): Op<Awaited<ReturnType<ObjectView['listParts']>>> {
  const view = yield* viewVolume(tx, args.volume);
  const upload = describeUpload(yield* loadUpload(view, args));
  const parts = yield* loadParts(view, { ...args, limit: args.limit + 1 });
  const truncated = parts.length > args.limit;
  return { upload, truncated, parts: parts.slice(0, args.limit).map(describePart) };
}

type ListArgs = Parameters<ObjectView['listUploads']>[0];
type ListResult = Awaited<ReturnType<ObjectView['listUploads']>>;

const UPLOADS_PER_READ = 256;

export function* listUploads(tx: ReadTx, args: ListArgs): Op<ListResult> {
  const view = yield* viewVolume(tx, args.volume);
  const { prefix, delimiter, limit } = args;
  const { end } = prefixBounds(uploadsFrom(view.layer, prefix));
  const entries: ListResult['entries'][number][] = [];
  let start = firstUpload(view, args);
  for (;;) {
    if (Buffer.compare(start, end) >= 0) return { entries, truncated: false };
    const wanted = Math.min(UPLOADS_PER_READ, limit - entries.length + 1);
    const page = yield* view.tx.range({ start, end, limit: wanted });
    if (page.length === 0) return { entries, truncated: false };
    for (const { key, value } of page) {
      if (entries.length === limit) return { entries, truncated: limit > 0 };
      const upload = describeUpload(decodeUpload(value));
      const at = delimiter.length > 0 ? upload.key.indexOf(delimiter, prefix.length) : -1;
      start = successor(key);
      if (at < 0) {
        entries.push({ kind: 'upload', ...upload });
        continue;
      }
      const common = upload.key.subarray(0, at + delimiter.length);
      entries.push({ kind: 'prefix', prefix: common });
      start = prefixBounds(uploadsFrom(view.layer, common)).end;
      break;
    }
  }
}

function firstUpload(view: View, { after, prefix, delimiter }: ListArgs): Buffer {
  const all = uploadsFrom(view.layer, prefix);
  if (!after) return all;
  const rolledUp = after.upload === undefined && isCommonPrefix(after.key, { prefix, delimiter });
  const start = after.upload
    ? successor(uploadKey(view.layer, after.key, after.upload))
    : rolledUp
      ? prefixBounds(uploadsFrom(view.layer, after.key)).end
      : uploadsOf(view.layer, after.key).end;
  return Buffer.compare(start, all) > 0 ? start : all;
}

/** Whether a listing of that prefix has keys rolled up under this one. */
function isCommonPrefix(key: Buffer, { prefix, delimiter }: Pick<ListArgs, 'prefix' | 'delimiter'>): boolean {
  if (delimiter.length === 0 || !key.subarray(0, prefix.length).equals(prefix)) return false;
  const at = key.indexOf(delimiter, prefix.length);
  return at >= 0 && at + delimiter.length === key.length;
}
