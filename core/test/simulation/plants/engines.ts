/** Engines that do not do what they promise. */

import {
  type Bytes,
  type Engine,
  MemoryEngine,
  type MemoryState,
  type Op,
  type ReadTx,
  type WriteTx,
} from '@facet/engine';
import type { ContentId } from '../../../src/ids.ts';
import { SPACE } from '../../../src/meta/keys.ts';
import { decodeInode, type ExtentPlace, encodeInode } from '../../../src/meta/records/inode.ts';

type Write = readonly [key: Bytes, value: Bytes | undefined];
type Wrap = (inner: Engine, commandOf: () => string | undefined) => Engine;

/** The same but for what is given. */
function instead(inner: Engine, other: Partial<Engine>): Engine {
  return {
    read: (op) => inner.read(op),
    write: (op) => inner.write(op),
    spareBytes: () => inner.spareBytes(),
    close: () => inner.close(),
    ...other,
  };
}

/** What of a write is stored: something else, or nothing. */
export type Distort = (write: Write, command: string | undefined) => Write | undefined;

export const distorting =
  (distort: Distort): Wrap =>
  (inner, commandOf) =>
    instead(inner, {
      write: (op) => {
        const command = commandOf();
        return inner.write((tx) => op(storing(tx, (write) => pass(tx, distort(write, command)))));
      },
    });

function pass(tx: WriteTx, write: Write | undefined): void {
  if (!write) return;
  const [key, value] = write;
  if (value) tx.put(key, value);
  else tx.delete(key);
}

function storing(tx: WriteTx, store: (write: Write) => void): WriteTx {
  return {
    get: (key) => tx.get(key),
    getMany: (keys) => tx.getMany(keys),
    range: (range) => tx.range(range),
    put: (key, value) => store([key, value]),
    delete: (key) => store([key, undefined]),
  };
}

/** Leaves out puts of one kind of record, perhaps of one command alone. */
export const losing = (space: number, ofCommand?: string): Wrap =>
  distorting((write, command) => {
    const [key, value] = write;
    const isIt = key[0] === space && value !== undefined;
    return isIt && (ofCommand === undefined || command === ofCommand) ? undefined : write;
  });

/** Removes one kind of record instead of putting it. */
export const erasing = (space: number): Wrap =>
  distorting(([key, value]) => (key[0] === space ? [key, undefined] : [key, value]));

/** Leaves out removals of one kind of record. */
export const keeping = (space: number): Wrap =>
  distorting((write) => {
    const [key, value] = write;
    return key[0] === space && value === undefined ? undefined : write;
  });

/** Leaves out one put of so many. */
export const losingOneIn = (count: number): Wrap => {
  let puts = 0;
  return distorting((write) => {
    puts += 1;
    return puts % count === 0 && write[1] !== undefined ? undefined : write;
  });
};

/** Inodes keep the place that their content's bytes were stored in, whatever becomes of these. */
export const remembering: Wrap = (inner, commandOf) => {
  const places = new Map<ContentId, ExtentPlace>();
  return distorting((write) => {
    const [key, value] = write;
    if (key[0] !== SPACE.inode || !value) return write;
    const inode = decodeInode(value);
    const { body } = inode;
    if (body.kind !== 'content') return write;
    if (body.at) places.set(body.content, body.at);
    const at = places.get(body.content);
    return at ? [key, encodeInode({ ...inode, body: { ...body, at } })] : write;
  })(inner, commandOf);
};

/** Answers as soon as it is known what. */
export const hasty: Wrap = (inner) =>
  instead(inner, {
    write: <T>(op: (tx: WriteTx) => Op<T>) =>
      new Promise<T>((resolve, reject) => {
        const written = inner.write(function* (tx) {
          const result = yield* op(tx);
          resolve(result);
          return result;
        });
        written.then(resolve, reject);
      }),
  });

/** Commits what was worked out from a state, whatever came between. */
export const careless: Wrap = (inner) =>
  instead(inner, {
    write: async <T>(op: (tx: WriteTx) => Op<T>) => {
      const writes: Write[] = [];
      const aside = new MemoryEngine({ state: stateOf(inner) });
      const result = await aside.write((tx) =>
        op(
          storing(tx, (write) => {
            writes.push(write);
            pass(tx, write);
          }),
        ),
      );
      // biome-ignore lint/correctness/useYield: nothing is read again.
      await inner.write(function* (tx) {
        for (const write of writes) pass(tx, write);
        return undefined;
      });
      return result;
    },
  });

/** What opens a store reads so often before anybody else does. */
const READS_TO_OPEN = 300;

/** Reads of what was there before the last commit, one in so many. */
export const behind =
  (oneIn: number): Wrap =>
  (inner) => {
    let before: MemoryState = stateOf(inner);
    let reads = 0;
    return instead(inner, {
      write: async (op) => {
        const state = stateOf(inner);
        const result = await inner.write(op);
        if (stateOf(inner) !== state) before = state;
        return result;
      },
      read: <T>(op: (tx: ReadTx) => Op<T>) => {
        reads += 1;
        return reads > READS_TO_OPEN && reads % oneIn === 0
          ? new MemoryEngine({ state: before }).read(op)
          : inner.read(op);
      },
    });
  };

function stateOf(engine: Engine): MemoryState {
  if (!(engine instanceof MemoryEngine)) throw new Error('only the memory engine can be copied');
  return engine.snapshot();
}
