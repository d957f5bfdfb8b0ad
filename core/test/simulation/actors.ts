/** Who lives in a world: clients of both views, on few names, so that they meet. */

import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash } from 'node:crypto';
import {
  type Caller,
  type Core,
  type FileAttributes,
  type FileRef,
  FsError,
  type OpenObject,
  type StagedBody,
  type VolumeId,
} from '../../src/index.ts';
import type { Calls } from './calls.ts';
import { isRefusal } from './model.ts';
import type { Replay } from './replay.ts';
import { below, pick, type Random } from './scheduler.ts';

const ROOT: Caller = { uid: 0, gid: 0, groups: [] };
/** The empty one is S3's alone to make: as a directory, and as the file that has the bytes of an object `dir/`. */
const NAMES = ['a', 'b', 'c', 'a-b', ''];
const PART_COUNT_MAX = 2;
const SLOW_STEPS_MAX = 150;
/** Around every threshold: inline, packed, dedicated. */
const SIZES = [0, 30, 1900, 6000, 40_000, 300_000];

/** The bytes of a write on its way. */
export const writing = new AsyncLocalStorage<Buffer>();

export interface Surroundings {
  readonly core: Core;
  readonly volume: VolumeId;
  readonly random: Random;
  readonly replay: Replay;
  /** Lets others go first. */
  readonly idle: () => Promise<void>;
  readonly calls: Calls;
  /** Told when something was refused for want of room. */
  readonly noRoom: () => void;
  /** Told when something was refused for the volume's quota. */
  readonly overQuota: () => void;
}

let marks = 0;

/** What gives room back is never refused for want of it. */
async function frees<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof FsError && error.code === 'NoSpace')) throw error;
    throw new Error('what gives room back was refused for want of it', { cause: error });
  }
}

export class Actor {
  readonly #in: Surroundings;

  constructor(surroundings: Surroundings) {
    this.#in = surroundings;
  }

  /** Does `count` things, one after the other. What the store refuses it may refuse; any other failure is one. */
  async live(count: number): Promise<void> {
    for (let i = 0; i < count; i += 1) {
      try {
        await this.#act();
      } catch (error) {
        if (!isRefusal(error)) throw error;
        if (error.code === 'NoSpace') this.#in.noRoom();
        if (error.code === 'QuotaExceeded') this.#in.overQuota();
      }
    }
  }

  #act(): Promise<unknown> {
    const { random } = this.#in;
    const actions = [
      () => this.#put(),
      () => this.#put(),
      () => this.#put(),
      () => this.#get(),
      () => this.#get(),
      () => frees(this.#in.core.objects.delete(this.#key())),
      () => frees(this.#in.core.objects.delete(this.#key())),
      () => this.#in.core.objects.copy({ source: this.#key(), target: this.#key() }),
      () => this.#multipart(),
      () => this.#create(),
      () => this.#create(),
      () => this.#write(),
      () => this.#write(),
      () => this.#truncate(),
      () => this.#remove(),
      () => this.#rename(),
      () => this.#link(),
    ];
    return pick(random, actions)();
  }

  // ---- by key ----

  #key(): { volume: VolumeId; key: Buffer } {
    const { random, volume } = this.#in;
    const path = Array.from({ length: 1 + below(random, 3) }, () => pick(random, NAMES)).join('/');
    return { volume, key: Buffer.from(below(random, 8) === 0 ? `${path}/` : path) };
  }

  /** No two alike, so that bytes in a wrong place show. */
  #bytes(): Buffer {
    const { random } = this.#in;
    const bytes = Buffer.alloc(below(random, pick(random, SIZES) + 1));
    marks += 1;
    bytes.fill(`<${below(random, 1e9)} ${marks}>`);
    return bytes;
  }

  async #stage(bytes: Buffer): Promise<StagedBody> {
    const writer = this.#in.core.objects.stage({});
    try {
      for (let at = 0; at < bytes.length; at += 100_000) await writer.write(bytes.subarray(at, at + 100_000));
      return this.#in.replay.remember(await writer.finish(), bytes);
    } catch (error) {
      await writer.abort();
      throw error;
    }
  }

  async #put(): Promise<unknown> {
    const bytes = this.#bytes();
    const etag = { digest: createHash('md5').update(bytes).digest(), parts: 0 };
    const body = await this.#stage(bytes);
    const precondition = below(this.#in.random, 4) === 0 ? { precondition: { ifNoneMatch: ['*'] } } : {};
    return this.#in.core.objects.put({
      ...this.#key(),
      body,
      etag,
      properties: {},
      userMetadata: {},
      ...precondition,
    });
  }

  /** A reader gets one whole version, whatever happens meanwhile. */
  async #get(): Promise<void> {
    const object: OpenObject = await this.#in.core.objects.open(this.#key());
    // A slow reader: what it reads may be replaced, dropped and given back meanwhile.
    for (let steps = below(this.#in.random, SLOW_STEPS_MAX); steps > 0; steps -= 1) await this.#in.idle();
    const hash = createHash('md5');
    let length = 0;
    try {
      for await (const chunk of object.read()) {
        hash.update(chunk);
        length += chunk.length;
      }
    } finally {
      object.close();
    }
    const { sizeBytes, etag } = object.info;
    if (length !== sizeBytes) throw new Error(`read ${length} bytes of ${sizeBytes}`);
    if (!etag.includes('-') && hash.digest('hex') !== etag) throw new Error('read bytes that nobody wrote');
  }

  async #multipart(): Promise<unknown> {
    const { core, random } = this.#in;
    const at = this.#key();
    const { upload } = await core.objects.createUpload({
      ...at,
      properties: {},
      userMetadata: {},
      initiator: 'me',
    });
    const parts: { partNumber: number; etag: string }[] = [];
    for (let partNumber = 1; partNumber <= 1 + below(random, PART_COUNT_MAX); partNumber += 1) {
      const bytes = this.#bytes();
      const md5 = createHash('md5').update(bytes).digest();
      await core.objects.putPart({ ...at, upload, partNumber, md5, body: await this.#stage(bytes) });
      parts.push({ partNumber, etag: md5.toString('hex') });
    }
    if (below(random, 4) === 0) return frees(core.objects.abortUpload({ ...at, upload }));
    // One part only: the least size of those before the last is not for a simulation.
    const last = parts.slice(-1);
    const combine = () => ({ etag: { digest: Buffer.alloc(16, 1), parts: 1 } });
    return core.objects.completeUpload({ ...at, upload, parts: last, combine });
  }

  // ---- by name ----

  async #directory(): Promise<FileRef> {
    const { core, volume, random } = this.#in;
    let at: FileAttributes = await core.files.root({ volume });
    for (let depth = below(random, 3); depth > 0; depth -= 1) {
      const found = await core.files.lookup({
        caller: ROOT,
        parent: at,
        name: this.#name(),
        directory: true,
      });
      at = found.file ?? at;
    }
    return at;
  }

  #name(): Buffer {
    return Buffer.from(pick(this.#in.random, NAMES));
  }

  async #file(): Promise<FileAttributes | undefined> {
    const at = { caller: ROOT, parent: await this.#directory(), name: this.#name(), directory: false };
    return (await this.#in.core.files.lookup(at)).file;
  }

  async #create(): Promise<unknown> {
    const { random } = this.#in;
    const at = { caller: ROOT, parent: await this.#directory(), name: this.#name() };
    const { calls } = this.#in;
    if (below(random, 3) === 0) {
      return calls.send((on, call) => on.files.mkdir({ ...at, attributes: { mode: 0o755 }, call }));
    }
    const how = { kind: 'guarded', attributes: { mode: 0o644 } } as const;
    return calls.send((on, call) => on.files.create({ ...at, how, call }));
  }

  async #write(): Promise<unknown> {
    const file = await this.#file();
    if (!file) return;
    const offset = below(this.#in.random, file.sizeBytes + 3000);
    const bytes = this.#bytes();
    const args = { caller: ROOT, file, offset, data: [bytes] };
    return writing.run(bytes, () => this.#in.core.files.write(args));
  }

  async #truncate(): Promise<unknown> {
    const file = await this.#file();
    if (!file) return;
    const sizeBytes = below(this.#in.random, file.sizeBytes + 2500);
    const cut = this.#in.core.files.setattr({ caller: ROOT, file, changes: { sizeBytes } });
    // Another client may have made it shorter than that meanwhile.
    return sizeBytes === 0 ? frees(cut) : cut;
  }

  async #remove(): Promise<unknown> {
    const { calls, random } = this.#in;
    const at = { caller: ROOT, parent: await this.#directory(), name: this.#name() };
    return below(random, 3) === 0
      ? calls.send((on, call) => frees(on.files.rmdir({ ...at, directory: true, call })))
      : calls.send((on, call) => frees(on.files.remove({ ...at, directory: false, call })));
  }

  async #rename(): Promise<unknown> {
    const directory = below(this.#in.random, 2) === 0;
    const from = { parent: await this.#directory(), name: this.#name(), directory };
    const to = { parent: await this.#directory(), name: this.#name() };
    const silly: { silly?: true } = below(this.#in.random, 4) === 0 ? { silly: true } : {};
    return this.#in.calls.send((on, call) => {
      const renamed = on.files.rename({ caller: ROOT, from, to, ...silly, call });
      return silly.silly ? frees(renamed) : renamed;
    });
  }

  async #link(): Promise<unknown> {
    const file = await this.#file();
    if (!file) return;
    const at = { caller: ROOT, parent: await this.#directory(), name: this.#name() };
    return this.#in.calls.send((on, call) => on.files.link({ ...at, file, call }));
  }
}
