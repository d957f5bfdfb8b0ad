import { containerId } from '@facet/extents';
import { afterEach, describe, expect, it } from 'vitest';
import { SegmentChoice, type WastefulSegment, wasteOf } from '../../src/space/wastefulSegments.ts';
import { bytesFrom } from '../random.ts';
import { World } from './world.ts';

let world: World | undefined;
afterEach(async () => {
  await world?.close();
  world = undefined;
});

describe('what a segment wastes', () => {
  const info = { container: containerId(1), kind: 'segment', sizeBytes: 1 << 20 } as const;
  const half = { deadBytes: 1 << 19, share: 1 / 4 };
  const waste = (allocatedBytes: number, deadBytes: number) =>
    wasteOf({ ...info, allocatedBytes }, { deadBytes, share: 1 / 4 });

  it('is what it takes of the disk beyond what is alive', () => {
    expect(waste(1 << 20, 1 << 19)).toMatchObject({ wasteBytes: 1 << 19, liveBytes: 1 << 19 });
    expect(waste(1 << 20, 1 << 17)).toBeUndefined();
    // Given back already.
    expect(waste(5 << 17, 1 << 19)).toBeUndefined();
  });

  it('counts for less than the file itself when hardly anything is alive', () => {
    expect(waste(8192, (1 << 20) - 6000)).toMatchObject({ liveBytes: 6000 });
    expect(waste(0, 1 << 20)).toBeUndefined();
  });

  it('is nobody else’s in a dedicated container', () => {
    expect(wasteOf({ ...info, kind: 'dedicated', allocatedBytes: 1 << 20 }, half)).toBeUndefined();
  });
});

describe('which segments are emptied', () => {
  const OBJECTS = 120;
  const LOOKS = 6;

  /** Segments of a mebibyte, each with a third of it dead. */
  async function thirdDead(made: World): Promise<void> {
    for (let i = 0; i < OBJECTS; i += 1) await made.put(`k${i}`, bytesFrom(made.random, 30_000));
    await deleteEvery(made, 3, 0);
  }

  async function deleteEvery(made: World, step: number, first: number): Promise<void> {
    for (let i = first; i < OBJECTS; i += step) await made.delete(`k${i}`);
    await made.life.collector.drain();
  }

  async function look(choice: SegmentChoice, meanwhile?: (nth: number) => Promise<void>) {
    let found: readonly WastefulSegment[] = [];
    for (let nth = 0; nth < LOOKS; nth += 1) {
      await meanwhile?.(nth);
      found = [...found, ...(await choice.choose({ patient: true }))];
    }
    return found;
  }

  it('are not those that still die, until they have come to rest', async () => {
    world = await World.open();
    const made = world;
    await thirdDead(made);
    const choice = new SegmentChoice(made.life);
    expect((await choice.choose({ patient: false })).length).toBeGreaterThan(1);
    const patient = new SegmentChoice(made.life);
    expect(await patient.choose({ patient: true })).toEqual([]);
    // One in 17 of each segment, in what they look at as a minute.
    expect(await look(patient, (nth) => deleteEvery(made, OBJECTS, 1 + nth * 18))).toEqual([]);
    expect(await look(patient)).toEqual([]);
    expect((await patient.choose({ patient: true })).length).toBeGreaterThan(1);
  });

  it('are those that still die, when half of them is dead', async () => {
    world = await World.open();
    await thirdDead(world);
    await deleteEvery(world, 3, 1);
    const choice = new SegmentChoice(world.life);
    expect((await choice.choose({ patient: true })).length).toBeGreaterThan(1);
  });
});
