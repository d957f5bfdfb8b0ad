/**
 * The life of one world: clients of both views interleaved at every step, the power cut or the process killed at some
 * step, a start with recovery, a comparison with the model, and again.
 *
 * What was acknowledged must be there; what was not is there wholly or not at all. Both follow from one thing:
 * the store holds what its commits say, in their order, and nothing that was acknowledged was not committed.
 */

import type { MemoryDiskOptions } from '@facet/extents';
import type { Core, Quota } from '../../src/index.ts';
import { below, type Random, randomFrom } from '../random.ts';
import { live, type Refused } from './actors/actor.ts';
import { Surroundings, writing } from './actors/surroundings.ts';
import { Calls } from './calls.ts';
import { digestOf } from './committedRecords.ts';
import { compactNowAndThen, writeInPieces } from './compaction.ts';
import { compare, inspect } from './compare.ts';
import type { JournalKind } from './faultyJournal.ts';
import { History, type OnEvent } from './history.ts';
import { Broken } from './invariants.ts';
import type { UnderWay } from './observed.ts';
import type { Plant } from './plants/plant.ts';
import { Replay } from './replay.ts';
import { Scheduler } from './scheduler.ts';
import { World, type WorldOptions } from './world.ts';

const ACTORS = 4;
/** Of one world. */
export const LIVES = 3;
/** The power is cut after so many steps at most. */
const STEPS_MAX = 5000;
/** The disk stays full, or not, for so many turns of its own at most, out of those of all. */
const FULL_STEPS_MAX = 60;
/** Between two workers killed, at most. */
const KILL_STEPS_MAX = 250;
/** What workers do, at most, before they are told that the store is over. */
const ALONE_STEPS_MAX = 100;
/** Between two looks at what the metadata promises of itself, at most. */
const INSPECTION_STEPS_MAX = 100;

export interface SimulationOptions {
  readonly seed: number;
  /** Things each client does in a life that is not cut short. */
  readonly actions?: number;
  readonly ignoresSyncOf?: MemoryDiskOptions['ignoresSyncOf'];
  /** Small changes are durable in a journal first. */
  readonly journal?: JournalKind;
  /** The disk is full at random moments, for a while each. */
  readonly fills?: boolean;
  /** The disk fails at random moments. */
  readonly faults?: boolean;
  /** Somebody has the store compacted, again and again. */
  readonly compacts?: boolean;
  /** What the volume may hold. */
  readonly quota?: Required<Quota>;
  /** So many processes serve by key, and are killed at random moments. None unless told. */
  readonly workers?: number;
  /** What is wrong with it. */
  readonly plant?: Plant;
  readonly onEvent?: OnEvent;
}

export interface Outcome {
  /** Of all that happened. */
  readonly history: string;
  readonly steps: number;
  readonly commits: number;
  /** Lives that ended in the middle of something. */
  readonly cutShort: number;
  /** What clients were refused for want of room. */
  readonly noSpace: number;
  /** What they were refused for the quota. */
  readonly overQuota: number;
  /** What failed for them with the device. */
  readonly failed: number;
  /** Lives that ended with the device. */
  readonly died: number;
  /** Processes that serve by key, and that compact, which were killed while others went on. */
  readonly killed: number;
  readonly maintainersKilled: number;
  /** Compactions of all that was there, which came to their end. */
  readonly compactions: number;
  /** Extents that were moved, and pieces of files that were merged. */
  readonly moved: number;
  readonly merged: number;
}

/** A world, the models that follow its commits, and what went wrong between the two. */
class Setting {
  readonly scheduler: Scheduler;
  readonly world: World;
  readonly replay: Replay;
  commits = 0;
  #broken: unknown;

  constructor(random: Random, history: History, options: Omit<WorldOptions, 'scheduler' | 'onCommit'>) {
    this.scheduler = new Scheduler(random, history);
    this.world = new World({
      ...options,
      scheduler: this.scheduler,
      onCommit: (command) => this.#follow(command),
    });
    this.replay = new Replay(this.world);
  }

  #follow(command: UnderWay): void {
    this.commits += 1;
    this.scheduler.history.note(`commit ${command.name}`);
    try {
      // An engine without room commits nothing but from the reserve, which is not for this.
      if (this.world.tookReserve && !command.frees)
        throw new Broken('reserveIsKept', `${command.name} took the reserve`);
      this.replay.commit(command, writing.getStore());
    } catch (error) {
      this.breaks(error);
    }
  }

  readonly breaks = (error: unknown): void => {
    this.#broken ??= error;
  };

  get broken(): unknown {
    return this.#broken ?? this.world.broken;
  }

  mustBeWhole(): void {
    if (this.broken !== undefined) throw this.broken;
    if (this.world.lost.length > 0)
      throw new Broken('bytesAreKept', `recovery found bytes lost: ${JSON.stringify(this.world.lost)}`);
  }

  /** Opens the store, and compares it with the model before and after calls are repeated that nobody answered. */
  async start(calls: Calls): Promise<Core> {
    const core = await this.world.start();
    this.scheduler.history.note(`start with ${digestOf(this.world.committed)}`);
    this.mustBeWhole();
    await compare(core, this.world, this.replay);
    await calls.resume(core);
    this.mustBeWhole();
    await compare(core, this.world, this.replay);
    await this.world.family?.opened(core, this.world.process);
    return core;
  }

  /** Workers outlive the store for a while. */
  async endStore(random: Random): Promise<void> {
    const { scheduler, world } = this;
    const { family } = world;
    const powerStays = below(random, family ? 2 : 4) === 0;
    world.stop({ powerStays });
    if (!family) return;
    world.interleave(true);
    const endsAt = scheduler.steps + below(random, ALONE_STEPS_MAX);
    await scheduler.run(() => scheduler.isIdle || scheduler.steps >= endsAt);
    world.interleave(false);
    family.suspend();
  }

  /** Workers are over, and the store goes on without them. */
  async endWorkers(core: Core): Promise<void> {
    await this.world.family?.endAll();
    this.mustBeWhole();
    await compare(core, this.world, this.replay);
  }
}

/** What there is to count, and was not met. */
const NONE = {
  cutShort: 0,
  noSpace: 0,
  overQuota: 0,
  failed: 0,
  died: 0,
  killed: 0,
  maintainersKilled: 0,
  compactions: 0,
  moved: 0,
  merged: 0,
} as const satisfies Partial<Outcome>;

/** One client after the other's step, on LMDB, closed and opened again now and then. */
export async function playOnLmdb(options: {
  readonly seed: number;
  readonly actions: number;
  readonly lmdbFolder: string;
  readonly onEvent?: OnEvent;
}): Promise<Outcome> {
  const { seed, actions, lmdbFolder, onEvent } = options;
  const random = randomFrom(seed);
  const history = new History(onEvent);
  const setting = new Setting(random, history, { lmdbFolder });
  const { world, replay } = setting;
  const calls = new Calls(random, replay);
  for (let life = 0; life < LIVES; life += 1) {
    const core = await setting.start(calls);
    const idle = async () => undefined;
    const never = (): never => {
      throw new Broken('roomIsKnown', 'a client was refused for want of room');
    };
    const refused = { noRoom: never, overQuota: never, failed: never };
    const within = new Surroundings({
      core,
      random,
      replay,
      process: world.process,
      idle,
      calls,
      mayFail: false,
    });
    await live(within, actions, refused);
    setting.mustBeWhole();
    await compare(core, world, replay);
    await core.close();
  }
  return { ...NONE, history: history.digest, steps: setting.scheduler.steps, commits: setting.commits };
}

/** @throws when the store and the model differ, or a client got an answer it must not get */
export async function simulate(options: SimulationOptions): Promise<Outcome> {
  const uninstall = options.plant?.install?.();
  try {
    return await simulateLives(options);
  } finally {
    uninstall?.();
  }
}

async function simulateLives({ plant, ...given }: SimulationOptions): Promise<Outcome> {
  const options = { ...plant?.world, ...given };
  const { seed, ignoresSyncOf, journal, fills = false, faults = false, quota, onEvent } = options;
  const { workers, compacts = false } = options;
  const random = randomFrom(seed);
  const history = new History(onEvent);
  const setting = new Setting(random, history, {
    ...(ignoresSyncOf && { ignoresSyncOf }),
    ...(journal && { journal }),
    ...(plant && { plant }),
    ...(workers !== undefined && { workers, isMaintained: compacts }),
    fills,
    faults,
  });
  const { world, replay } = setting;
  const calls = new Calls(random, replay);
  const counts: Record<keyof typeof NONE, number> = { ...NONE };
  const refused = countRefusals(counts, { fills, faults });
  const onCompacted = (): void => {
    counts.compactions += 1;
  };
  for (let life = 0; life < LIVES; life += 1) {
    const core = await setting.start(calls);
    if (quota) await setQuota(core, world, quota);
    const alive = await liveTogether(setting, { core, calls, refused, random, onCompacted, ...options });
    if (alive > 0) counts.cutShort += 1;
    if (world.died) counts.died += 1;
    counts.moved += core.compactor?.counts.movedExtents ?? 0;
    counts.merged += core.compactor?.counts.mergedPieces ?? 0;
    await setting.endStore(random);
  }
  world.fill(false);
  const core = await setting.start(calls);
  if (core.room.full) throw new Broken('roomIsKnown', 'there is room, and the store does not know');
  if (world.faults.length > 0 && !faults)
    throw new Broken('onlyDevicesFail', 'background work failed', { cause: world.faults[0] });
  if (quota) await mustBeWithin(core, world, quota);
  await setting.endWorkers(core);
  await core.close();
  if (world.family) {
    const { movedExtents, mergedPieces } = world.family.compacted;
    counts.killed = world.family.kills.serving;
    counts.maintainersKilled = world.family.kills.maintaining;
    counts.moved += movedExtents;
    counts.merged += mergedPieces;
  }
  return { ...counts, history: history.digest, steps: setting.scheduler.steps, commits: setting.commits };
}

function countRefusals(
  counts: Record<'noSpace' | 'overQuota' | 'failed', number>,
  { fills, faults }: { readonly fills: boolean; readonly faults: boolean },
): Refused {
  return {
    noRoom: () => {
      if (!fills)
        throw new Broken('roomIsKnown', 'a client was refused for want of room, of which there is enough');
      counts.noSpace += 1;
    },
    overQuota: () => {
      counts.overQuota += 1;
    },
    failed: () => {
      if (!faults) throw new Broken('onlyDevicesFail', 'an operation failed on a device that does not');
      counts.failed += 1;
    },
  };
}

interface Together extends SimulationOptions {
  readonly core: Core;
  readonly calls: Calls;
  readonly refused: Refused;
  readonly random: Random;
  readonly onCompacted: () => void;
}

/** All clients at once, until they are done or the end comes. @returns how many are not done */
async function liveTogether(setting: Setting, together: Together): Promise<number> {
  const { scheduler, world, replay } = setting;
  const { core, calls, refused, random, actions = 30, fills, faults = false, compacts } = together;
  const { onCompacted } = together;
  world.interleave(true);
  if (fills) void fillNowAndThen(setting, random);
  inspectNowAndThen(setting, random).catch(setting.breaks);
  if (compacts) {
    const compacted = { core, volume: world.volume.id, idle: world.process.pause, onCompacted };
    for (const work of [compactNowAndThen, writeInPieces]) work(compacted).catch(setting.breaks);
  }
  const { process, family } = world;
  const idle = process.pause;
  const surroundings = { core, random, replay, process, idle, calls, mayFail: faults };
  const within = new Surroundings({ ...surroundings, ...(family && { door: () => family.door() }) });
  if (family) killNowAndThen(setting, random).catch(setting.breaks);
  let alive = ACTORS;
  for (let i = 0; i < ACTORS; i += 1) {
    live(within, actions, refused).then(() => {
      alive -= 1;
    }, setting.breaks);
  }
  const endsAt = scheduler.steps + 1 + below(random, STEPS_MAX);
  await scheduler.run(
    () => setting.broken !== undefined || alive === 0 || world.died || scheduler.steps >= endsAt,
  );
  setting.mustBeWhole();
  return alive;
}

const setQuota = ({ volumes }: Core, { volume }: World, { bytes, inodes }: Required<Quota>) =>
  volumes.setSettings(volume.id, { quotaBytes: bytes, quotaInodes: inodes });

async function mustBeWithin({ volumes }: Core, { volume }: World, quota: Required<Quota>): Promise<void> {
  const { bytes, inodes } = await volumes.usage(volume.id);
  if (bytes <= quota.bytes && inodes <= quota.inodes) return;
  throw new Broken('quotasHold', `the volume has ${bytes} bytes in ${inodes} inodes, over its quota`);
}

/** Until the power goes. */
async function fillNowAndThen({ world }: Setting, random: Random): Promise<never> {
  for (;;) {
    for (let steps = below(random, FULL_STEPS_MAX); steps > 0; steps -= 1) await world.process.pause();
    world.fill(!world.isFull);
  }
}

async function killNowAndThen({ world }: Setting, random: Random): Promise<never> {
  for (;;) {
    for (let steps = below(random, KILL_STEPS_MAX); steps > 0; steps -= 1) await world.process.pause();
    await world.family?.kill();
  }
}

async function inspectNowAndThen({ world }: Setting, random: Random): Promise<never> {
  for (;;) {
    for (let steps = below(random, INSPECTION_STEPS_MAX); steps > 0; steps -= 1) await world.process.pause();
    await inspect(world.committed);
  }
}
