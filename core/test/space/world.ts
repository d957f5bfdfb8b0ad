/**
 * A whole store in memory or on LMDB, over a simulated disk, whose power can be cut: engine, extents, objects,
 * collector and recovery, with a seed for all chance.
 */

import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Engine, MemoryEngine, type MemoryEngineOptions, openLmdbEngine } from '@facet/engine';
import {
  type ExtentStore,
  LocalExtentStore,
  MemoryDisk,
  type MemoryDiskOptions,
  strayFiles,
} from '@facet/extents';
import { Accounts } from '../../src/accounts/accounts.ts';
import { CommandRunner, type Environment } from '../../src/commands/command.ts';
import { leaseNumbers } from '../../src/commands/counter.ts';
import { CONTENT_IDS, ContentIds } from '../../src/contents/bodies.ts';
import { RememberedPlaces } from '../../src/contents/remembered.ts';
import { Scratch } from '../../src/contents/scratch.ts';
import { Staging } from '../../src/contents/staging.ts';
import { Files } from '../../src/files/view.ts';
import type { Finding } from '../../src/fsck/findings.ts';
import { fsck } from '../../src/fsck/fsck.ts';
import { timestamp, type VolumeId } from '../../src/ids.ts';
import { Objects } from '../../src/objects/objects.ts';
import { ContainerLeases } from '../../src/recovery/leases.ts';
import { type Recovered, recover } from '../../src/recovery/recover.ts';
import type { LostBytes } from '../../src/recovery/survey.ts';
import { Collector } from '../../src/space/collector.ts';
import { Pins } from '../../src/space/pins.ts';
import { Volumes } from '../../src/volumes/volumes.ts';
import { bytesFrom, type Random, randomFrom } from '../random.ts';

export type EngineKind = 'memory' | 'lmdb';
export const ENGINES: readonly EngineKind[] = ['memory', 'lmdb'];

export interface WorldOptions {
  readonly engine?: EngineKind;
  readonly seed?: number;
  readonly segmentBytes?: number;
  readonly memory?: MemoryEngineOptions;
  readonly disk?: Partial<MemoryDiskOptions>;
}

/** One run of one worker. */
export interface Life {
  readonly engine: Engine;
  readonly commands: CommandRunner;
  readonly environment: Environment;
  readonly extents: ExtentStore;
  readonly pins: Pins;
  readonly objects: Objects;
  readonly files: Files;
  readonly leases: ContainerLeases;
  readonly collector: Collector;
  readonly instance: Buffer;
  readonly recovered: Recovered;
  readonly lost: readonly LostBytes[];
  readonly faults: readonly unknown[];
}

export class World {
  readonly random: Random;
  readonly disk: MemoryDisk;
  readonly #options: WorldOptions;
  readonly #environment: Environment;
  #folder: string | undefined;
  #life: Life | undefined;
  #volume: VolumeId | undefined;

  private constructor(options: WorldOptions) {
    this.#options = options;
    this.random = randomFrom(options.seed ?? 1);
    this.disk = new MemoryDisk({ random: this.random, ...options.disk });
    let now = 0n;
    this.#environment = {
      now: () => {
        now += 1n;
        return timestamp(now);
      },
      monotonicMs: () => 0,
      randomBytes: (count) => bytesFrom(this.random, count),
    };
  }

  static async open(options: WorldOptions = {}): Promise<World> {
    const world = new World(options);
    if (options.engine === 'lmdb') world.#folder = await mkdtemp(join(tmpdir(), 'facet-world-'));
    await world.#begin(await world.#openEngine(options.memory ?? {}));
    const { commands } = world.life;
    await new Accounts({ commands, environment: world.#environment }).create({ name: 'tester' });
    world.#volume = (
      await new Volumes({ commands, environment: world.#environment }).create({
        name: 'bucket',
        owner: 'tester',
      })
    ).id;
    return world;
  }

  get life(): Life {
    if (!this.#life) throw new Error('nothing is running');
    return this.#life;
  }

  get volume(): VolumeId {
    if (this.#volume === undefined) throw new Error('there is no volume yet');
    return this.#volume;
  }

  async #openEngine(memory: MemoryEngineOptions): Promise<Engine> {
    if (!this.#folder) return new MemoryEngine(memory);
    return openLmdbEngine({ path: this.#folder, mapSizeBytes: 1 << 28 });
  }

  async #begin(engine: Engine): Promise<void> {
    const commands = new CommandRunner(engine, this.#environment);
    const instance = bytesFrom(this.random, 16);
    const leases = new ContainerLeases({ commands, instance });
    const extents = leases.track(
      new LocalExtentStore({
        disk: this.disk.mount(),
        lease: leases.lease,
        segmentBytes: this.#options.segmentBytes ?? 1 << 20,
        gather: async () => undefined,
      }),
    );
    const lost: LostBytes[] = [];
    const recovered = await recover({
      commands,
      extents,
      isRunning: (one) => one.equals(instance),
      onLost: (found) => lost.push(found),
    });
    const contentIds = new ContentIds((count) => commands.run(leaseNumbers, { name: CONTENT_IDS, count }));
    const pins = new Pins();
    const staging = new Staging({ extents, nextContentId: () => contentIds.next() });
    const places = new RememberedPlaces(extents);
    const scratch = new Scratch();
    const objects = new Objects({ commands, staging, extents, places, pins, contentIds, scratch });
    const files = new Files({ commands, extents, places, pins, nextContentId: () => contentIds.next() });
    const faults: unknown[] = [];
    const onFault = (fault: unknown) => faults.push(fault);
    const collector = new Collector({ commands, extents, pins, leases, onFault });
    this.#life = {
      engine,
      commands,
      environment: this.#environment,
      extents,
      pins,
      objects,
      files,
      leases,
      collector,
      instance,
      recovered,
      lost,
      faults,
    };
  }

  /** What the engine holds at this moment, if it is the one in memory. */
  snapshot(): ReturnType<MemoryEngine['snapshot']> {
    const { engine } = this.life;
    if (!(engine instanceof MemoryEngine)) throw new Error('only the memory engine can be copied');
    return engine.snapshot();
  }

  /** The power goes, and comes back: with what the engine had committed, or with `state`. */
  async crash(state?: ReturnType<MemoryEngine['snapshot']>): Promise<void> {
    this.disk.crash();
    await this.#beginAgain(state);
  }

  /** The process is killed: what the disk was given is there, synced or not. */
  async kill(): Promise<void> {
    this.disk.unmount();
    await this.#beginAgain();
  }

  async #beginAgain(state?: ReturnType<MemoryEngine['snapshot']>): Promise<void> {
    const { engine } = this.life;
    this.#life = undefined;
    if (engine instanceof MemoryEngine) {
      await this.#begin(new MemoryEngine({ state: state ?? engine.snapshot() }));
    } else {
      await engine.close();
      await this.#begin(await this.#openEngine({}));
    }
  }

  async close(): Promise<void> {
    await this.life.collector.stop();
    await this.life.extents.close();
    await this.life.engine.close();
    if (this.#folder) await rm(this.#folder, { recursive: true });
  }

  /** What fsck finds. The windows are small, so that it has to walk several times. */
  async findings(how: { readonly full?: boolean } = { full: true }): Promise<readonly Finding[]> {
    const found: Finding[] = [];
    const { engine, extents } = this.life;
    const windows = { contents: 5, claims: 7 };
    const strays = () => strayFiles(this.disk.mount());
    await fsck({ ...how, engine, extents, windows, strays, onFinding: (finding) => found.push(finding) });
    return found;
  }

  at(key: string): { readonly volume: VolumeId; readonly key: Buffer } {
    return { volume: this.volume, key: Buffer.from(key) };
  }

  async put(key: string, bytes: Buffer): Promise<void> {
    const { objects } = this.life;
    const writer = objects.stage({ lengthBytes: bytes.length });
    await writer.write(bytes);
    const body = await writer.finish();
    const etag = { digest: createHash('md5').update(bytes).digest(), parts: 0 };
    await objects.put({ ...this.at(key), body, etag, properties: {}, userMetadata: {} });
  }

  /** Undefined when there is no such object. */
  async get(key: string): Promise<Buffer | undefined> {
    const { objects } = this.life;
    const { entries } = await objects.list({
      volume: this.volume,
      prefix: Buffer.from(key),
      delimiter: Buffer.alloc(0),
      limit: 1,
    });
    const [entry] = entries;
    if (entry?.kind !== 'object' || entry.key.toString() !== key) return undefined;
    const object = await objects.open(this.at(key));
    try {
      const chunks: Buffer[] = [];
      for await (const chunk of object.read()) chunks.push(chunk);
      return Buffer.concat(chunks);
    } finally {
      object.close();
    }
  }

  async delete(key: string): Promise<void> {
    await this.life.objects.delete(this.at(key));
  }

  /** Blocks taken by all containers. */
  async allocatedBytes(): Promise<number> {
    const containers = await this.life.extents.list();
    return containers.reduce((sum, container) => sum + container.allocatedBytes, 0);
  }
}
