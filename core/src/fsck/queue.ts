/** Uploads and their parts, and the two queues of the collector. */

import type { Location, PhysicalRun } from '@facet/extents';
import { FREE_SEQUENCE } from '../contents/bodies.ts';
import { contentId } from '../ids.ts';
import {
  completedKey,
  contentKey,
  layerBounds,
  partNumberOfKey,
  SPACE,
  sequenceOfKey,
  spaceBounds,
  uploadKey,
} from '../meta/keys.ts';
import { decodeContent } from '../meta/records/content.ts';
import { decodeFree, decodeReclaim, type ExtentPiece } from '../meta/records/space.ts';
import { decodeCompleted, decodePart, decodeUpload, type PartRecord } from '../meta/records/upload.ts';
import { stamps } from './mends/contents.ts';
import { removal } from './mends/mend.ts';
import { movesUpload } from './mends/space.ts';
import { decoded, type Inspection, quoted, readable } from './store.ts';

/** What waits in the free queue, by id. Held in memory: a few numbers a record. */
export interface Waiting {
  /** Contents, and how often each was freed. */
  readonly contents: ReadonlyMap<number, number>;
  readonly uploads: ReadonlySet<string>;
}

const QUEUE = 'the free queue';
/** No content has the greatest of numbers. */
const NO_CONTENT = contentId(Number.MAX_SAFE_INTEGER);

export async function checkQueue(inspection: Inspection): Promise<Waiting> {
  const { store, report, maxima } = inspection;
  const contents = new Map<number, number>();
  const uploads = new Set<string>();
  for await (const entry of store.entries(spaceBounds(SPACE.free))) {
    const sequence = sequenceOfKey(entry.key);
    maxima.note(FREE_SEQUENCE, sequence);
    const place = { what: `free record ${sequence}`, where: QUEUE };
    const record = readable(inspection, entry, { ...place, decode: decodeFree });
    if (record?.kind === 'upload') uploads.add(record.upload);
    if (record?.kind !== 'content') continue;
    const times = (contents.get(record.content) ?? 0) + 1;
    contents.set(record.content, times);
    const mend = removal(entry.key, place.what);
    if (times > 1) report('freedTwice', place, `content ${record.content} was freed before`, mend);
    const content = await store.get(contentKey(record.content));
    if (!content) report('freeRecordStray', place, `content ${record.content} does not exist`, mend);
    else if ((decoded(content, decodeContent)?.refs ?? 0) > 0) {
      report('freeRecordStray', place, `content ${record.content} is still referred to`, mend);
    }
  }
  for await (const entry of store.entries(spaceBounds(SPACE.reclaim))) {
    const sequence = sequenceOfKey(entry.key);
    maxima.note(FREE_SEQUENCE, sequence);
    const place = { what: `reclaim record ${sequence}`, where: QUEUE };
    const record = readable(inspection, entry, { ...place, decode: decodeReclaim });
    if (record && record.stamp !== sequence) {
      report('reclaimStampWrong', place, `its stamp is ${record.stamp}`, stamps(sequence));
    }
  }
  return { contents, uploads };
}

/** Bytes that wait to be found dead. */
export type WaitingBytes =
  | { readonly kind: 'pieces'; readonly pieces: readonly ExtentPiece[] }
  | { readonly kind: 'extent'; readonly location: Location }
  | { readonly kind: 'runs'; readonly runs: readonly PhysicalRun[] };

export async function* waitingBytes({ store }: Pick<Inspection, 'store'>): AsyncGenerator<WaitingBytes> {
  for await (const { value } of store.entries(spaceBounds(SPACE.free))) {
    const record = decoded(value, decodeFree);
    if (record?.kind === 'pieces' || record?.kind === 'extent') yield record;
  }
  for await (const { value } of store.entries(spaceBounds(SPACE.reclaim))) {
    const record = decoded(value, decodeReclaim);
    if (record) yield { kind: 'runs', runs: record.runs };
  }
}

/** Uploads lie under their keys, and every part under an upload that is open or waits to be cleared away. */
export async function checkUploads(inspection: Inspection, waiting: Waiting): Promise<void> {
  const { store, report, layers } = inspection;
  const open = new Set<string>();
  for (const [layer, volume] of layers) {
    const where = `volume ${volume.name}`;
    for await (const entry of store.entries(layerBounds(SPACE.upload, layer))) {
      const key = Buffer.from(entry.key);
      const what = `upload at ${key.toString('hex')}`;
      const record = readable(inspection, entry, { what, where, decode: decodeUpload });
      if (!record) continue;
      const place = { what: `upload ${record.upload}`, where };
      open.add(record.upload);
      if (!uploadKey(layer, record.key, record.upload).equals(key)) {
        const isTaken = (await store.get(uploadKey(layer, record.key, record.upload))) !== undefined;
        const mend = isTaken ? undefined : movesUpload(layer, key, record);
        report('uploadKeyWrong', place, `it is of key ${quoted(record.key)} and lies elsewhere`, mend);
      }
      if (await store.get(completedKey(record.upload))) {
        report('uploadStillOpen', place, 'it was completed');
      }
    }
  }
  for await (const entry of store.entries(spaceBounds(SPACE.completed))) {
    const what = `answer of upload ${uploadOfKey(entry.key)}`;
    readable(inspection, entry, { what, where: 'completed uploads', decode: decodeCompleted });
  }
  await checkParts(inspection, (upload) => open.has(upload) || waiting.uploads.has(upload));
}

const uploadOfKey = (key: Uint8Array): string => Buffer.from(key.subarray(1, 17)).toString('hex');

async function checkParts(inspection: Inspection, isKnown: (upload: string) => boolean): Promise<void> {
  const { store } = inspection;
  for await (const page of store.pages(spaceBounds(SPACE.part))) {
    const parts: { upload: string; partNumber: number; part: PartRecord }[] = [];
    for (const entry of page) {
      const upload = uploadOfKey(entry.key);
      const partNumber = partNumberOfKey(entry.key);
      const place = { what: `part ${partNumber}`, where: `upload ${upload}` };
      if (!isKnown(upload)) inspection.report('partWithoutUpload', place, 'the upload does not exist');
      const part = readable(inspection, entry, { ...place, decode: decodePart });
      if (part) parts.push({ upload, partNumber, part });
    }
    const contents = await store.getMany(parts.map(({ part }) => contentKey(part.content ?? NO_CONTENT)));
    for (const [index, { upload, partNumber, part }] of parts.entries()) {
      const content = decoded(contents[index], decodeContent);
      // One that does not exist is found where references are counted.
      const length = part.content === undefined ? 0 : (content?.lengthBytes ?? part.sizeBytes);
      if (length === part.sizeBytes) continue;
      const place = { what: `part ${partNumber}`, where: `upload ${upload}` };
      inspection.report('contentLengthWrong', place, `it has ${part.sizeBytes} bytes, its content ${length}`);
    }
  }
}
