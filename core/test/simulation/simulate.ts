/**
 * The life of one world: clients of both views interleaved at every step, the power cut at some step, a start
 * with recovery, a comparison with the model, and again.
 *
 * What was acknowledged must be there; what was not is there wholly or not at all. Both follow from one thing:
 * the store holds what its commits say, in their order, and nothing that was acknowledged was not committed.
 */

import type { MemoryDiskOptions } from '@facet/extents';
import { type Core, type Finding, fsck, type Quota } from '../../src/index.ts';
import { Actor, writing } from './actors.ts';
import { Calls } from './calls.ts';
import type { JournalKind } from './faultyJournal.ts';
import { Model } from './model.ts';
import { Replay } from './replay.ts';
import { below, type Random, randomFrom, Scheduler } from './scheduler.ts';
import { type UnderWay, World, type WorldOptions } from './world.ts';

const ACTORS = 4;
const LIVES = 3;
/** The power is cut after so many steps at most. */
const STEPS_MAX = 5000;
/** The disk stays full, or not, for so many turns of its own at most, out of those of all. */
const FULL_STEPS_MAX = 60;

export interface SimulationOptions {
  readonly seed: number;
  /** Things each client does in a life that is not cut short. */
  readonly actions?: number;
  readonly ignoresSyncOf?: MemoryDiskOptions['ignoresSyncOf'];
  /** Small changes are durable in a journal first. */
  readonly journal?: JournalKind;
  /** The disk is full at random moments, for a while each. */
  readonly fills?: boolean;
  /** What the volume may hold. */
  readonly quota?: Required<Quota>;
}

export interface Outcome {
  readonly steps: number;
  readonly commits: number;
  readonly powerCuts: number;
  /** What clients were refused for want of room. */
  readonly noSpace: number;
  /** What they were refused for the quota. */
  readonly overQuota: number;
}

/** A world, the model that follows its commits, and what went wrong between the two. */
class Setting {
  readonly scheduler: Scheduler;
  readonly world: World;
  readonly model: Model;
  readonly replay: Replay;
  commits = 0;
  broken: unknown;

  constructor(random: Random, options: Pick<WorldOptions, 'disk' | 'journal' | 'lmdbFolder'>) {
    this.scheduler = new Scheduler(random);
    this.world = new World({
      ...options,
      scheduler: this.scheduler,
      onCommit: (command) => this.#follow(command),
    });
    this.model = new Model((parent, entry) => this.world.entry(parent, entry));
    this.replay = new Replay(this.model, this.world);
  }

  #follow(command: UnderWay): void {
    this.commits += 1;
    try {
      // An engine without room commits nothing but from the reserve, which is not for this.
      if (this.world.tookReserve && !command.frees) throw new Error(`${command.name} took the reserve`);
      this.replay.commit(command, writing.getStore());
    } catch (error) {
      this.broken ??= error;
    }
  }
}

/** One client after the other's step, on LMDB, closed and opened again now and then. @returns commits */
export async function playOnLmdb(options: {
  seed: number;
  actions: number;
  lmdbFolder: string;
}): Promise<number> {
  const { seed, actions, lmdbFolder } = options;
  const random = randomFrom(seed);
  const setting = new Setting(random, { lmdbFolder });
  const { world, model, replay } = setting;
  const calls = new Calls(random, replay);
  for (let life = 0; life < LIVES; life += 1) {
    const core = await world.start();
    await compare(core, world, model);
    await calls.resume(core);
    const idle = async () => undefined;
    const never = (): never => {
      throw new Error('a client was refused for want of room');
    };
    const refused = { noRoom: never, overQuota: never };
    const surroundings = { core, volume: world.volume.id, random, replay, idle, calls, ...refused };
    await new Actor(surroundings).live(actions);
    if (setting.broken !== undefined) throw setting.broken;
    await compare(core, world, model);
    await core.close();
  }
  return setting.commits;
}

/** @throws when the store and the model differ, or a client got an answer it must not get */
export async function simulate(options: SimulationOptions): Promise<Outcome> {
  const { seed, actions = 30, ignoresSyncOf, journal, fills = false, quota } = options;
  const random = randomFrom(seed);
  const setting = new Setting(random, {
    ...(ignoresSyncOf && { disk: { ignoresSyncOf } }),
    ...(journal && { journal }),
  });
  const { scheduler, world, model, replay } = setting;
  const calls = new Calls(random, replay);
  let powerCuts = 0;
  let noSpace = 0;
  let overQuota = 0;
  for (let life = 0; life < LIVES; life += 1) {
    const core = await world.start();
    if (world.lost.length > 0) throw new Error(`recovery found bytes lost: ${JSON.stringify(world.lost)}`);
    await compare(core, world, model);
    await calls.resume(core);
    if (setting.broken !== undefined) throw setting.broken;
    await compare(core, world, model);
    if (quota) await setQuota(core, world, quota);
    world.interleave(true);
    if (fills) void fillNowAndThen(setting, random);
    const noRoom = (): void => {
      if (!fills) throw new Error('a client was refused for want of room, of which there is enough');
      noSpace += 1;
    };
    const idle = scheduler.pause;
    const countQuota = (): void => {
      overQuota += 1;
    };
    const refused = { noRoom, overQuota: countQuota };
    const surroundings = { core, volume: world.volume.id, random, replay, idle, calls, ...refused };
    let alive = ACTORS;
    for (let i = 0; i < ACTORS; i += 1) {
      new Actor(surroundings).live(actions).then(
        () => {
          alive -= 1;
        },
        (error: unknown) => {
          setting.broken ??= error;
        },
      );
    }
    const cutAt = scheduler.steps + 1 + below(random, STEPS_MAX);
    await scheduler.run(() => setting.broken !== undefined || alive === 0 || scheduler.steps >= cutAt);
    if (setting.broken !== undefined) throw setting.broken;
    if (alive > 0) powerCuts += 1;
    world.cutPower();
  }
  world.fill(false);
  const core = await world.start();
  if (core.room.full) throw new Error('there is room, and the store does not know');
  if (world.lost.length > 0) throw new Error(`recovery found bytes lost: ${JSON.stringify(world.lost)}`);
  await compare(core, world, model);
  await calls.resume(core);
  if (setting.broken !== undefined) throw setting.broken;
  await compare(core, world, model);
  if (world.faults.length > 0) throw new Error('background work failed', { cause: world.faults[0] });
  if (quota) await mustBeWithin(core, world, quota);
  await core.close();
  return { steps: scheduler.steps, commits: setting.commits, powerCuts, noSpace, overQuota };
}

const setQuota = ({ volumes }: Core, { volume }: World, { bytes, inodes }: Required<Quota>) =>
  volumes.setSettings(volume.id, { quotaBytes: bytes, quotaInodes: inodes });

async function mustBeWithin({ volumes }: Core, { volume }: World, quota: Required<Quota>): Promise<void> {
  const { bytes, inodes } = await volumes.usage(volume.id);
  if (bytes <= quota.bytes && inodes <= quota.inodes) return;
  throw new Error(`the volume has ${bytes} bytes in ${inodes} inodes, over its quota`);
}

/** Until the power goes. */
async function fillNowAndThen({ scheduler, world }: Setting, random: Random): Promise<never> {
  for (;;) {
    for (let steps = below(random, FULL_STEPS_MAX); steps > 0; steps -= 1) await scheduler.pause();
    world.fill(!world.isFull);
  }
}

/** Everything, through the object view, byte by byte; and what the metadata promises of itself. */
async function compare(core: Core, world: World, model: Model): Promise<void> {
  await core.collector.drain();
  const volume = world.volume.id;
  const expected = model.objects();
  const listing = { volume, prefix: Buffer.alloc(0), delimiter: Buffer.alloc(0), limit: 10_000 };
  const { entries } = await core.objects.list(listing);
  const listed = entries.map((entry) => (entry.kind === 'object' ? entry.key.toString('latin1') : ''));
  if (listed.join('\n') !== [...expected.keys()].join('\n')) {
    throw new Error(`the store lists ${listed.join(' ')}, the model ${[...expected.keys()].join(' ')}`);
  }
  for (const [key, bytes] of expected) {
    const object = await core.objects.open({ volume, key: Buffer.from(key, 'latin1') });
    const chunks: Buffer[] = [];
    for await (const chunk of object.read()) chunks.push(chunk);
    object.close();
    if (!Buffer.concat(chunks).equals(bytes)) throw new Error(`${key} holds other bytes than the model`);
  }
  const usage = await core.volumes.usage(volume);
  if (JSON.stringify(usage) !== JSON.stringify(model.usage())) {
    throw new Error(`usage is ${JSON.stringify(usage)}, of the model ${JSON.stringify(model.usage())}`);
  }
  const findings: Finding[] = [];
  const { engine, extents } = world;
  await fsck({ engine, extents, full: true, onFinding: (finding) => findings.push(finding) });
  if (findings.length > 0) throw new Error(`fsck found ${JSON.stringify(findings)}`);
}
