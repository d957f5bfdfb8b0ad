/**
 * What of a container that its writer left behind is alive: its frames, compared with the metadata.
 *
 * A writer appends a batch only when the one before is on stable storage, and publishes only what is. So all
 * that is referred to comes before all that a crash can have torn. What the device fails to give is not known to be dead,
 * wherever it lies.
 */

import {
  type ContainerInfo,
  type ExtentStore,
  FRAME_DATA_BYTES,
  type PhysicalRun,
  type ScannedFrame,
} from '@facet/extents';
import type { Commands } from '../commands/command.ts';
import { isDead } from '../space/deadRuns.ts';
import {
  doOverlap,
  findMapping,
  frameIsMapped,
  type MappedFrame,
  mergeRuns,
  runOfFrames,
  sameExtent,
} from '../space/frames.ts';

const FRAMES_PER_READ = 128;

/** Bytes that are referred to and not what was written there. This must never happen. */
export interface LostBytes {
  readonly run: PhysicalRun;
  /** The content that refers to them, where the damage leaves that to be seen. */
  readonly content?: number;
  readonly what: 'frame damaged' | 'frame missing' | 'bytes damaged';
}

export interface Survey {
  /** What nothing refers to, in order of place; it may have been known to be dead before. */
  readonly dead: readonly PhysicalRun[];
  readonly liveFrames: number;
  readonly lost: readonly LostBytes[];
}

interface Parts {
  readonly commands: Commands;
  readonly extents: ExtentStore;
}

/**
 * A dedicated container holds one extent, published whole or not at all: one frame that is alive says that the
 * metadata knows it, dead frames included.
 */
export async function surveyDedicated({ commands, extents }: Parts, info: ContainerInfo): Promise<Survey> {
  const { container } = info;
  const unreadable: PhysicalRun[] = [];
  for await (const frame of extents.scan(container, { onUnreadable: (run) => unreadable.push(run) })) {
    const mapped = await commands.read('recover', (tx) => findMapping({ tx }, { container, frame }));
    if (mapped) return { dead: [], liveFrames: 1, lost: [] };
  }
  const whole = { container, offset: 0, length: info.sizeBytes };
  if (unreadable.length > 0)
    return { dead: [], liveFrames: 0, lost: [{ run: whole, what: 'bytes damaged' }] };
  return { dead: [whole], liveFrames: 0, lost: [] };
}

/** Every frame of a segment. */
export async function surveySegment(parts: Parts, info: ContainerInfo): Promise<Survey> {
  const { container } = info;
  const [damage, unreadable]: [PhysicalRun[], PhysicalRun[]] = [[], []];
  const live = new LiveFrames(parts.commands);
  let batch: ScannedFrame[] = [];
  const settle = async (): Promise<void> => {
    const frames = batch;
    batch = [];
    const mappings = await parts.commands.read('recover', function* (tx) {
      const found: (MappedFrame | undefined)[] = [];
      for (const frame of frames) found.push(yield* findMapping({ tx }, { container, frame }));
      return found;
    });
    for (const [index, frame] of frames.entries()) {
      const mapped = mappings[index];
      if (mapped) await live.add(mapped, frame);
    }
  };
  const scan = parts.extents.scan(container, {
    onDamage: (run) => damage.push(run),
    onUnreadable: (run) => unreadable.push(run),
  });
  for await (const frame of scan) {
    batch.push(frame);
    if (batch.length === FRAMES_PER_READ) await settle();
  }
  await settle();
  await live.end();
  const isTornEnd = (run: PhysicalRun): boolean =>
    run.offset >= live.endOffset && !unreadable.some((one) => doOverlap(one, run));
  const inPlace = damage.filter((run) => !isTornEnd(run));
  const lost = [...live.lost, ...(await notKnownDead(parts.commands, inPlace))];
  const keep = mergeRuns([...live.runs, ...lost.map(({ run }) => run), ...unreadable]);
  return { dead: gaps(keep, info), liveFrames: live.count, lost };
}

/** Gathers the frames that are alive, and misses those that ought to lie between them. */
class LiveFrames {
  readonly runs: PhysicalRun[] = [];
  readonly lost: LostBytes[] = [];
  count = 0;
  readonly #commands: Commands;
  #last: MappedFrame | undefined;

  constructor(commands: Commands) {
    this.#commands = commands;
  }

  get endOffset(): number {
    return this.runs.reduce((end, run) => Math.max(end, run.offset + run.length), 0);
  }

  async add(mapped: MappedFrame, frame: ScannedFrame): Promise<void> {
    const { extent } = mapped;
    const last = this.#last;
    const continues = last !== undefined && sameExtent(last.extent.location, extent.location);
    if (!continues) await this.end();
    await this.#miss(mapped, { first: continues ? last.frame + 1 : 0, end: mapped.frame });
    const run = runOfFrames(extent.location, { first: mapped.frame, end: mapped.frame + 1 });
    this.runs.push(run);
    this.count += 1;
    if (!frame.intact) this.lost.push({ run, content: extent.content, what: 'frame damaged' });
    this.#last = mapped;
  }

  /** The extent of the last frame ends where it should, or not. */
  async end(): Promise<void> {
    const last = this.#last;
    this.#last = undefined;
    if (last) await this.#miss(last, { first: last.frame + 1, end: framesOf(last) });
  }

  async #miss(
    { extent }: MappedFrame,
    frames: { readonly first: number; readonly end: number },
  ): Promise<void> {
    for (let frame = frames.first; frame < frames.end; frame += 1) {
      const mapped = await this.#commands.read('recover', (tx) => frameIsMapped({ tx }, extent, frame));
      if (!mapped) continue;
      const run = runOfFrames(extent.location, { first: frame, end: frame + 1 });
      this.runs.push(run);
      this.lost.push({ run, content: extent.content, what: 'frame missing' });
    }
  }
}

const framesOf = ({ extent }: MappedFrame): number => Math.ceil(extent.location.length / FRAME_DATA_BYTES);

/**
 * Damage before the last frame that is alive lies among bytes that were once on stable storage; it is no torn
 * end, unless the bytes were given back and the damage is what the punch left of them.
 */
async function notKnownDead(
  commands: Commands,
  damage: readonly PhysicalRun[],
): Promise<readonly LostBytes[]> {
  const lost: LostBytes[] = [];
  for (const run of damage) {
    const known = await commands.read('recover', (tx) => isDead(tx, run));
    if (!known) lost.push({ run, what: 'bytes damaged' });
  }
  return lost;
}

/** What lies between the runs, which are in order and apart, up to the container's end. */
function gaps(runs: readonly PhysicalRun[], info: ContainerInfo): readonly PhysicalRun[] {
  const { container, sizeBytes } = info;
  const found: PhysicalRun[] = [];
  let at = 0;
  for (const run of [...runs, { container, offset: sizeBytes, length: 0 }]) {
    if (run.offset > at) found.push({ container, offset: at, length: run.offset - at });
    at = Math.max(at, run.offset + run.length);
  }
  return found;
}
