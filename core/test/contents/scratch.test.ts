import { expect, it } from 'vitest';
import { Scratch } from '../../src/contents/scratch.ts';
import { bytesFrom } from '../random.ts';
import { World } from '../space/world.ts';

it('gives the first readers much, and all others a little, and uses both again', () => {
  const scratch = new Scratch();
  const taken = Array.from({ length: 1000 }, () => scratch.take());
  expect(new Set(taken.map(({ memory }) => memory.buffer)).size).toBe(1000);
  expect(taken.filter(({ lengthBytes }) => lengthBytes > 100_000)).toHaveLength(96);
  const heldBytes = taken.reduce((sum, { memory }) => sum + memory.buffer.byteLength, 0);
  expect(heldBytes).toBeLessThan(120 << 20);
  const known = new Set(taken.map(({ memory }) => memory));
  for (const piece of taken) scratch.give(piece);
  const again = Array.from({ length: 300 }, () => scratch.take());
  expect(again.filter(({ memory }) => known.has(memory))).toHaveLength(300);
  expect(again.filter(({ lengthBytes }) => lengthBytes > 100_000)).toHaveLength(96);
});

it('takes no fresh memory for a small piece, wherever its reading begins', async () => {
  const world = await World.open({ seed: 3, segmentBytes: 4 << 20 });
  try {
    const bytes = bytesFrom(world.random, 3_000_000);
    await world.put('key', bytes);
    const open = async () => world.life.objects.open(world.at('key'));
    // These have all that is large.
    const many = await Promise.all(Array.from({ length: 96 }, open));
    const reading = many.map((object) => object.stream());
    await Promise.all(reading.map((pieces) => pieces.next()));
    for (const start of [0, 1, 32_767, 65_536, 100_000, 1_048_575, 2_900_000]) {
      const object = await open();
      const memories = new Set<ArrayBufferLike>();
      const read: Buffer[] = [];
      for await (const piece of object.stream({ start, end: bytes.length - 1 })) {
        memories.add(piece.buffer);
        read.push(Buffer.from(piece));
      }
      object.close();
      expect(Buffer.concat(read).equals(bytes.subarray(start))).toBe(true);
      expect(memories.size).toBe(1);
    }
    for (const pieces of reading) await pieces.return(undefined);
    for (const object of many) object.close();
  } finally {
    await world.close();
  }
});
