/** Chance that a seed makes again. */

export type Random = () => number;

/** Mulberry32. */
export function randomFrom(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const below = (random: Random, count: number): number => Math.floor(random() * count);

export function pick<T>(random: Random, from: readonly T[]): T {
  const chosen = from[below(random, from.length)];
  if (chosen === undefined) throw new Error('nothing to pick from');
  return chosen;
}

/** No two pieces of it are alike, so that bytes in a wrong place show. */
export function bytesFrom(random: Random, length: number): Buffer {
  const words = new Uint32Array(Math.ceil(length / 4));
  let state = Math.floor(random() * 2 ** 32) | 1;
  for (let at = 0; at < words.length; at += 1) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    words[at] = state;
  }
  return Buffer.from(words.buffer, 0, length);
}
