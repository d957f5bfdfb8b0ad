/** What a client of a world knows and draws from: few names, so that clients meet. */

import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash } from 'node:crypto';
import {
  type Caller,
  type Core,
  type FileAttributes,
  type FileRef,
  FsError,
  type StagedBody,
  type VolumeId,
} from '../../../src/index.ts';
import type { Calls } from '../calls.ts';
import type { Door } from '../family/family.ts';
import { Broken } from '../invariants.ts';
import type { SimulatedProcess } from '../process.ts';
import type { Replay } from '../replay.ts';
import { below, pick, type Random } from '../scheduler.ts';

export const ROOT: Caller = { uid: 0, gid: 0, groups: [] };
/** The empty one is S3's alone to make: as a directory, and as the file that has the bytes of an object `dir/`. */
const NAMES = ['a', 'b', 'c', 'a-b', ''];
/** S3's alone, too: longer than a name of POSIX may be, and the ones that mean a directory there. */
const RARE_NAMES = ['n'.repeat(300), '.', '..'];
const DEEP_LEVELS_MAX = 40;
/** Around every threshold: inline, packed, dedicated. */
const SIZES = [0, 30, 900, 6000, 40_000, 300_000];

/** The bytes of a write on its way. */
export const writing = new AsyncLocalStorage<Buffer>();

export type Action = (within: Surroundings) => Promise<unknown>;

export interface SurroundingsParts {
  readonly core: Core;
  readonly random: Random;
  readonly replay: Replay;
  /** Lets others go first. What is done next is done at one moment: the model is where the store is. */
  readonly idle: () => Promise<void>;
  readonly calls: Calls;
  /** The one that serves: with it these surroundings are over. */
  readonly process: SimulatedProcess;
  /** Devices fail here. */
  readonly mayFail: boolean;
  /** Given: other processes than the store's serve by key, this one next. */
  readonly door?: () => Door;
  /** What is read here is read in another process than the store's, in its time. */
  readonly isRemote?: true;
}

export interface Answer<T, E> {
  readonly told: T;
  readonly expected: readonly E[];
}

/** What was told must agree with what there was at one of those moments. @returns those it agrees with */
export function agreeing<E>(expected: readonly E[], mustAgree: (one: E) => void): readonly E[] {
  let first: { readonly error: unknown } | undefined;
  const found = expected.filter((one) => {
    try {
      mustAgree(one);
      return true;
    } catch (error) {
      first ??= { error };
      return false;
    }
  });
  if (found.length === 0) throw first?.error;
  return found;
}

export interface At {
  readonly volume: VolumeId;
  readonly key: Buffer;
}

export class Surroundings {
  readonly core: Core;
  readonly random: Random;
  readonly replay: Replay;
  readonly idle: () => Promise<void>;
  readonly calls: Calls;
  readonly process: SimulatedProcess;
  readonly mayFail: boolean;
  readonly #parts: SurroundingsParts;

  constructor(parts: SurroundingsParts) {
    this.#parts = parts;
    this.process = parts.process;
    this.core = parts.core;
    this.random = parts.random;
    this.replay = parts.replay;
    this.idle = parts.idle;
    this.calls = parts.calls;
    this.mayFail = parts.mayFail;
  }

  /** Through a process that serves by key; its clients hear when it is over. @throws FsError Interrupted */
  async throughDoor<T>(action: (within: Surroundings) => Promise<T>): Promise<T> {
    const { core, door } = this.#parts;
    if (!door) return action(this);
    const { core: worker, process } = door();
    const { objects, volumes } = worker;
    const parts = { ...this.#parts, core: { ...core, objects, volumes }, process, idle: process.pause };
    return process.serve(action(new Surroundings({ ...parts, isRemote: true })));
  }

  /**
   * Asks, and says beside what is told what there was: at this moment, or, where the answer takes its time, at each
   * moment until it was given.
   */
  async ask<T, E>(look: () => E, question: () => Promise<T>): Promise<Answer<T, E>> {
    const expected = [look()];
    if (!this.#parts.isRemote) return { told: await question(), expected };
    const { process } = this;
    const stop = this.replay.watch(() => {
      if (process.isOver) stop();
      else expected.push(look());
    });
    try {
      return { told: await question(), expected };
    } finally {
      stop();
    }
  }

  below(count: number): number {
    return below(this.random, count);
  }

  oneIn(count: number): boolean {
    return this.below(count) === 0;
  }

  pick<T>(from: readonly T[]): T {
    return pick(this.random, from);
  }

  /** Mostly the first, so that much happens there. */
  volume(): VolumeId {
    const { volumes } = this.replay;
    const [first] = volumes;
    if (first === undefined) throw new Error('a world has a volume');
    return this.oneIn(6) ? this.pick(volumes) : first;
  }

  at(): At {
    const volume = this.volume();
    if (this.oneIn(60)) {
      const levels = 1 + this.below(DEEP_LEVELS_MAX);
      return { volume, key: Buffer.from(`${'d/'.repeat(levels)}${this.pick(NAMES)}`) };
    }
    const path = Array.from({ length: 1 + this.below(3) }, () => this.name()).join('/');
    const key = Buffer.from(this.oneIn(8) ? `${path}/` : path);
    return { volume, key };
  }

  name(): Buffer {
    return Buffer.from(this.pick(this.oneIn(30) ? RARE_NAMES : NAMES));
  }

  /** No two alike, so that bytes in a wrong place show. */
  bytes(): Buffer {
    const bytes = Buffer.alloc(this.below(this.pick(SIZES) + 1));
    bytes.fill(`<${this.mark()}>`);
    return bytes;
  }

  /** Hardly ever the same again. */
  mark(): string {
    return String(this.below(2 ** 50));
  }

  async stage(bytes: Buffer): Promise<StagedBody> {
    const writer = this.core.objects.stage({});
    try {
      for (let at = 0; at < bytes.length; at += 100_000) await writer.write(bytes.subarray(at, at + 100_000));
      return this.replay.remember(await writer.finish(), bytes);
    } catch (error) {
      await writer.abort();
      throw error;
    }
  }

  async directory(): Promise<FileRef> {
    const { files } = this.core;
    let at: FileAttributes = await files.root({ volume: this.volume() });
    for (let depth = this.below(3); depth > 0; depth -= 1) {
      const found = await files.lookup({ caller: ROOT, parent: at, name: this.name(), directory: true });
      at = found.file ?? at;
    }
    return at;
  }

  async file(): Promise<FileAttributes | undefined> {
    const at = { caller: ROOT, parent: await this.directory(), name: this.name(), directory: false };
    return (await this.core.files.lookup(at)).file;
  }
}

export const md5Of = (bytes: Buffer): Buffer => createHash('md5').update(bytes).digest();

/** What gives room back is never refused for want of it. */
export async function frees<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof FsError && error.code === 'NoSpace')) throw error;
    throw new Broken('roomIsKnown', 'what gives room back was refused for want of it', { cause: error });
  }
}

/** Undefined where the store says that there is none. */
export async function unlessAbsent<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof FsError && ABSENT.has(error.code)) return undefined;
    throw error;
  }
}

const ABSENT: ReadonlySet<string> = new Set(['NoEntry', 'Stale', 'NoSuchVolume', 'NoSuchUpload']);
