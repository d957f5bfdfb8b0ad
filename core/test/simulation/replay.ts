/** Does to the model what a committed command did to the store. */

import type {
  CallRef,
  CopyObjectArgs,
  CreateArgs,
  FileRef,
  LinkArgs,
  MkdirArgs,
  PutObjectArgs,
  RemoveArgs,
  RenameArgs,
  SetattrArgs,
  StagedBody,
} from '../../src/index.ts';
import type { CompleteArgs } from '../../src/multipart/complete.ts';
import type { Model } from './model.ts';
import type { UnderWay, World } from './world.ts';

export class Replay {
  readonly #model: Model;
  readonly #world: World;
  /** By content id: what was staged under it. */
  readonly #staged = new Map<number, Buffer>();

  /** Calls that committed. */
  readonly #done = new Set<number>();

  constructor(model: Model, world: World) {
    this.#model = model;
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

  #bytesOf(body: StagedBody): Buffer {
    if (body.kind === 'empty') return Buffer.alloc(0);
    if (body.kind === 'inline' || body.kind === 'loose') return Buffer.from(body.bytes);
    const bytes = this.#staged.get(body.contentId);
    if (!bytes) throw new Error(`nobody staged content ${body.contentId}`);
    return bytes;
  }

  commit({ name, args }: UnderWay, data: Buffer | undefined): void {
    const { call } = args as { readonly call?: CallRef };
    if (call && this.#done.has(call.xid)) throw new Error(`the store did call ${call.xid} twice: ${name}`);
    if (call) this.#done.add(call.xid);
    this.#effects[name]?.(args as never, data);
  }

  /** By command; the others change nothing that a client can see. */
  readonly #effects: Readonly<Record<string, (args: never, data: Buffer | undefined) => unknown>> = {
    putObject: ({ key, body }: PutObjectArgs) => this.#model.put(key, this.#bytesOf(body)),
    deleteObject: ({ key }: { key: Buffer }) => this.#model.delete(key),
    copyObject: ({ source, target }: CopyObjectArgs) => {
      const bytes = this.#model.get(source.key);
      if (!bytes) throw new Error(`the store copied ${source.key}, which was not there`);
      this.#model.put(target.key, bytes);
    },
    putPart: ({ body, content }: { body: StagedBody; content: number }) => {
      // A small part gets the id it was given, a large one has its own.
      if (body.kind !== 'extent') this.#staged.set(content, this.#bytesOf(body));
    },
    completeUpload: ({ key, parts }: CompleteArgs) => {
      const bytes = parts.map(({ part }) => this.#staged.get(part.content ?? 0) ?? Buffer.alloc(0));
      this.#model.put(key, Buffer.concat(bytes));
    },
    create: ({ parent, name }: CreateArgs) => this.#model.make(parent.inode, { name, directory: false }),
    mkdir: ({ parent, name }: MkdirArgs) => this.#model.make(parent.inode, { name, directory: true }),
    link: ({ file, parent, name }: LinkArgs) => this.#model.link(file.inode, parent.inode, name),
    remove: (args: RemoveArgs) => this.#remove(args),
    rmdir: (args: RemoveArgs) => this.#remove(args),
    rename: ({ from, to, silly }: RenameArgs) => {
      const entry = this.#model.form(from.parent.inode, from.name, from.directory);
      const source = { parent: from.parent.inode, entry };
      this.#model.rename(source, { parent: to.parent.inode, name: to.name, silly: silly === true });
    },
    setattr: ({ file, changes }: SetattrArgs) => {
      if (changes.sizeBytes !== undefined) this.#model.truncate(file.inode, changes.sizeBytes);
    },
    writeFile: ({ target }: { target: { file: FileRef; offset: number } }, data) => {
      // A write whose bytes were for a content the file no longer has commits too, and changes nothing.
      if (!this.#world.dataChanged(target.file.inode)) return;
      if (!data) throw new Error('a write without bytes');
      this.#model.write(target.file.inode, target.offset, data);
    },
  };

  #remove({ parent, name, directory }: RemoveArgs): void {
    this.#model.remove(parent.inode, this.#model.form(parent.inode, name, directory));
  }
}
