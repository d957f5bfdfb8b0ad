/** The object view: each method is one command or one read, around bytes staged before. */

import type { ExtentStore } from '@facet/extents';
import type { Commands } from '../commands/command.ts';
import type { ContentIds } from '../contents/bodies.ts';
import { discardBody, publishing } from '../contents/discard.ts';
import type { RememberedPlaces } from '../contents/remembered.ts';
import type { Scratch } from '../contents/scratch.ts';
import type { Staging } from '../contents/staging.ts';
import { completeUpload, inspectUpload } from '../multipart/complete.ts';
import { describePart } from '../multipart/find.ts';
import { checkSharable, copyPart, putPart } from '../multipart/parts.ts';
import { abortUpload, createUpload, getUpload, listParts, listUploads } from '../multipart/uploads.ts';
import type { Pins } from '../space/pins.ts';
import { copyObject } from './copy.ts';
import { deleteObject } from './delete.ts';
import { listObjects } from './list.ts';
import { headObject, openObject } from './open.ts';
import { putObject } from './put.ts';
import { getTags, setTags } from './tags.ts';
import type {
  BodyWriter,
  CompleteUploadArgs,
  CompleteUploadResult,
  CopyPartArgs,
  ObjectView,
  PutObjectArgs,
  PutObjectResult,
  PutPartArgs,
  StagedBody,
  StoredPart,
} from './types.ts';

export interface ObjectsParts {
  readonly commands: Commands;
  readonly staging: Staging;
  readonly extents: ExtentStore;
  readonly places: RememberedPlaces;
  readonly pins: Pins;
  readonly contentIds: ContentIds;
  readonly scratch: Scratch;
}

type Args<M extends keyof ObjectView> = Parameters<ObjectView[M]>[0];

export class Objects implements ObjectView {
  readonly #parts: ObjectsParts;
  readonly #commands: Commands;

  constructor(parts: ObjectsParts) {
    this.#parts = parts;
    this.#commands = parts.commands;
  }

  stage(hint: Args<'stage'>): BodyWriter {
    return this.#parts.staging.writer(hint);
  }

  discard(body: StagedBody): Promise<void> {
    return discardBody(this.#commands, body);
  }

  put(args: PutObjectArgs): Promise<PutObjectResult> {
    return publishing(this.#commands, args.body, () => this.#commands.run(putObject, args));
  }

  head(args: Args<'head'>): ReturnType<ObjectView['head']> {
    return this.#commands.read('headObject', (tx) => headObject(tx, args));
  }

  open(args: Args<'open'>): ReturnType<ObjectView['open']> {
    return openObject(this.#parts, args);
  }

  delete(args: Args<'delete'>): ReturnType<ObjectView['delete']> {
    return this.#commands.run(deleteObject, args);
  }

  copy(args: Args<'copy'>): ReturnType<ObjectView['copy']> {
    return this.#commands.run(copyObject, args);
  }

  list(args: Args<'list'>): ReturnType<ObjectView['list']> {
    return this.#commands.read('listObjects', (tx) => listObjects(tx, args));
  }

  getTags(args: Args<'getTags'>): ReturnType<ObjectView['getTags']> {
    return this.#commands.read('getTags', (tx) => getTags(tx, args));
  }

  setTags(args: Args<'setTags'>): ReturnType<ObjectView['setTags']> {
    return this.#commands.run(setTags, args);
  }

  createUpload(args: Args<'createUpload'>): ReturnType<ObjectView['createUpload']> {
    return this.#commands.run(createUpload, args);
  }

  getUpload(args: Args<'getUpload'>): ReturnType<ObjectView['getUpload']> {
    return this.#commands.read('getUpload', (tx) => getUpload(tx, args));
  }

  putPart(args: PutPartArgs): Promise<StoredPart> {
    return publishing(this.#commands, args.body, async () => {
      const content = await this.#parts.contentIds.next();
      return this.#commands.run(putPart, { ...args, content });
    });
  }

  async copyPart(args: CopyPartArgs): Promise<StoredPart> {
    const content = await this.#parts.contentIds.next();
    return this.#commands.run(copyPart, { ...args, content });
  }

  async checkSharable(args: CopyPartArgs): Promise<void> {
    await this.#commands.read('checkSharable', (tx) => checkSharable(tx, args));
  }

  listParts(args: Args<'listParts'>): ReturnType<ObjectView['listParts']> {
    return this.#commands.read('listParts', (tx) => listParts(tx, args));
  }

  listUploads(args: Args<'listUploads'>): ReturnType<ObjectView['listUploads']> {
    return this.#commands.read('listUploads', (tx) => listUploads(tx, args));
  }

  async completeUpload(args: CompleteUploadArgs): Promise<CompleteUploadResult> {
    const inspected = await this.#commands.read('completeUpload', (tx) => inspectUpload(tx, args));
    if (inspected.kind === 'completed') return inspected.result;
    const { volume, key, upload, precondition } = args;
    const { parts } = inspected;
    return this.#commands.run(completeUpload, {
      volume,
      key,
      upload,
      parts,
      ...args.combine(parts.map(describePart)),
      ...(precondition && { precondition }),
      content: await this.#parts.contentIds.next(),
    });
  }

  abortUpload(args: Args<'abortUpload'>): ReturnType<ObjectView['abortUpload']> {
    return this.#commands.run(abortUpload, args);
  }
}
