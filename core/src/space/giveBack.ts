/** The collector's second phase, its bytes: dead runs punched, dead containers removed. */

import type { ContainerId, ExtentStore, PhysicalRun } from '@facet/extents';
import type { Commands } from '../commands/command.ts';
import { containerKey } from '../meta/keys.ts';
import { decodeContainer } from '../meta/records/space.ts';
import { isLeasedByAnother } from '../recovery/leases.ts';
import { forgetContainer } from './bury.ts';
import { findPunchable, type Punchable } from './deadRuns.ts';

/** Shorter runs are not worth a call each: their containers come back whole, or by compaction. */
const PUNCH_BYTES_MIN = 64 * 1024;
/** Only whole blocks are punched: zeros are never written beside bytes that are alive. */
const BLOCK_BYTES = 4096;
const KEYS_PER_TRANSACTION = 500;

const down = (offset: number): number => Math.floor(offset / BLOCK_BYTES) * BLOCK_BYTES;
const up = (offset: number): number => Math.ceil(offset / BLOCK_BYTES) * BLOCK_BYTES;

/** The whole blocks that hold only dead bytes, some of them of `run`: those of the rest were given back before. */
export function blocksToPunch({ run, stretch }: Punchable): PhysicalRun {
  const start = Math.max(up(stretch.offset), down(run.offset));
  const end = Math.min(down(stretch.offset + stretch.length), up(run.offset + run.length));
  return { container: run.container, offset: start, length: Math.max(0, end - start) };
}

/** Every run worth a punch in one container that touches one of `dead`, each once. */
export async function punchableRuns(
  commands: Commands,
  dead: readonly PhysicalRun[],
): Promise<readonly Punchable[]> {
  const found = new Map<number, Punchable>();
  for (const run of dead) {
    for (let within: PhysicalRun | undefined = run; within; ) {
      const place: PhysicalRun = within;
      const page = await commands.read('collector', (tx) =>
        findPunchable(tx, place, { leastBytes: PUNCH_BYTES_MIN, limit: KEYS_PER_TRANSACTION }),
      );
      for (const punchable of page.found) found.set(punchable.run.offset, punchable);
      within = page.next;
    }
  }
  return [...found.values()];
}

/** - `alive`: some of it is not dead. - `open`: its writer is not done with it. - `gone`: removed. */
export type ContainerFate =
  | { readonly kind: 'alive' | 'open' }
  | { readonly kind: 'gone'; readonly unlinkedBytes: number };

/** Removes a container when all of it is dead and nobody appends to it any more; forgets one that is missing. */
export async function removeIfDead(
  parts: {
    readonly commands: Commands;
    readonly extents: ExtentStore;
    /** Of this run, which `extents` belongs to. */
    readonly leases: { readonly instance: Uint8Array };
  },
  container: ContainerId,
): Promise<ContainerFate> {
  const { commands, extents } = parts;
  const { instance } = parts.leases;
  // While it is open its length says nothing. Asked first: what is closed stays so.
  if (extents.isActive(container)) return { kind: 'open' };
  const { deadBytes, isLeased } = await commands.read('collector', function* (tx) {
    const stored = yield* tx.get(containerKey(container));
    return {
      deadBytes: stored ? decodeContainer(stored).deadBytes : 0,
      isLeased: yield* isLeasedByAnother(tx, { instance, container }),
    };
  });
  if (isLeased) return { kind: 'open' };
  const status = await extents.status(container);
  if (status && deadBytes < status.sizeBytes) return { kind: 'alive' };
  await extents.unlink(container);
  for (;;) {
    const { done } = await commands.run(forgetContainer, { container, steps: KEYS_PER_TRANSACTION });
    if (done) return { kind: 'gone', unlinkedBytes: status?.sizeBytes ?? 0 };
  }
}
