/** The file view: one promise a method, each one command or one read, save for the bytes of read and write. */

import type { Op, ReadTx } from '@facet/engine';
import type { CommandRunner } from '../commands/command.ts';
import { loadUsage, viewVolume } from '../tree/scope.ts';
import { create, mkdir, mknod, symlink } from './create.ts';
import { link } from './link.ts';
import { access, getattr, longName, lookup, readlink, root } from './lookup.ts';
import { type ReadServices, readFile } from './read.ts';
import { readdir } from './readdir.ts';
import { remove, rmdir } from './remove.ts';
import { rename } from './rename.ts';
import { setattr } from './setattr.ts';
import type { FileView } from './types.ts';
import { type WriteServices, writeFile } from './write.ts';

type Args<M extends keyof FileView> = Parameters<FileView[M]>[0];
type Result<M extends keyof FileView> = ReturnType<FileView[M]>;

export class Files implements FileView {
  readonly #services: ReadServices & WriteServices;
  readonly #commands: CommandRunner;

  constructor(services: ReadServices & WriteServices) {
    this.#services = services;
    this.#commands = services.commands;
  }

  #read<A, R>(op: (tx: ReadTx, args: A) => Op<R>, args: A): Promise<R> {
    return this.#commands.read(op.name, (tx) => op(tx, args));
  }

  root(args: Args<'root'>): Result<'root'> {
    return this.#read(root, args);
  }

  lookup(args: Args<'lookup'>): Result<'lookup'> {
    return this.#read(lookup, args);
  }

  findLongName(args: Args<'findLongName'>): Result<'findLongName'> {
    return this.#read(longName, args);
  }

  getattr(args: Args<'getattr'>): Result<'getattr'> {
    return this.#read(getattr, args);
  }

  access(args: Args<'access'>): Result<'access'> {
    return this.#read(access, args);
  }

  setattr(args: Args<'setattr'>): Result<'setattr'> {
    return this.#commands.run(setattr, args);
  }

  readlink(args: Args<'readlink'>): Result<'readlink'> {
    return this.#read(readlink, args);
  }

  create(args: Args<'create'>): Result<'create'> {
    return this.#commands.run(create, args);
  }

  mkdir(args: Args<'mkdir'>): Result<'mkdir'> {
    return this.#commands.run(mkdir, args);
  }

  symlink(args: Args<'symlink'>): Result<'symlink'> {
    return this.#commands.run(symlink, args);
  }

  mknod(args: Args<'mknod'>): Result<'mknod'> {
    return this.#commands.run(mknod, args);
  }

  link(args: Args<'link'>): Result<'link'> {
    return this.#commands.run(link, args);
  }

  remove(args: Args<'remove'>): Result<'remove'> {
    return this.#commands.run(remove, args);
  }

  rmdir(args: Args<'rmdir'>): Result<'rmdir'> {
    return this.#commands.run(rmdir, args);
  }

  rename(args: Args<'rename'>): Result<'rename'> {
    return this.#commands.run(rename, args);
  }

  readdir(args: Args<'readdir'>): Result<'readdir'> {
    return this.#read(readdir, args);
  }

  read(args: Args<'read'>): Result<'read'> {
    return readFile(this.#services, args);
  }

  write(args: Args<'write'>): Result<'write'> {
    return writeFile(this.#services, args);
  }

  async commit({ file }: Args<'commit'>): Result<'commit'> {
    const same = await this.getattr({ file });
    return { before: same, after: same };
  }

  usage(args: Args<'usage'>): Result<'usage'> {
    return this.#commands.read('usage', function* (tx) {
      return yield* loadUsage(yield* viewVolume(tx, args.volume));
    });
  }
}
