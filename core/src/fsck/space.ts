/** Containers against the metadata: every byte has one owner or none, and frames are whose they should be. */

import {
  type ContainerInfo,
  containerName,
  ExtentError,
  type ExtentStore,
  type ScannedFrame,
  type StrayFile,
} from '@facet/extents';
import { containerKey, containerOfRunKey, offsetOfRunKey, SPACE, spaceBounds } from '../meta/keys.ts';
import { decodeContainer, decodeDeadRun } from '../meta/records/space.ts';
import { CONTAINER_IDS } from '../recovery/leases.ts';
import { runOfFrames, sameExtent, spanOfFrame } from '../space/frames.ts';
import { type Claim, claimBatches } from './claims.ts';
import { sumsDeadRuns } from './mends/contents.ts';
import { joinsDeadRuns, keepsFromQueue, revivesDeadRun } from './mends/space.ts';
import { decoded, type Inspection, readable } from './store.ts';
import { isLeased, type LeasedRange } from './volumes.ts';

export interface SpaceCheck {
  readonly extents: ExtentStore;
  readonly leased: readonly LeasedRange[];
  /** Data is read and compared with its checksums. */
  readonly full: boolean;
  readonly claimsPerBatch?: number;
  readonly strays?: () => Promise<readonly StrayFile[]>;
  /** Told of containers that nothing refers to and nobody may be writing, and of what is none. */
  readonly onUnreferenced?: (file: UnreferencedFile) => void;
}

export interface UnreferencedFile {
  /** Below the directory of extents. */
  readonly path: string;
  /** What the finding about it calls it. */
  readonly what: string;
}

export interface SpaceCounts {
  readonly containers: number;
  /** Frames that contents map. */
  readonly frames: number;
  /** Of data, read and compared with its checksums. */
  readonly bytes: number;
}

/** Of the containers all are held in memory, of what is said of them a batch. */
export async function checkSpace(inspection: Inspection, check: SpaceCheck): Promise<SpaceCounts> {
  const { maxima, store } = inspection;
  for await (const entry of store.entries(spaceBounds(SPACE.container))) {
    const what = `record of container ${containerOf(entry.key)}`;
    readable(inspection, entry, { what, where: CONTAINERS, decode: decodeContainer });
  }
  for await (const entry of store.entries(spaceBounds(SPACE.deadRun))) {
    const what = `dead run at ${offsetOfRunKey(entry.key)} of container ${containerOf(entry.key)}`;
    readable(inspection, entry, { what, where: CONTAINERS, decode: decodeDeadRun });
  }
  const infos = (await check.extents.list()).toSorted((a, b) => a.container - b.container);
  for (const { container } of infos) maxima.note(CONTAINER_IDS, container);
  const counts = { containers: 0, frames: 0, bytes: 0 };
  const missing = new Set<number>();
  let next = 0;
  for await (const { end, claims } of claimBatches(inspection, check.claimsPerBatch)) {
    const known = new Set<number>();
    for (let info = infos[next]; info && info.container < end; next += 1, info = infos[next]) {
      known.add(info.container);
      const ofIt = claims.get(info.container) ?? [];
      const one = new Container(inspection, check, info);
      const beside = infos[next + 1]?.container === info.container ? infos[next + 1] : undefined;
      if (beside) next += 1;
      const container = beside ? await oneOfTwo(one, new Container(inspection, check, beside), ofIt) : one;
      counts.containers += 1;
      counts.frames += await container.check(ofIt);
      counts.bytes += container.bytesRead;
    }
    for (const [container, ofIt] of claims) {
      maxima.note(CONTAINER_IDS, container);
      if (!known.has(container) && reportMissing(inspection, container, ofIt)) missing.add(container);
    }
  }
  if (check.strays) reportStrays(inspection, check, { strays: await check.strays(), missing });
  return counts;
}

const CONTAINERS = 'the containers';

const containerOf = (runKey: Uint8Array): string => containerName(containerOfRunKey(runKey));

/**
 * Only bytes that are alive are missed: a container that is all dead may be gone before its records are.
 * @returns whether there are any
 */
function reportMissing({ report }: Inspection, container: number, claims: readonly Claim[]): boolean {
  const owners = new Set(claims.map((claim) => (claim.kind === 'live' ? claim.extent.content : undefined)));
  for (const owner of owners) {
    if (owner === undefined) continue;
    const place = { what: `container ${containerName(container)}`, where: CONTAINERS, contents: [owner] };
    report('containerMissing', place, `content ${owner} has bytes in it`);
  }
  return [...owners].some((owner) => owner !== undefined);
}

/** One that has the name of what is missed may be that, or lead to it: it stays where whoever moved it finds it. */
function reportStrays(
  { report }: Inspection,
  { onUnreferenced }: SpaceCheck,
  { strays, missing }: { readonly strays: readonly StrayFile[]; readonly missing: ReadonlySet<number> },
): void {
  for (const { path, reason } of strays) {
    const what = `file ${path}`;
    const isMissed = 'called' in reason && missing.has(reason.called.container);
    if (!isMissed) onUnreferenced?.({ path, what });
    const how = reason.kind === 'elsewhere' ? 'move it there' : 'bring the file back';
    const advice = isMissed ? `that is missing: ${how}, and look again` : 'nothing refers to it';
    report('strayFile', { what, where: CONTAINERS }, `${describeStray(reason)}; ${advice}`);
  }
}

function describeStray(reason: StrayFile['reason']): string {
  switch (reason.kind) {
    case 'noName':
      return 'its name is no container’s';
    case 'noDirectory':
      return 'a directory of containers is to have its name, and none of those can be made';
    case 'noFile':
      return 'its name is a container’s, and it is no file';
    case 'elsewhere': {
      const { container, kind } = reason.called;
      return `its name is that of ${containerName(container, kind)}, in another directory`;
    }
  }
}

/**
 * Of two files of one container, of either kind, the one that has what is referred to. The other is somebody's copy of it,
 * or none of ours at all, and reads may find either.
 */
async function oneOfTwo(one: Container, other: Container, claims: readonly Claim[]): Promise<Container> {
  const ahead = (await one.framesThere(claims)) - (await other.framesThere(claims));
  // A whole copy is as good, and room in a segment can be given back.
  const isOne = ahead > 0 || (ahead === 0 && one.isSegment);
  const [right, wrong] = isOne ? [one, other] : [other, one];
  wrong.reportBeside(right);
  return right;
}

type LiveClaim = Extract<Claim, { kind: 'live' }>;

class Container {
  readonly #inspection: Inspection;
  readonly #check: SpaceCheck;
  readonly #info: ContainerInfo;
  readonly #place: { readonly what: string; readonly where: string };
  bytesRead = 0;

  constructor(inspection: Inspection, check: SpaceCheck, info: ContainerInfo) {
    this.#inspection = inspection;
    this.#check = check;
    this.#info = info;
    this.#place = { what: `container ${containerName(info.container, info.kind)}`, where: CONTAINERS };
  }

  /** @returns the frames that contents map */
  async check(claims: readonly Claim[]): Promise<number> {
    const live = this.#soleOwners(claims.filter((claim) => claim.kind === 'live'));
    this.#checkDead(live, claims);
    await this.#checkDeadRuns(claims);
    this.#checkCovered(claims);
    return this.#checkFrames(live);
  }

  /** How many of the frames that are claimed it has. */
  async framesThere(claims: readonly Claim[]): Promise<number> {
    const wanted = new Map<number, ExpectedFrame>();
    for (const frame of expectedFrames(claims.filter((claim) => claim.kind === 'live')))
      wanted.set(frame.offset, frame);
    let count = 0;
    try {
      const { container, kind } = this.#info;
      for await (const frame of this.#check.extents.scan(container, { kind, headersOnly: true }))
        if (frame.intact && wanted.get(frame.offset)?.content === frame.owner.contentId) count += 1;
    } catch (error) {
      // What comes behind can not be read.
      if (!(error instanceof ExtentError)) throw error;
    }
    return count;
  }

  /** It is not the container that it is called. */
  reportBeside(right: Container): void {
    const { path } = this;
    const what = `file ${path}`;
    this.#check.onUnreferenced?.({ path, what });
    const detail = `what is referred to is in ${right.path}, of the same number; nothing refers to it`;
    this.#inspection.report('strayFile', { what, where: CONTAINERS }, detail);
  }

  get isSegment(): boolean {
    return this.#info.kind === 'segment';
  }

  get path(): string {
    return containerName(this.#info.container, this.#info.kind);
  }

  /** Claims of frames that no other content claims, and that lie within the container. */
  #soleOwners(claims: readonly LiveClaim[]): readonly LiveClaim[] {
    const { report } = this.#inspection;
    const sole: LiveClaim[] = [];
    let last: LiveClaim | undefined;
    for (const claim of claims) {
      const { run, extent } = claim;
      if (run.offset + run.length > this.#info.sizeBytes) {
        const detail = `content ${extent.content} has bytes up to ${run.offset + run.length} of it`;
        report(
          'beyondContainer',
          this.#about(extent.content),
          `${detail}, it ends at ${this.#info.sizeBytes}`,
        );
        continue;
      }
      if (last && last.run.offset + last.run.length > run.offset && !isSameOwner(last, claim)) {
        const both = `contents ${last.extent.content} and ${extent.content}`;
        const place = this.#about(last.extent.content, extent.content);
        report('bytesOwnedTwice', place, `the bytes from ${run.offset} on are those of ${both}`);
        continue;
      }
      if (!last || run.offset + run.length >= last.run.offset + last.run.length) last = claim;
      sole.push(claim);
    }
    return sole;
  }

  /** Nothing that is alive is on its way out. */
  #checkDead(live: readonly LiveClaim[], claims: readonly Claim[]): void {
    const dying = claims.filter(({ kind }) => kind === 'dead' || kind === 'waiting' || kind === 'discarded');
    for (const { first, second } of overlaps(live, dying)) {
      const from = Math.max(first.run.offset, second.run.offset);
      const owner = `bytes from ${from} on are those of content ${first.extent.content}`;
      const how = {
        dead: 'a dead run',
        waiting: 'to be reclaimed',
        discarded: 'discarded',
        left: '',
        live: '',
      };
      this.#inspection.report(
        'liveBytesDead',
        this.#about(first.extent.content),
        `${owner}, and ${how[second.kind]}`,
        second.kind === 'dead' ? revivesDeadRun(second.run) : keepsFromQueue(first.run),
      );
    }
  }

  /** Dead runs are apart, neighbours are one, and their sum is known. */
  async #checkDeadRuns(claims: readonly Claim[]): Promise<void> {
    const { report, store } = this.#inspection;
    const runs = claims.filter((claim) => claim.kind === 'dead');
    let sum = 0;
    for (const [index, { run, punched }] of runs.entries()) {
      sum += run.length;
      const next = runs[index + 1];
      const end = run.offset + run.length;
      if (!next || next.run.offset > end || (next.run.offset === end && next.punched !== punched)) continue;
      const detail = `dead runs at ${run.offset} and ${next.run.offset} are not apart`;
      report('deadRunsWrong', this.#place, detail, joinsDeadRuns(run, next.run));
    }
    const stored = await store.get(containerKey(this.#info.container));
    const said = stored ? decoded(stored, decodeContainer)?.deadBytes : 0;
    if (said === undefined || said === sum) return;
    const detail = `its record says ${said} dead bytes, its dead runs have ${sum}`;
    report('deadRunsWrong', this.#place, detail, sumsDeadRuns(this.#info.container, sum));
  }

  /** Every byte is claimed, except where a writer may be at work or recovery is to come. */
  #checkCovered(claims: readonly Claim[]): void {
    const { report } = this.#inspection;
    const { container, sizeBytes } = this.#info;
    if (isLeased(this.#check.leased, container)) return;
    if (claims.length === 0) {
      const path = containerName(container, this.#info.kind);
      this.#check.onUnreferenced?.({ path, what: this.#place.what });
      report('containerWithoutReferent', this.#place, `nothing refers to its ${sizeBytes} bytes`);
      return;
    }
    let at = 0;
    const gap = (to: number): void => {
      if (to > at) report('unaccountedBytes', this.#place, `nobody knows of its bytes from ${at} to ${to}`);
    };
    for (const { run } of claims) {
      gap(Math.min(run.offset, sizeBytes));
      at = Math.max(at, run.offset + run.length);
    }
    gap(sizeBytes);
  }

  /** Walks the frames on disk beside those that are claimed. */
  async #checkFrames(live: readonly LiveClaim[]): Promise<number> {
    if (live.length === 0) return 0;
    const expected = expectedFrames(live);
    let want = expected.next();
    let frames = 0;
    const { report } = this.#inspection;
    const missUpTo = (offset: number): void => {
      for (; !want.done && want.value.offset < offset; want = expected.next(), frames += 1) {
        const { offset: at, content } = want.value;
        const detail = `there is no frame at ${at}, where content ${content} has one`;
        report('frameMissing', this.#about(content), detail);
      }
    };
    try {
      const { container, kind } = this.#info;
      const scan = this.#check.extents.scan(container, { kind, headersOnly: !this.#check.full });
      for await (const frame of scan) {
        if (this.#check.full) this.bytesRead += frame.dataLength;
        missUpTo(frame.offset);
        if (want.done) break;
        if (want.value.offset !== frame.offset) continue;
        this.#compare(want.value, frame);
        frames += 1;
        want = expected.next();
      }
      missUpTo(Number.POSITIVE_INFINITY);
    } catch (error) {
      if (!(error instanceof ExtentError)) throw error;
      report('frameMissing', this.#place, error.message);
    }
    return frames;
  }

  #compare(want: ExpectedFrame, frame: ScannedFrame): void {
    const { content, fileOffset, dataLength, offset } = want;
    const { owner } = frame;
    const { report } = this.#inspection;
    const place = this.#about(content);
    if (owner.contentId !== content || owner.fileOffset !== fileOffset || frame.dataLength !== dataLength) {
      const should = `bytes ${fileOffset} to ${fileOffset + dataLength} of content ${content}`;
      const is = `${owner.fileOffset} to ${owner.fileOffset + frame.dataLength} of content ${owner.contentId}`;
      report(
        'frameOwnerWrong',
        place,
        `the frame at ${offset} should be of ${should}, and is of bytes ${is}`,
      );
    } else if (!frame.intact) {
      report('frameDamaged', place, `the frame at ${offset}, of content ${content}, is damaged`);
    }
  }

  #about(...contents: readonly number[]) {
    return { ...this.#place, contents };
  }
}

function isSameOwner(one: LiveClaim, other: LiveClaim): boolean {
  return (
    one.extent.content === other.extent.content &&
    one.extent.fileOffset === other.extent.fileOffset &&
    sameExtent(one.extent.location, other.extent.location)
  );
}

/** Each claim of `firsts` with the first of `seconds` it shares bytes with. Both in order of place. */
function* overlaps(
  firsts: readonly LiveClaim[],
  seconds: readonly Claim[],
): Generator<{ readonly first: LiveClaim; readonly second: Claim }> {
  let from = 0;
  for (const first of firsts) {
    const start = first.run.offset;
    const end = start + first.run.length;
    // What ends before this claim ends before all later ones.
    const isBefore = (claim: Claim | undefined) => claim && claim.run.offset + claim.run.length <= start;
    while (isBefore(seconds[from])) from += 1;
    for (let index = from; ; index += 1) {
      const second = seconds[index];
      if (!second || second.run.offset >= end) break;
      if (isBefore(second)) continue;
      yield { first, second };
      break;
    }
  }
}

interface ExpectedFrame {
  readonly offset: number;
  readonly content: number;
  readonly fileOffset: number;
  readonly dataLength: number;
}

/** The frames that claims are of, in order of place, each once. */
function* expectedFrames(live: readonly LiveClaim[]): Generator<ExpectedFrame, void, void> {
  let after = -1;
  for (const { extent, frames } of live) {
    for (let frame = frames.first; frame < frames.end; frame += 1) {
      const { offset } = runOfFrames(extent.location, { first: frame, end: frame + 1 });
      if (offset <= after) continue;
      after = offset;
      const { start, lengthBytes } = spanOfFrame(extent, frame);
      yield { offset, content: extent.content, fileOffset: start, dataLength: lengthBytes };
    }
  }
}
