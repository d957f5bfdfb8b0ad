/** The kinds of worlds, and of which of them a seed's is: one seed is one world. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OnEvent } from './history.ts';
import { type Outcome, playOnLmdb, type SimulationOptions, simulate } from './simulate.ts';

export interface Kind {
  readonly name: string;
  /** Of a hundred seeds that follow one another so many are of this kind. */
  readonly share: number;
  /** @throws when the store is not as it should be */
  readonly play: (seed: number, onEvent?: OnEvent) => Promise<Outcome>;
  /** What most worlds of the kind must have met, so that there is something to see in them. */
  readonly most?: (outcome: Outcome) => boolean;
  /** What one of them must have. Unless told, a life that came to its end: nobody waits for ever. */
  readonly some?: (outcome: Outcome) => boolean;
}

const simulated =
  (options: Omit<SimulationOptions, 'seed' | 'onEvent'>): Kind['play'] =>
  (seed, onEvent) =>
    simulate({ seed, ...options, ...(onEvent && { onEvent }) });

const COMPACTED = { compacts: true, actions: 60 } as const;

export const KINDS: readonly Kind[] = [
  {
    name: 'the power goes, or the process',
    share: 16,
    play: simulated({}),
    most: ({ cutShort }) => cutShort > 0,
  },
  {
    name: 'there is a journal',
    share: 16,
    play: simulated({ journal: 'whole' }),
    most: ({ cutShort }) => cutShort > 0,
  },
  { name: 'the disk fails at random moments', share: 8, play: simulated({ faults: true }) },
  {
    name: 'the disk fails, and there is a journal',
    share: 8,
    play: simulated({ faults: true, journal: 'whole' }),
  },
  {
    name: 'the disk is full at random moments',
    share: 8,
    play: simulated({ fills: true }),
    most: ({ noSpace }) => noSpace > 0,
  },
  {
    name: 'the disk is full at random moments, and there is a journal',
    share: 8,
    play: simulated({ fills: true, journal: 'whole' }),
    most: ({ noSpace }) => noSpace > 0,
  },
  {
    name: 'other processes serve by key',
    share: 6,
    // Fewer actions: each takes more steps, and some lives are to come to their end.
    play: simulated({ workers: 2, journal: 'whole', actions: 12 }),
    most: ({ killed }) => killed > 0,
  },
  {
    name: 'another process serves by key, and there is no journal',
    share: 2,
    play: simulated({ workers: 1 }),
  },
  {
    name: 'other processes serve by key, and the disk is full at random moments',
    share: 2,
    play: simulated({ workers: 2, journal: 'whole', fills: true }),
  },
  {
    name: 'other processes serve by key, and the disk fails at random moments',
    share: 2,
    play: simulated({ workers: 2, journal: 'whole', faults: true }),
  },
  {
    name: 'the volume has a quota',
    share: 6,
    play: simulated({ quota: { bytes: 100_000, inodes: 12 } }),
    most: ({ overQuota }) => overQuota > 0,
  },
  {
    name: 'it is compacted while it is used',
    share: 4,
    play: simulated(COMPACTED),
    some: ({ moved, merged, compactions }) => moved > 0 && merged > 0 && compactions > 0,
  },
  {
    name: 'another process compacts it while others serve by key',
    share: 3,
    play: simulated({ ...COMPACTED, workers: 2, journal: 'whole' }),
    most: ({ killed }) => killed > 0,
    // Who is killed so often seldom comes to merging.
    some: ({ moved, compactions, maintainersKilled }) =>
      moved > 0 && compactions > 0 && maintainersKilled > 0,
  },
  {
    name: 'it is compacted while it is used, and there is a journal',
    share: 5,
    play: simulated({ ...COMPACTED, journal: 'whole' }),
    some: ({ moved, merged }) => moved > 0 && merged > 0,
  },
  {
    name: 'it is compacted while it is used, and the disk is full at random moments',
    share: 4,
    play: simulated({ ...COMPACTED, fills: true }),
    // Nobody comes to write a file in pieces to its end there.
    some: ({ moved }) => moved > 0,
  },
  { name: 'the metadata is in LMDB', share: 2, play: playInFolder },
];

const COMMITS_MIN = 100;

async function playInFolder(seed: number, onEvent?: OnEvent): Promise<Outcome> {
  const lmdbFolder = await mkdtemp(join(tmpdir(), 'facet-simulation-'));
  try {
    const outcome = await playOnLmdb({
      seed,
      actions: 150,
      lmdbFolder,
      ...(onEvent && { onEvent }),
    });
    if (outcome.commits <= COMMITS_MIN) throw new Error(`there were only ${outcome.commits} commits`);
    return outcome;
  } finally {
    await rm(lmdbFolder, { recursive: true });
  }
}

const SEEDS_PER_ROUND = 100;
/** Coprime to a hundred: seeds that follow one another are of many kinds, and every hundred are of all in their shares. */
const STRIDE = 37;

/** Whose world it is. */
export function kindOf(seed: number): Kind {
  let place = (seed * STRIDE) % SEEDS_PER_ROUND;
  for (const kind of KINDS) {
    if (place < kind.share) return kind;
    place -= kind.share;
  }
  throw new Error(`the shares of all kinds come to less than ${SEEDS_PER_ROUND}`);
}
