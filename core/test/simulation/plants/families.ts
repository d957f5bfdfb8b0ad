/** What goes wrong between the processes of a world that has several. */

import type { Op, ReadTx } from '@facet/engine';
import type { Freshness, OtherEnd, StoreAccess, StoreCalls } from '../../../src/index.ts';
import { FsError } from '../../../src/index.ts';
import { contentMapKey } from '../../../src/meta/keys.ts';
import { decodeMapEntry } from '../../../src/meta/records/content.ts';
import type { ExtentPiece } from '../../../src/meta/records/space.ts';
import { type Move, repointExtents } from '../../../src/space/repoint.ts';
import { Workers } from '../../../src/workers/workers.ts';
import type { Plant } from './plant.ts';
import { replace } from './replace.ts';

const WORLD = { workers: 2, journal: 'whole' } as const;
const LOST = ['bytesAreKept', 'readsAreCurrent'] as const;

/** LMDB's file is taken to hold everything. */
const believing = (): Freshness => ({ given: () => 0, settled: () => 0 });

/** What nobody answered is asked once more. */
function asksAgain(inner: OtherEnd<StoreCalls>, access: StoreAccess): OtherEnd<StoreCalls> {
  return {
    call: async (method, params) => {
      try {
        return await inner.call(method, params);
      } catch (error) {
        if (!(error instanceof FsError && error.code === 'Interrupted')) throw error;
        return (await access.reach()).call(method, params);
      }
    },
  };
}

/** As if what lies there now were what was copied. */
function* asItIs(tx: ReadTx, move: Move): Op<Move> {
  const from: ExtentPiece[] = [];
  for (const piece of move.from) {
    const stored = yield* tx.get(contentMapKey(move.content, piece.fileOffset));
    const entry = stored && decodeMapEntry(stored);
    const isThere = entry?.kind === 'data' && entry.lengthBytes === piece.lengthBytes;
    from.push(isThere ? { ...piece, location: entry.location, start: entry.start } : piece);
  }
  return { ...move, from };
}

export const FAMILY_PLANTS: Readonly<Record<string, Plant>> = {
  'the collector does not hear of readers in workers': {
    world: WORLD,
    family: {
      workerAnswers: (inner) => ({ ...inner, oldestPin: () => Number.POSITIVE_INFINITY }),
    },
    breaks: LOST,
  },
  'a worker reads what is in the file': {
    world: WORLD,
    family: { freshness: believing },
    breaks: ['readsAreCurrent'],
  },
  'a worker is over before what it asked for is': {
    world: WORLD,
    family: { endsAtOnce: true },
    // What it left is taken for dead, before the store refers to it.
    breaks: [...LOST, 'liveBytesDead'],
  },
  'what a worker left is never looked for': {
    world: WORLD,
    install: () => replace(Workers.prototype, { ended: () => undefined }),
    breaks: ['leasesEnd'],
  },
  'a store that starts takes the workers to be over': {
    world: WORLD,
    install: () => replace(Workers.prototype, { isRunning: () => false }),
    // Their leases end, and they go on writing: what nobody refers to there is not looked for when they end, be it a whole
    // container, and what nobody refers to yet is taken for dead.
    breaks: [...LOST, 'unaccountedBytes', 'containerWithoutReferent', 'liveBytesDead'],
  },
  'a worker is answered before the commit': {
    world: WORLD,
    family: {
      storeAnswers: (inner) => ({
        ...inner,
        run: (params) => {
          const done = inner.run(params);
          if (params.command !== 'putObject') return done;
          Promise.resolve(done).catch(() => undefined);
          return {};
        },
      }),
    },
    breaks: ['answersFollowCommits'],
  },
  'another process moves over what was written meanwhile': {
    world: { ...WORLD, compacts: true, actions: 60 },
    install: () => {
      const { run } = repointExtents;
      return replace(repointExtents, {
        *run(tx, { moves }, context) {
          const believed: Move[] = [];
          for (const move of moves) believed.push(yield* asItIs(tx, move));
          return yield* run(tx, { moves: believed }, context);
        },
      });
    },
    breaks: [...LOST, 'commitsAreKept'],
  },
  'a command that nobody answered is sent again': {
    world: WORLD,
    family: { store: asksAgain },
    // A part that takes its own place drops what it refers to, and the bytes of that are given back.
    breaks: ['callsAreDoneOnce', 'referenceCountWrong', 'contentMissing', 'liveBytesDead'],
  },
};
