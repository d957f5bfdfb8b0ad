/** The file view: one promise a method, each one command or one read, save for the bytes of read and write. */

import type { Op, ReadTx } from '@facet/engine';
import { RecentCalls } from '../calls/recentCalls.ts';
import { Refusals } from '../calls/refusals.ts';
import type { Command, Commands } from '../commands/command.ts';
import { FsError, type Seen } from '../errors.ts';
import { loadUsage, viewVolume } from '../tree/scope.ts';
import { access, getattr, longName, lookup, readlink, root } from './lookup.ts';
import { attributesOf, findNode } from './nodes.ts';
import { type ReadServices, readFile } from './read.ts';
import { readdir } from './readdir.ts';
import {
  create,
  link,
  mkdir,
  mknod,
  remove,
  rename,
  rmdir,
  setattr,
  symlink,
  unchanged,
} from './repeated.ts';
import type { CallRef, FileRef, FileView } from './types.ts';
import { whereabouts } from './whereabouts.ts';
import { LastWritten, type WriteServices, writeFile } from './write.ts';

/** What an operation is on, by the part it plays. */
type On = { readonly [K in keyof Seen]?: FileRef };

type Args<M extends keyof FileView> = Parameters<FileView[M]>[0];
type Result<M extends keyof FileView> = ReturnType<FileView[M]>;

const ROLES = ['file', 'parent', 'target'] as const satisfies readonly (keyof Seen)[];

export class Files implements FileView {
  readonly #services: ReadServices & WriteServices;
  readonly #commands: Commands;
  readonly #refusals = new Refusals();
  /** Calls of SETATTR that were done: of some of them a full disk has no room for a record. */
  readonly #set = new RecentCalls<'done'>();

  constructor(services: ReadServices & Omit<WriteServices, 'lastWritten'>) {
    this.#services = { ...services, lastWritten: new LastWritten() };
    this.#commands = services.commands;
  }

  #read<A, R>(op: (tx: ReadTx, args: A) => Op<R>, args: A): Promise<R> {
    return this.#commands.read(op.name, (tx) => op(tx, args));
  }

  /** What a call was refused, it is refused again. */
  async #change<A extends { readonly call?: CallRef }, R>(
    command: Command<A, R>,
    args: A,
    on: On,
  ): Promise<R> {
    const { call } = args;
    const before = call && this.#refusals.of(call);
    if (before) throw before;
    if (call) {
      this.#refusals.forget(call);
      this.#set.forget(call);
    }
    try {
      return await this.#commands.run(command, args);
    } catch (cause) {
      const error = await this.#tell(on, cause);
      if (call && error instanceof FsError) this.#refusals.remember(call, error);
      throw error;
    }
  }

  async #told<R>(on: On, outcome: Promise<R>): Promise<R> {
    try {
      return await outcome;
    } catch (cause) {
      throw await this.#tell(on, cause);
    }
  }

  /** Adds to a refusal what is known of the files it is about. */
  async #tell(on: On, cause: unknown): Promise<unknown> {
    if (!(cause instanceof FsError)) return cause;
    const { code, message, isOfMetadata } = cause;
    return new FsError(code, message, { cause, isOfMetadata, seen: await this.#see(on) });
  }

  /** Nothing, where even that fails: the refusal matters more. */
  async #see(on: On): Promise<Seen> {
    try {
      return await this.#commands.read('see', (tx) => see(tx, on));
    } catch {
      return {};
    }
  }

  root(args: Args<'root'>): Result<'root'> {
    return this.#read(root, args);
  }

  lookup(args: Args<'lookup'>): Result<'lookup'> {
    return this.#told({ parent: args.parent }, this.#read(lookup, args));
  }

  findLongName(args: Args<'findLongName'>): Result<'findLongName'> {
    return this.#read(longName, args);
  }

  getattr(args: Args<'getattr'>): Result<'getattr'> {
    return this.#read(getattr, args);
  }

  access(args: Args<'access'>): Result<'access'> {
    return this.#told({ file: args.file }, this.#read(access, args));
  }

  async setattr(args: Args<'setattr'>): Result<'setattr'> {
    const { file, call } = args;
    if (call && this.#set.of(call)) return await this.#told({ file }, this.#read(unchanged, file));
    const done = await this.#change(setattr, args, { file });
    if (call) this.#set.remember(call, 'done');
    return done;
  }

  readlink(args: Args<'readlink'>): Result<'readlink'> {
    return this.#told({ file: args.file }, this.#read(readlink, args));
  }

  create(args: Args<'create'>): Result<'create'> {
    return this.#change(create, args, { parent: args.parent });
  }

  mkdir(args: Args<'mkdir'>): Result<'mkdir'> {
    return this.#change(mkdir, args, { parent: args.parent });
  }

  symlink(args: Args<'symlink'>): Result<'symlink'> {
    return this.#change(symlink, args, { parent: args.parent });
  }

  mknod(args: Args<'mknod'>): Result<'mknod'> {
    return this.#change(mknod, args, { parent: args.parent });
  }

  link(args: Args<'link'>): Result<'link'> {
    return this.#change(link, args, { file: args.file, parent: args.parent });
  }

  remove(args: Args<'remove'>): Result<'remove'> {
    return this.#change(remove, args, { parent: args.parent });
  }

  rmdir(args: Args<'rmdir'>): Result<'rmdir'> {
    return this.#change(rmdir, args, { parent: args.parent });
  }

  rename(args: Args<'rename'>): Result<'rename'> {
    return this.#change(rename, args, { parent: args.from.parent, target: args.to.parent });
  }

  readdir(args: Args<'readdir'>): Result<'readdir'> {
    return this.#told({ file: args.directory }, this.#read(readdir, args));
  }

  read(args: Args<'read'>): Result<'read'> {
    return this.#told({ file: args.file }, readFile(this.#services, args));
  }

  write(args: Args<'write'>): Result<'write'> {
    return this.#told({ file: args.file }, writeFile(this.#services, args));
  }

  async commit({ file }: Args<'commit'>): Result<'commit'> {
    const same = await this.getattr({ file });
    return { before: same, after: same };
  }

  whereabouts(args: Args<'whereabouts'>): Result<'whereabouts'> {
    return this.#read(whereabouts, args);
  }

  usage(args: Args<'usage'>): Result<'usage'> {
    return this.#commands.read('usage', function* (tx) {
      const view = yield* viewVolume(tx, args.volume);
      const { quota } = view.volume;
      const usage = yield* loadUsage(view);
      return quota ? { ...usage, quota } : usage;
    });
  }
}

function* see(tx: ReadTx, on: On): Op<Seen> {
  const seen: { -readonly [K in keyof Seen]: Seen[K] } = {};
  for (const role of ROLES) {
    const ref = on[role];
    if (!ref) continue;
    const view = yield* viewVolume(tx, ref.volume);
    const node = yield* findNode(view, ref.inode);
    if (node?.inode.generation === ref.generation) seen[role] = attributesOf(view, node);
  }
  return seen;
}
