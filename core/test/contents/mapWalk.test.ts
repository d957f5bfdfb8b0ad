import { type KeyRange, MemoryEngine, type ReadTx } from '@facet/engine';
import { containerId } from '@facet/extents';
import { beforeEach, describe, expect, it } from 'vitest';
import { putEntry } from '../../src/contents/editMap.ts';
import { walkBack } from '../../src/contents/mapWalk.ts';
import { mapEntries, type PlacedEntry, type Span } from '../../src/contents/plan.ts';
import { contentId } from '../../src/index.ts';

const CONTENT = contentId(7);
const BLOCK_BYTES = 4096;
const BLOCKS = 300;

describe('a walk back through a map', () => {
  let engine: MemoryEngine;
  let asked: ('get' | 'range')[];

  /** Blocks, each an entry, with a hole for every fifth one; and neighbours in the order of ids. */
  beforeEach(async () => {
    engine = new MemoryEngine();
    asked = [];
    await engine.write((tx) => {
      for (const content of [contentId(6), CONTENT, contentId(8)]) {
        for (let block = 0; block < BLOCKS; block += 1) {
          if (block % 5 === 4) continue;
          const location = { store: 0, container: containerId(1), offset: block * 5000, length: BLOCK_BYTES };
          const entry = { kind: 'data', lengthBytes: BLOCK_BYTES, start: 0, location } as const;
          putEntry({ tx }, content, { offset: block * BLOCK_BYTES, entry });
        }
      }
      return tx.getMany([]);
    });
  });

  const walk = async (span: Span, isEnough: (shown: number) => boolean = () => false) => {
    const shown: PlacedEntry[] = [];
    await engine.read((tx: ReadTx) => {
      const counting: ReadTx = {
        get(key: Uint8Array) {
          asked.push('get');
          return tx.get(key);
        },
        getMany: (keys) => tx.getMany(keys),
        range(range: KeyRange) {
          asked.push('range');
          return tx.range(range);
        },
      };
      const within = { span, isEnough: (placed: PlacedEntry) => isEnough(shown.push(placed)) };
      return walkBack({ tx: counting }, CONTENT, within);
    });
    return shown;
  };

  it.each([
    [0, 0],
    [0, 1],
    [0, BLOCK_BYTES],
    [BLOCK_BYTES, BLOCK_BYTES],
    [BLOCK_BYTES - 1, 2],
    [3 * BLOCK_BYTES + 5, 100],
    [4 * BLOCK_BYTES, BLOCK_BYTES],
    [4 * BLOCK_BYTES - 1, BLOCK_BYTES + 2],
    [5 * BLOCK_BYTES, 90 * BLOCK_BYTES + 1],
    [0, BLOCKS * BLOCK_BYTES],
    [BLOCKS * BLOCK_BYTES, 1 << 20],
  ])('shows what touches the span at %d of %d bytes, the last first', async (start, lengthBytes) => {
    const span = { start, lengthBytes };
    const expected = lengthBytes === 0 ? [] : await engine.read((tx) => mapEntries({ tx }, CONTENT, span));
    expect(await walk(span)).toEqual([...expected].reverse());
  });

  it('gets the one entry of a block, and asks for no range', async () => {
    await walk({ start: 7 * BLOCK_BYTES, lengthBytes: BLOCK_BYTES });
    expect(asked).toEqual(['get']);
  });

  it('ends when it is told enough', async () => {
    const span = { start: 1, lengthBytes: BLOCKS * BLOCK_BYTES };
    expect(await walk(span, (shown) => shown === 3)).toHaveLength(3);
    expect(asked).toEqual(['get', 'range', 'range']);
  });
});
