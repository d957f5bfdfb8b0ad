/** Worlds to compact, and compactors in hand: when they look, how far they go, and where they are cut off. */

import { expect } from 'vitest';
import type { FileAttributes } from '../../src/index.ts';
import { type CompactOptions, Compactor, type CompactorParts } from '../../src/space/compactor.ts';
import type { Timer } from '../../src/space/timer.ts';
import { below, bytesFrom } from '../random.ts';
import { CutOff } from './cutOff.ts';
import { World } from './world.ts';

type Pace = CompactOptions['pace'];

export const AT_ONCE: Pace = { take: async () => undefined };
const CALLER = { uid: 0, gid: 0, groups: [] };
const never: Timer = { after: () => ({ cancel: () => undefined }) };

/** A pace that nothing gets past before its end. */
export function heldBack(): { readonly pace: Pace; readonly reached: Promise<void> } {
  const { promise: reached, resolve } = Promise.withResolvers<void>();
  const take: Pace['take'] = (_bytes, signal) => {
    resolve();
    return new Promise((goOn) => signal?.addEventListener('abort', () => goOn()));
  };
  return { pace: { take }, reached };
}

/** It looks at nothing by itself, and has room and all the pace it wants, unless told. */
export function compactorOf({ life }: World, parts: Partial<CompactorParts> = {}): Compactor {
  const { commands, extents, pins } = life;
  return new Compactor({
    commands,
    extents,
    pins,
    pace: AT_ONCE,
    hasRoom: async () => true,
    timer: never,
    ...parts,
  });
}

/** Fills some segments of a mebibyte, and deletes two objects of three: no run is long enough for a punch. @returns the third */
export async function thinned(made: World, count = 240): Promise<Map<string, Buffer>> {
  const kept = new Map<string, Buffer>();
  for (let i = 0; i < count; i += 1) {
    const bytes = bytesFrom(made.random, 2_000 + below(made.random, 28_000));
    await made.put(`k${i}`, bytes);
    if (i % 3 === 0) kept.set(`k${i}`, bytes);
  }
  for (let i = 0; i < count; i += 1) if (i % 3 !== 0) await made.delete(`k${i}`);
  await made.life.collector.drain();
  return kept;
}

export async function mustHold(made: World, kept: ReadonlyMap<string, Buffer>): Promise<void> {
  for (const [key, bytes] of kept) expect((await made.get(key))?.equals(bytes), key).toBe(true);
  expect(await made.findings()).toEqual([]);
}

/** The file of that name in the volume's root, which is made where there is none. */
async function fileOf(made: World, key: string): Promise<FileAttributes> {
  const { files } = made.life;
  const parent = await files.root({ volume: made.volume });
  const at = { caller: CALLER, parent, name: Buffer.from(key) };
  const { file } = await files.lookup({ ...at, directory: false });
  return file ?? (await files.create({ ...at, how: { kind: 'guarded', attributes: {} } })).file;
}

export async function writeFile(made: World, key: string, offset: number, bytes: Buffer): Promise<void> {
  const file = await fileOf(made, key);
  await made.life.files.write({ caller: CALLER, file, offset, data: [bytes] });
}

export const BLOCK_BYTES = 4096;

/** Writes `bytes` a block at a time, in order. */
export async function writeBlocks(made: World, key: string, bytes: Buffer): Promise<void> {
  const file = await fileOf(made, key);
  for (let offset = 0; offset < bytes.length; offset += BLOCK_BYTES) {
    const data = [bytes.subarray(offset, offset + BLOCK_BYTES)];
    await made.life.files.write({ caller: CALLER, file, offset, data });
  }
}

/**
 * Has the power go at any of the first steps that a compactor takes, in a world for each seed: what it holds, it holds
 * after the recovery.
 * @param how `fill`: makes what is to be compacted, and says what it holds; `after`: what else is to be true
 */
export async function cutOffAnywhere(how: {
  readonly seeds: number;
  readonly stepsMax: number;
  readonly fill: (world: World) => Promise<ReadonlyMap<string, Buffer>>;
  readonly after?: (world: World, kept: ReadonlyMap<string, Buffer>) => Promise<void>;
}): Promise<void> {
  for (let seed = 1; seed <= how.seeds; seed += 1) {
    const cutOff = new CutOff();
    const world = await World.open({ seed, ...cutOff.hooks });
    const kept = await how.fill(world);
    const compactor = compactorOf(world);
    await cutOff.endsWithin(below(world.random, how.stepsMax), () => compactor.run({ pace: AT_ONCE }));
    await world.crash();
    expect(world.life.lost, `seed ${seed}`).toEqual([]);
    await world.life.collector.drain();
    await mustHold(world, kept);
    await how.after?.(world, kept);
    await world.close();
  }
}
