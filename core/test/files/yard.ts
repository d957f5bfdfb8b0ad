/** A core to play files in: either engine over a simulated disk, all time and chance from a seed. */

import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Engine, MemoryEngine, openLmdbEngine } from '@facet/engine';
import {
  type ContainerLease,
  containerId,
  type DiskFault,
  LocalExtentStore,
  MemoryDisk,
} from '@facet/extents';
import { afterEach, beforeEach, expect } from 'vitest';
import { Accounts } from '../../src/accounts/accounts.ts';
import { CommandRunner } from '../../src/commands/command.ts';
import { leaseNumbers, take } from '../../src/commands/counter.ts';
import { CONTENT_IDS, ContentIds } from '../../src/contents/bodies.ts';
import { RememberedPlaces } from '../../src/contents/remembered.ts';
import { Scratch } from '../../src/contents/scratch.ts';
import { Staging } from '../../src/contents/staging.ts';
import { Files } from '../../src/files/view.ts';
import type { Finding } from '../../src/fsck/findings.ts';
import { fsck } from '../../src/fsck/fsck.ts';
import {
  type Caller,
  type Created,
  type FileAttributes,
  type FileRef,
  type FileView,
  FsError,
  type FsErrorCode,
  timestamp,
  type VolumeId,
} from '../../src/index.ts';
import { leaseKey, SPACE, sequenceOfKey, spaceBounds } from '../../src/meta/keys.ts';
import { encodeNumber } from '../../src/meta/records/volume.ts';
import { Objects } from '../../src/objects/objects.ts';
import { expandFreed } from '../../src/space/expand.ts';
import { Pins } from '../../src/space/pins.ts';
import { Volumes } from '../../src/volumes/volumes.ts';
import { bytesFrom, type Random, randomFrom } from '../random.ts';
import { checkFrames } from './frames.ts';
import { checkMetadata } from './metadata.ts';

export type EngineKind = 'memory' | 'lmdb';
export const ENGINES: readonly EngineKind[] = ['memory', 'lmdb'];

export const ROOT: Caller = { uid: 0, gid: 0, groups: [] };
export const ALICE: Caller = { uid: 1001, gid: 100, groups: [200] };
export const BOB: Caller = { uid: 1002, gid: 100, groups: [] };
export const CAROL: Caller = { uid: 1003, gid: 300, groups: [] };

export const ref = ({ volume, inode, generation }: FileAttributes): FileRef => ({
  volume,
  inode,
  generation,
});

export async function refused(code: FsErrorCode, promise: Promise<unknown>): Promise<void> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error !== undefined && !(error instanceof FsError)) throw error;
  expect(error?.code).toBe(code);
}

/** Ids that a lease covers for as long as the yard is open, as those of a running worker are. */
async function leaseContainers(engine: Engine): ReturnType<ContainerLease> {
  const count = 64;
  const first = await engine.write(function* (tx) {
    const taken = containerId(yield* take(tx, { name: 'container', count }));
    tx.put(leaseKey(Buffer.alloc(16), taken), encodeNumber(count));
    return taken;
  });
  return { first, count };
}

interface Parts {
  readonly engine: Engine;
  readonly commands: CommandRunner;
  readonly extents: LocalExtentStore;
  readonly files: Files;
  readonly objects: Objects;
  readonly pins: Pins;
  readonly hook: { beforeRead: () => Promise<DiskFault | undefined> };
}

export class Yard {
  readonly files: FileView;
  readonly objects: Objects;
  readonly volume: VolumeId;
  readonly root: FileRef;
  readonly engine: Engine;
  readonly random: Random;
  readonly pins: Pins;
  /** What happens before a disk is read from. */
  readonly hook: Parts['hook'];
  readonly #parts: Parts;
  readonly #folder: string | undefined;

  private constructor(parts: Parts, root: FileAttributes, random: Random, folder: string | undefined) {
    this.files = parts.files;
    this.objects = parts.objects;
    this.engine = parts.engine;
    this.root = ref(root);
    this.volume = root.volume;
    this.random = random;
    this.pins = parts.pins;
    this.hook = parts.hook;
    this.#parts = parts;
    this.#folder = folder;
  }

  /** Bytes of the yard's chance: others with each call. */
  some(lengthBytes: number): Buffer {
    return bytesFrom(this.random, lengthBytes);
  }

  static async open(kind: EngineKind, seed = 1): Promise<Yard> {
    const random = randomFrom(seed);
    const folder = kind === 'lmdb' ? await mkdtemp(join(tmpdir(), 'facet-files-')) : undefined;
    const engine = folder
      ? await openLmdbEngine({ path: folder, mapSizeBytes: 1 << 28 })
      : new MemoryEngine({ injectConflict: () => random() < 0.2 });
    let now = 1_000_000_000n;
    const environment = {
      now: () => {
        now += 1n;
        return timestamp(now);
      },
      monotonicMs: () => 0,
      randomBytes: (count: number) => bytesFrom(random, count),
    };
    const commands = new CommandRunner(engine, environment);
    const hook: Parts['hook'] = { beforeRead: async () => undefined };
    const disk = new MemoryDisk({
      random,
      before: async ({ kind: operation }) => (operation === 'read' ? hook.beforeRead() : undefined),
    });
    const extents = new LocalExtentStore({
      disk: disk.mount(),
      lease: () => leaseContainers(engine),
      segmentBytes: 8 << 20,
      gather: async () => undefined,
    });
    const contentIds = new ContentIds((count) => commands.run(leaseNumbers, { name: CONTENT_IDS, count }));
    const nextContentId = () => contentIds.next();
    const pins = new Pins();
    const staging = new Staging({ extents, nextContentId });
    const places = new RememberedPlaces(extents);
    const files = new Files({ commands, extents, places, pins, nextContentId });
    const scratch = new Scratch();
    const objects = new Objects({ commands, staging, extents, places, pins, contentIds, scratch });
    await new Accounts({ commands, environment }).create({ name: 'tester' });
    const { id } = await new Volumes({ commands, environment }).create({ name: 'yard', owner: 'tester' });
    const root = await files.root({ volume: id });
    return new Yard({ engine, commands, extents, files, objects, pins, hook }, root, random, folder);
  }

  async close(): Promise<void> {
    await this.#parts.extents.close();
    await this.engine.close();
    if (this.#folder) await rm(this.#folder, { recursive: true });
  }

  /** Works off the free queue, bytes excepted. */
  async collect(): Promise<void> {
    for (;;) {
      const queue = await this.engine.read((tx) => tx.range({ ...spaceBounds(SPACE.free), limit: 1000 }));
      if (queue.length === 0) return;
      const sequences = queue.map(({ key }) => sequenceOfKey(key));
      await this.#parts.commands.run(expandFreed, { sequences, steps: 500 });
    }
  }

  /** Every promise the metadata makes is kept. */
  async check(): Promise<void> {
    await checkMetadata(this.engine);
    const findings: Finding[] = [];
    const { engine, extents } = this.#parts;
    await fsck({ engine, extents, onFinding: (finding) => findings.push(finding) });
    expect(findings).toEqual([]);
  }

  /** Every frame on disk is either mapped or on its way back, and that once. */
  checkFrames(): Promise<{ readonly mapped: number }> {
    return checkFrames(this.engine, this.#parts.extents);
  }

  // ---- files ----

  async mkdir(parent: FileRef, name: string, mode = 0o755, caller = ROOT): Promise<FileRef> {
    const at = { caller, parent, name: Buffer.from(name) };
    return ref((await this.files.mkdir({ ...at, attributes: { mode } })).file);
  }

  create(parent: FileRef, name: string, mode = 0o644, caller = ROOT): Promise<Created> {
    const how = { kind: 'guarded', attributes: { mode } } as const;
    return this.files.create({ caller, parent, name: Buffer.from(name), how });
  }

  async touch(parent: FileRef, name: string, mode = 0o644, caller = ROOT): Promise<FileRef> {
    return ref((await this.create(parent, name, mode, caller)).file);
  }

  async find(parent: FileRef, name: string, directory?: boolean): Promise<FileAttributes | undefined> {
    const form = directory === undefined ? {} : { directory };
    const args = { caller: ROOT, parent, name: Buffer.from(name), ...form };
    return (await this.files.lookup(args)).file;
  }

  async walk(path: string): Promise<FileRef> {
    let at = this.root;
    for (const name of path.split('/')) {
      const found = await this.find(at, name);
      if (!found) throw new Error(`${path} does not exist`);
      at = ref(found);
    }
    return at;
  }

  stat(file: FileRef): Promise<FileAttributes> {
    return this.files.getattr({ file });
  }

  async write(file: FileRef, offset: number, bytes: Uint8Array, caller = ROOT): Promise<FileAttributes> {
    return (await this.files.write({ caller, file, offset, data: [bytes] })).after;
  }

  async read(file: FileRef, offset = 0, lengthBytes = 4 << 20, caller = ROOT): Promise<Buffer> {
    const { data } = await this.files.read({ caller, file, offset, lengthBytes });
    return Buffer.concat(data);
  }

  async truncate(file: FileRef, sizeBytes: number, caller = ROOT): Promise<FileAttributes> {
    return (await this.files.setattr({ caller, file, changes: { sizeBytes } })).after;
  }

  async names(directory: FileRef): Promise<string[]> {
    const { entries, end } = await this.files.readdir({
      caller: ROOT,
      directory,
      after: 2,
      limit: 1000,
      attributes: false,
    });
    expect(end).toBe(true);
    return entries.map(({ name, type }) => (type === 'directory' ? `${name}/` : `${name}`));
  }

  async rename(from: [FileRef, string], to: [FileRef, string], caller = ROOT): Promise<void> {
    await this.files.rename({
      caller,
      from: { parent: from[0], name: Buffer.from(from[1]) },
      to: { parent: to[0], name: Buffer.from(to[1]) },
    });
  }

  // ---- objects ----

  object(key: string) {
    return { volume: this.volume, key: Buffer.from(key) };
  }

  async put(key: string, bytes: Uint8Array): Promise<{ readonly etag: string }> {
    const { objects } = this;
    const writer = objects.stage({ lengthBytes: bytes.length });
    await writer.write(bytes);
    const digest = createHash('md5').update(bytes).digest();
    return objects.put({
      ...this.object(key),
      body: await writer.finish(),
      etag: { digest, parts: 0 },
      checksum: {
        algorithm: 'SHA256',
        type: 'FULL_OBJECT',
        value: createHash('sha256').update(bytes).digest(),
      },
      properties: { 'content-type': 'text/plain' },
      userMetadata: { colour: 'blue' },
    });
  }

  async get(key: string): Promise<Buffer> {
    const object = await this.objects.open(this.object(key));
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of object.read()) chunks.push(chunk);
    } finally {
      object.close();
    }
    return Buffer.concat(chunks);
  }

  copy(source: string, target: string): Promise<unknown> {
    return this.objects.copy({ source: this.object(source), target: this.object(target) });
  }

  /** An object of two parts: 5 MiB and the rest. */
  async putParts(key: string, bytes: Buffer): Promise<void> {
    const { objects } = this;
    const attributes = { properties: {}, userMetadata: {} };
    const { upload } = await objects.createUpload({
      ...this.object(key),
      ...attributes,
      initiator: 'tester',
    });
    const cut = 5 << 20;
    const parts = [];
    for (const [index, part] of [bytes.subarray(0, cut), bytes.subarray(cut)].entries()) {
      const writer = objects.stage({ lengthBytes: part.length });
      await writer.write(part);
      const md5 = createHash('md5').update(part).digest();
      const partNumber = index + 1;
      await objects.putPart({ ...this.object(key), upload, partNumber, md5, body: await writer.finish() });
      parts.push({ partNumber, etag: md5.toString('hex') });
    }
    const digest = createHash('md5').update(key).digest();
    await objects.completeUpload({
      ...this.object(key),
      upload,
      parts,
      combine: () => ({ etag: { digest, parts: 2 } }),
    });
  }
}

/** A yard with an empty file in it, new for each test, and checked after it. */
export function withFile(
  kind: EngineKind,
  take: (opened: { readonly yard: Yard; readonly file: FileRef }) => void,
): void {
  let yard: Yard | undefined;
  beforeEach(async () => {
    yard = await Yard.open(kind);
    take({ yard, file: await yard.touch(yard.root, 'file') });
  });
  afterEach(async () => {
    await yard?.check();
    await yard?.close();
  });
}
