/**
 * WRITE: bytes are made durable first, under the id of the content that is to name them, and then mapped.
 *
 * The content can change in between (S3 swaps it, a copy seals it, a truncation makes it small): then the bytes
 * are given up and the write begins again. A file that has no content of its own gets one before its bytes are
 * stored, so that many writers of a new file do not each make one; only a write at the start, which for a small
 * file is the only one, brings its own.
 *
 * Most writes follow another one to the same file: they try its content without a look. Whether that is the right one,
 * and whether the caller may write, is seen when the bytes are mapped.
 */

import type { Op, ReadTx } from '@facet/engine';
import type { ExtentOwner, ExtentStore, Location } from '@facet/extents';
import type { Command, Commands } from '../commands/command.ts';
import { enqueueFree } from '../contents/bodies.ts';
import { publishing } from '../contents/discard.ts';
import { type BodyOwner, type Destination, destinationOf, editBody, ownContent } from '../contents/edit.ts';
import { fromExtents } from '../contents/read.ts';
import { FsError } from '../errors.ts';
import type { ContentId } from '../ids.ts';
import { LastUsed } from '../lastUsed.ts';
import type { Inode } from '../meta/records/inode.ts';
import type { StoredBody } from '../objects/types.ts';
import { type Found, storeInode } from '../tree/inodes.ts';
import { changeVolume, type View, viewVolume } from '../tree/scope.ts';
import { checkExtentOfFile, mustBeFile, storeChanged } from './changed.ts';
import { attributesOf, attributesOfBoth, loadNode, type Node } from './nodes.ts';
import { mustBeWritable } from './permission.ts';
import type { BeforeAfter, Caller, FileRef, WriteArgs } from './types.ts';

/** Longer writes get a container of their own: one for every call of a client that writes a file through would be many. */
const PACKED_BYTES_MAX = 1 << 20;
/** So often a file may be swapped under a write before the write gives up. */
const ATTEMPTS_MAX = 16;

export interface WriteServices {
  readonly commands: Commands;
  readonly extents: ExtentStore;
  readonly nextContentId: () => Promise<ContentId>;
  readonly lastWritten: LastWritten;
}

const LAST_WRITTEN_MAX = 10_000;

/** The contents that writes went to last. Where one failed since, the next one looks first. */
export class LastWritten {
  readonly #contents = new LastUsed<string, ContentId>(LAST_WRITTEN_MAX);

  of(file: FileRef): ContentId | undefined {
    return this.#contents.get(nameOf(file));
  }

  set(file: FileRef, content: ContentId): void {
    this.#contents.set(nameOf(file), content);
  }

  forget(file: FileRef): void {
    this.#contents.delete(nameOf(file));
  }
}

function nameOf({ volume, inode, generation }: FileRef): string {
  return `${volume}/${inode}/${generation}`;
}

type Written = BeforeAfter & { readonly lengthBytes: number };

/** Where the bytes go. */
type Place =
  | Exclude<Destination, { readonly kind: 'content' }>
  | { readonly kind: 'content'; readonly content: ContentId };

/** What is written: all that its steps need to know. */
interface Target {
  readonly caller: Caller;
  readonly file: FileRef;
  readonly offset: number;
  readonly lengthBytes: number;
}

export async function writeFile(services: WriteServices, args: WriteArgs): Promise<Written> {
  const { caller, file, offset, data } = args;
  const lengthBytes = data.reduce((sum, chunk) => sum + chunk.length, 0);
  if (offset < 0) throw new FsError('Invalid', `nothing can be written at ${offset}`);
  checkExtentOfFile({ end: offset + lengthBytes, what: `a write of ${lengthBytes} bytes at ${offset}` });
  const target = { caller, file, offset, lengthBytes };
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const staged = await stage(services, { target, data, first: attempt === 0 });
    const outcome = await publish(services, { target, staged });
    if (outcome.kind === 'written') return outcome.written;
  }
  throw new FsError('Busy', `inode ${file.inode} was replaced ${ATTEMPTS_MAX} times during one write`);
}

/** @throws FsError, with the bytes given up */
async function publish(
  services: WriteServices,
  write: { readonly target: Target; readonly staged: Staged },
): Promise<Outcome> {
  const { commands, lastWritten } = services;
  const { file } = write.target;
  const body: StoredBody = write.staged.bytes;
  let outcome: Outcome | undefined;
  try {
    outcome = await publishing(commands, body, () => commands.run(mapWritten, write));
    return outcome;
  } finally {
    if (outcome?.kind === 'written' && body.kind === 'extent') lastWritten.set(file, body.contentId);
    else lastWritten.forget(file);
  }
}

/** Durable bytes, and whether the content they are written for is yet to be made. */
interface Staged {
  readonly bytes: StoredBody;
  readonly isNew: boolean;
}

async function stage(
  services: WriteServices,
  write: { readonly target: Target; readonly data: readonly Uint8Array[]; readonly first: boolean },
): Promise<Staged> {
  const { target, data } = write;
  const { offset, lengthBytes } = target;
  if (lengthBytes === 0) return { bytes: { kind: 'empty', lengthBytes: 0 }, isNew: false };
  const known = services.lastWritten.of(target.file);
  const destination: Place = known
    ? { kind: 'content', content: known }
    : await services.commands.read('writeFile', (tx) => planWrite(tx, target));
  if (destination.kind === 'inline') {
    return { bytes: { kind: 'inline', lengthBytes, bytes: Buffer.concat(data) }, isNew: false };
  }
  const isNew = destination.kind === 'new' && offset === 0 && write.first;
  const contentId = await contentFor(services, { destination, target, isNew });
  const owner = { contentId, fileOffset: offset };
  const location = await store(services.extents, { owner, data, lengthBytes });
  return { bytes: { kind: 'extent', lengthBytes, contentId, location }, isNew };
}

async function contentFor(
  services: WriteServices,
  wanted: { readonly destination: Place; readonly target: Target; readonly isNew: boolean },
): Promise<ContentId> {
  const { destination, target, isNew } = wanted;
  if (destination.kind === 'content') return destination.content;
  return isNew ? services.nextContentId() : services.commands.run(prepareContent, target);
}

/** @throws FsError NoSpace | Failed | Closed */
async function store(
  extents: ExtentStore,
  bytes: {
    readonly owner: ExtentOwner;
    readonly data: readonly Uint8Array[];
    readonly lengthBytes: number;
  },
): Promise<Location> {
  const { owner, data, lengthBytes } = bytes;
  try {
    if (lengthBytes <= PACKED_BYTES_MAX) return await extents.append({ owner, data });
  } catch (error) {
    throw fromExtents(error);
  }
  const writer = extents.create(owner);
  try {
    for (const chunk of data) await writer.write(chunk);
    return await writer.finish();
  } catch (error) {
    await writer.abort();
    throw fromExtents(error);
  }
}

/** @throws FsError Stale | IsDirectory | Invalid | AccessDenied */
function* writable(view: View, { caller, file }: Target): Op<Node> {
  const node = yield* loadNode(view, file);
  mustBeFile(node);
  mustBeWritable(caller, node);
  return node;
}

function ownerOf({ id, inode }: Found): BodyOwner {
  return { inode: id, body: inode.body, sizeBytes: inode.sizeBytes };
}

function editOf(inode: Inode, { offset, lengthBytes }: Target) {
  return {
    span: { start: offset, lengthBytes },
    lengthBytes: Math.max(inode.sizeBytes, offset + lengthBytes),
  };
}

function* planWrite(tx: ReadTx, target: Target): Op<Destination> {
  const view = yield* viewVolume(tx, target.file.volume);
  const node = yield* writable(view, target);
  return yield* destinationOf(view, ownerOf(node), editOf(node.inode, target));
}

/** Gives a file a content that a write may name its bytes for. What the file holds does not change. */
const prepareContent: Command<Target, ContentId> = {
  name: 'prepareContent',
  *run(tx, target, context) {
    const change = yield* changeVolume(tx, target.file.volume, context);
    const node = yield* writable(change, target);
    const destination = yield* destinationOf(change, ownerOf(node), editOf(node.inode, target));
    if (destination.kind === 'content') return destination.content;
    const content = yield* ownContent(change, ownerOf(node));
    storeInode(change, node.id, { ...node.inode, body: { kind: 'content', content } });
    return content;
  },
};

type Outcome =
  | { readonly kind: 'written'; readonly written: Written }
  /** The bytes are not for the content that the file has by now. */
  | { readonly kind: 'elsewhere' };

const mapWritten: Command<{ readonly target: Target; readonly staged: Staged }, Outcome> = {
  name: 'writeFile',
  *run(tx, { target, staged }, context) {
    const change = yield* changeVolume(tx, target.file.volume, context);
    const node = yield* writable(change, target);
    const { bytes, isNew } = staged;
    const { lengthBytes } = target;
    if (bytes.kind === 'empty') {
      const same = attributesOf(change, node);
      return { kind: 'written', written: { before: same, after: same, lengthBytes } };
    }
    const edit = editOf(node.inode, target);
    const body = yield* editBody(change, ownerOf(node), {
      ...edit,
      bytes:
        bytes.kind === 'inline'
          ? bytes
          : { kind: 'extent', content: bytes.contentId, isNew, location: bytes.location },
    });
    if (!body) {
      if (bytes.kind === 'extent') yield* enqueueFree(change, { kind: 'extent', location: bytes.location });
      return { kind: 'elsewhere' };
    }
    const next = { caller: target.caller, body, sizeBytes: edit.lengthBytes };
    const after = { id: node.id, inode: yield* storeChanged(change, node, next) };
    return { kind: 'written', written: { ...attributesOfBoth(change, node, after), lengthBytes } };
  },
};
