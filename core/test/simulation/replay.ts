/** Does to the models what a committed command did to the store. */

import {
  type AttributeChanges,
  type CallRef,
  type CopyObjectArgs,
  type CopyPartArgs,
  type CreateArgs,
  type CreateUploadArgs,
  type FileRef,
  type LinkArgs,
  type LockHost,
  type MkdirArgs,
  type MknodArgs,
  type ObjectView,
  type PutObjectArgs,
  type PutPartArgs,
  type RemoveArgs,
  type RenameArgs,
  ROOT_INODE,
  type SetattrArgs,
  type StagedBody,
  type SymlinkArgs,
  type UploadRef,
  type VolumeId,
  type WritePrecondition,
} from '../../src/index.ts';
import type { CompleteArgs } from '../../src/multipart/complete.ts';
import { etagText } from '../../src/objects/etag.ts';
import { dataDiffers, inodeAt, uploadsAt, volumeNamed } from './committedRecords.ts';
import { Broken } from './invariants.ts';
import { Model, type ModelNode, type Posix } from './model.ts';
import { type ModelUpload, ModelUploads } from './modelUploads.ts';
import type { UnderWay } from './observed.ts';
import type { World } from './world.ts';

type PartRef = Pick<CopyPartArgs, 'volume' | 'key' | 'upload' | 'partNumber' | 'md5'>;

/** Of root, as which all clients by name come. */
const ROOTS = { uid: 0, gid: 0 };
const TAGLESS = '[]';

export class Replay {
  readonly #world: World;
  readonly #models = new Map<VolumeId, Model>();
  /** By content id: what was staged under it. */
  readonly #staged = new Map<number, Buffer>();
  readonly #uploads = new ModelUploads();
  readonly #lockHosts = new Set<string>();
  /** By file: what the client that made it said. */
  readonly #verifiers = new Map<string, string>();
  /** Calls that committed. */
  readonly #done = new Set<number>();
  /** What PUTs that committed said, by which each is known. */
  readonly #puts = new Set<string>();
  readonly #watchers = new Set<() => void>();

  constructor(world: World) {
    this.#world = world;
  }

  /** Says what bytes a staged body stands for. */
  remember(body: StagedBody, bytes: Buffer): StagedBody {
    if (body.kind === 'extent') this.#staged.set(body.contentId, bytes);
    return body;
  }

  /** Whether a call of a client was done. */
  isDone(call: CallRef): boolean {
    return this.#done.has(call.xid);
  }

  /** Whether a PUT that said so was done. */
  isPut(mark: string): boolean {
    return this.#puts.has(mark);
  }

  /** @param told of each commit, once the models have followed it. @returns ends that */
  watch(told: () => void): () => void {
    this.#watchers.add(told);
    return () => this.#watchers.delete(told);
  }

  /** Of what does no harm twice nothing new is remembered on a full disk. */
  get forgetsSome(): boolean {
    return this.#world.mayFill;
  }

  model(volume: VolumeId): Model {
    const model = this.#models.get(volume);
    if (!model)
      throw new Broken('commandsAreSerial', `the store changed volume ${volume}, which should not exist`);
    return model;
  }

  get volumes(): readonly VolumeId[] {
    return [...this.#models.keys()];
  }

  /** One under way; undefined when it is over, or its volume is gone. */
  upload(ref: UploadRef): ModelUpload | undefined {
    return this.#models.has(ref.volume) ? this.#uploads.find(ref) : undefined;
  }

  /** Those under way, in the order of a listing; undefined when the volume is gone. */
  uploads(volume: VolumeId): readonly ModelUpload[] | undefined {
    return this.#models.has(volume) ? this.#uploads.of(volume) : undefined;
  }

  /** All that were ever begun. */
  get uploadsBegun(): readonly ModelUpload[] {
    return this.#uploads.all;
  }

  get lockHosts(): ReadonlySet<string> {
    return this.#lockHosts;
  }

  /** @param sent what came with the command: of a body that the store's process has staged */
  #bytesOf(body: StagedBody, sent: Buffer | undefined): Buffer {
    if (body.kind === 'empty') return Buffer.alloc(0);
    if (body.kind === 'inline' || body.kind === 'loose') return Buffer.from(body.bytes);
    const bytes = this.#staged.get(body.contentId) ?? sent;
    if (bytes) this.#staged.set(body.contentId, bytes);
    else throw new Error(`nobody staged content ${body.contentId}`);
    return bytes;
  }

  commit({ name, args }: UnderWay, data: Buffer | undefined): void {
    const { call, ifCtime } = args as { readonly call?: CallRef; readonly ifCtime?: unknown };
    // On a full disk nothing new is remembered of a setattr that nothing guards.
    const mayBeAgain = name === 'setattr' && ifCtime === undefined && this.forgetsSome;
    if (call && this.#done.has(call.xid) && !mayBeAgain)
      throw new Broken('callsAreDoneOnce', `the store did call ${call.xid} twice: ${name}`);
    if (call) this.#done.add(call.xid);
    this.#effects[name]?.(args as never, data);
    for (const told of this.#watchers) told();
  }

  /** By command; the others change nothing that a client can see. */
  readonly #effects: Readonly<Record<string, (args: never, data: Buffer | undefined) => unknown>> = {
    createVolume: ({ name }: { readonly name: string }) => {
      const volume = volumeNamed(this.#world.committed, name);
      const peek: ConstructorParameters<typeof Model>[0] = (parent, entry) =>
        inodeAt(this.#world.committed, { volume, parent, name: entry });
      this.#models.set(volume.id, new Model(peek, volume.defaults));
    },
    deleteVolume: ({ volume }: { readonly volume: VolumeId }) => {
      if (this.model(volume).node(ROOT_INODE).entries.size > 0)
        throw new Broken('commandsAreSerial', `the store deleted volume ${volume}, which holds something`);
      this.#models.delete(volume);
    },
    putObject: (args: PutObjectArgs, data) => {
      const { volume, key, body, etag, userMetadata, tags } = args;
      const { mark } = userMetadata;
      this.#mustBeNew(mark);
      this.#mustHold(args);
      const said = { etag: etagText(etag), mark, tags: asText(tags) };
      this.model(volume).put(key, this.#bytesOf(body, data), said);
    },
    deleteObject: (args: Parameters<ObjectView['delete']>[0]) => {
      this.#mustHold(args);
      this.model(args.volume).delete(args.key);
    },
    copyObject: (args: CopyObjectArgs) => this.#copy(args),
    setTags: ({ volume, key, tags }: Parameters<ObjectView['setTags']>[0]) => {
      const object = this.#object({ volume, key });
      object.said = { ...object.said, tags: asText(tags) };
    },
    createUpload: (args: CreateUploadArgs) => this.#begin(args),
    putPart: (args: PutPartArgs & { content: number }, data) => {
      const { body, content } = args;
      // A small part gets the id it was given, a large one has its own.
      if (body.kind !== 'extent') this.#staged.set(content, this.#bytesOf(body, data));
      this.#storePart(args, this.#bytesOf(body, data));
    },
    copyPart: (args: CopyPartArgs & { content: number }) => {
      const { source, content } = args;
      const { range } = source;
      const { bytes: all } = this.#object(source);
      const bytes = range ? all.subarray(range.start, range.end + 1) : all;
      this.#staged.set(content, bytes);
      this.#storePart(args, bytes);
    },
    completeUpload: ({ volume, key, upload, parts, etag, precondition }: CompleteArgs) => {
      this.#mustHold({ volume, key, ...(precondition && { precondition }) });
      const bytes = parts.map(({ part }) => this.#staged.get(part.content ?? 0) ?? Buffer.alloc(0));
      const { mark } = this.#uploads.end({ volume, key, upload });
      const said = { etag: etagText(etag), mark, tags: TAGLESS };
      this.model(volume).put(key, Buffer.concat(bytes), said);
    },
    abortUpload: (ref: UploadRef) => this.#uploads.end(ref),
    create: (args: CreateArgs) => this.#create(args),
    mkdir: ({ parent, name, attributes }: MkdirArgs) =>
      this.#make({ parent, name }, { type: 'directory', posix: posixOf(attributes, 0o700) }),
    symlink: ({ parent, name, target }: SymlinkArgs) =>
      this.#make({ parent, name }, { type: 'symlink', posix: { ...ROOTS, mode: 0o777 }, target }),
    mknod: ({ parent, name, type, attributes }: MknodArgs) =>
      this.#make({ parent, name }, { type, posix: posixOf(attributes, 0o600) }),
    link: ({ file, parent, name }: LinkArgs) => this.model(file.volume).link(file.inode, parent.inode, name),
    remove: (args: RemoveArgs) => this.#remove(args),
    rmdir: (args: RemoveArgs) => this.#remove(args),
    rename: ({ from, to, silly }: RenameArgs) => {
      const model = this.model(from.parent.volume);
      const entry = model.form(from.parent.inode, from.name, from.directory);
      const source = { parent: from.parent.inode, entry };
      model.rename(source, { parent: to.parent.inode, name: to.name, silly: silly === true });
    },
    setattr: ({ file, changes }: SetattrArgs) => {
      const model = this.model(file.volume);
      const { sizeBytes, mode, uid, gid } = changes;
      if (sizeBytes !== undefined) model.truncate(file.inode, sizeBytes);
      model.give(file.inode, {
        ...(mode !== undefined && { mode }),
        ...(uid !== undefined && { uid }),
        ...(gid !== undefined && { gid }),
      });
    },
    writeFile: ({ target: { file, offset } }: { target: { file: FileRef; offset: number } }, data) => {
      // A write whose bytes were for a content the file no longer has commits too, and changes nothing.
      const { committedBefore, committed } = this.#world;
      if (!dataDiffers(committedBefore, committed, file)) return;
      if (!data) throw new Error('a write without bytes');
      this.model(file.volume).write(file.inode, offset, data);
    },
    recordLockHost: ({ host, holds }: { readonly host: LockHost; readonly holds: boolean }) => {
      if (holds) this.#lockHosts.add(host.name);
      else this.#lockHosts.delete(host.name);
    },
  };

  #mustBeNew(mark: string | undefined): void {
    if (mark === undefined) return;
    if (this.#puts.has(mark))
      throw new Broken('callsAreDoneOnce', `the store did the PUT of mark ${mark} twice`);
    this.#puts.add(mark);
  }

  /** What a writer demanded of what is there, which was checked before. */
  #mustHold(args: {
    readonly volume: VolumeId;
    readonly key: Buffer;
    readonly precondition?: WritePrecondition;
  }): void {
    const { ifMatch, ifNoneMatch } = args.precondition ?? {};
    const object = this.model(args.volume).object(args.key);
    if (ifNoneMatch?.includes('*') && object)
      throw new Broken('preconditionsHold', `the store replaced ${args.key}, though nothing was to be there`);
    if (!ifMatch) return;
    const etag = object?.said.etag;
    if (!object || (etag !== undefined && !ifMatch.includes(etag)))
      throw new Broken(
        'preconditionsHold',
        `the store replaced ${args.key} of etag ${etag}, which was to be ${ifMatch}`,
      );
  }

  #object({ volume, key }: { readonly volume: VolumeId; readonly key: Buffer }): ModelNode {
    const object = this.model(volume).object(key);
    if (!object) throw new Broken('commandsAreSerial', `the store found ${key}, which was not there`);
    return object;
  }

  #copy(args: CopyObjectArgs): void {
    const { source, target, attributes, tags } = args;
    this.#mustHold({ ...target, ...(args.precondition && { precondition: args.precondition }) });
    const object = this.#object(source);
    const said = {
      etag: object.said.etag,
      mark: attributes ? attributes.userMetadata.mark : object.said.mark,
      tags: tags ? asText(tags) : object.said.tags,
    };
    const model = this.model(target.volume);
    if (model.object(target.key) === object) object.said = said;
    else model.put(target.key, object.bytes, said);
  }

  /** Its id, and when it began, are the store's to say. */
  #begin({ volume, key, userMetadata: { mark } }: CreateUploadArgs): void {
    const known = new Set(this.#uploads.of(volume).map(({ upload }) => upload));
    const [begun, more] = uploadsAt(this.#world.committed, { volume, key }).filter(
      ({ upload }) => !known.has(upload),
    );
    if (!begun || more)
      throw new Broken(
        'commandsAreSerial',
        `the store began ${begun ? 'two uploads' : 'no upload'} of ${key}`,
      );
    this.#uploads.begin({ volume, key, upload: begun.upload, initiated: begun.initiated, mark });
  }

  #storePart(part: PartRef, bytes: Buffer): void {
    const etag = Buffer.from(part.md5 ?? []).toString('hex');
    this.#uploads.storePart(part, part.partNumber, { etag, bytes });
  }

  #make(at: Pick<MkdirArgs, 'parent' | 'name'>, made: Parameters<Model['make']>[2]): ModelNode {
    const { parent, name } = at;
    const model = this.model(parent.volume);
    if (model.named(parent.inode, name))
      throw new Broken('commandsAreSerial', `the store made ${name} where one was`);
    return model.make(parent.inode, name, made);
  }

  #create({ parent, name, how }: CreateArgs): void {
    const model = this.model(parent.volume);
    const old = model.named(parent.inode, name);
    const verifier = how.kind === 'exclusive' ? how.verifier.toString('hex') : undefined;
    const isAgain =
      verifier !== undefined && old && this.#verifiers.get(fileName(parent.volume, old)) === verifier;
    if (old && !isAgain && how.kind !== 'unchecked')
      throw new Broken('commandsAreSerial', `the store made ${name} where one was`);
    if (!old) {
      const posix = how.kind === 'exclusive' ? { ...ROOTS, mode: 0o600 } : posixOf(how.attributes, 0o600);
      const node = model.make(parent.inode, name, { type: 'file', posix });
      if (verifier !== undefined) this.#verifiers.set(fileName(parent.volume, node), verifier);
    }
    const node = model.named(parent.inode, name);
    const sizeBytes = how.kind === 'exclusive' ? undefined : how.attributes.sizeBytes;
    if (node && sizeBytes !== undefined) model.truncate(node.id, sizeBytes);
  }

  #remove({ parent, name, directory }: RemoveArgs): void {
    const model = this.model(parent.volume);
    model.remove(parent.inode, model.form(parent.inode, name, directory));
  }
}

const asText = (tags: PutObjectArgs['tags']): string => JSON.stringify(tags ?? []);

const fileName = (volume: VolumeId, { id }: ModelNode): string => `${volume}/${id}`;

const posixOf = ({ mode, uid, gid }: AttributeChanges, otherwise: number): Posix => ({
  mode: mode ?? otherwise,
  uid: uid ?? ROOTS.uid,
  gid: gid ?? ROOTS.gid,
});
