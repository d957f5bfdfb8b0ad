import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FileRef } from '../../src/index.ts';
import { below, bytesFrom, type Random, randomFrom } from '../random.ts';
import { ENGINES, ROOT, Yard } from './yard.ts';

const NAMES = ['a', 'b', 'c'];
const SIZE_MAX = 3_000_000;

/** Files against buffers: a write or a truncation may do to the one only what it does to the other. */
class Model {
  readonly files = new Map<string, Buffer>();

  write(name: string, offset: number, bytes: Buffer): void {
    const old = this.files.get(name) ?? Buffer.alloc(0);
    const next = Buffer.alloc(Math.max(old.length, bytes.length > 0 ? offset + bytes.length : 0));
    old.copy(next);
    bytes.copy(next, offset);
    this.files.set(name, next);
  }

  truncate(name: string, size: number): void {
    const next = Buffer.alloc(size);
    this.files.get(name)?.copy(next);
    this.files.set(name, next);
  }
}

/** Sizes around every threshold: inline, packed, frames. */
function sizeFrom(random: Random): number {
  const scales = [50, 960, 5000, 40_000, 300_000, 1_200_000];
  return below(random, scales[below(random, scales.length)] ?? 1);
}

const remove = (yard: Yard, name: string) =>
  yard.files.remove({ caller: ROOT, parent: yard.root, name: Buffer.from(name) });

async function play(yard: Yard, random: Random, steps: number): Promise<void> {
  const model = new Model();
  const find = async (name: string): Promise<FileRef> => {
    if (model.files.has(name)) return yard.walk(name);
    model.files.set(name, Buffer.alloc(0));
    return yard.touch(yard.root, name, 0o600);
  };
  for (let step = 0; step < steps; step += 1) {
    const name = NAMES[below(random, NAMES.length)] ?? 'a';
    const other = NAMES[below(random, NAMES.length)] ?? 'b';
    const old = model.files.get(name);
    const dice = random();
    if (dice < 0.45) {
      const file = await find(name);
      const offset = below(random, Math.min(SIZE_MAX, 2 * (old?.length ?? 0) + 2000));
      const bytes = bytesFrom(random, sizeFrom(random));
      if (random() < 0.1) {
        // Whichever comes first, the file is gone; bytes that came too late must not stay.
        await Promise.allSettled([yard.write(file, offset, bytes), remove(yard, name)]);
        model.files.delete(name);
      } else if (random() < 0.2) {
        // Side by side, and sealed in between by a copy.
        const stripe = 1 + below(random, 6000);
        const stripes = Array.from({ length: 6 }, (_, index) => ({
          at: offset + index * stripe,
          bytes: bytesFrom(random, stripe),
        }));
        await Promise.all([
          ...stripes.map((part) => yard.write(file, part.at, part.bytes)),
          yard.copy(name, 'passing'),
        ]);
        for (const part of stripes) model.write(name, part.at, part.bytes);
        await remove(yard, 'passing');
      } else {
        await yard.write(file, offset, bytes);
        model.write(name, offset, bytes);
      }
    } else if (dice < 0.65) {
      const size = random() < 0.5 ? below(random, (old?.length ?? 0) + 1) : sizeFrom(random);
      await yard.truncate(await find(name), size);
      model.truncate(name, size);
    } else if (dice < 0.75) {
      const bytes = bytesFrom(random, sizeFrom(random));
      await yard.put(name, bytes);
      model.files.set(name, bytes);
    } else if (dice < 0.9) {
      if (!old || name === other) continue;
      await yard.copy(name, other);
      model.files.set(other, old);
    } else {
      if (!old) continue;
      await remove(yard, name);
      model.files.delete(name);
    }
    const [start, length] = [below(random, SIZE_MAX), sizeFrom(random)];
    for (const [key, bytes] of model.files) {
      const file = await yard.walk(key);
      expect(await yard.stat(file)).toMatchObject({ sizeBytes: bytes.length });
      const slice = await yard.read(file, start, length);
      expect(slice.equals(bytes.subarray(start, start + length))).toBe(true);
    }
    if (random() < 0.2) await yard.collect();
  }
  await yard.check();
  for (const [key, bytes] of model.files) {
    expect((await yard.get(key)).equals(bytes)).toBe(true);
    const file = await yard.walk(key);
    for (let at = 0; at < bytes.length; at += 4 << 20) {
      expect((await yard.read(file, at)).equals(bytes.subarray(at, at + (4 << 20)))).toBe(true);
    }
  }
  await yard.collect();
  await yard.checkFrames();
  for (const name of model.files.keys()) {
    await remove(yard, name);
  }
  await yard.collect();
  await yard.check();
  expect(await yard.files.usage({ volume: yard.volume })).toEqual({ bytes: 0, inodes: 1 });
  expect(await yard.checkFrames()).toEqual({ mapped: 0 });
}

describe.each(ENGINES)('files against a model on the %s engine', (kind) => {
  it('reads what was written, and in the end every byte is mapped or given back', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (seed) => {
        const yard = await Yard.open(kind, seed);
        try {
          await play(yard, randomFrom(seed), 30);
        } finally {
          await yard.close();
        }
      }),
      { numRuns: kind === 'memory' ? 25 : 8 },
    );
  });
});
