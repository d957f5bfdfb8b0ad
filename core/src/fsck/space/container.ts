/** One container against what the metadata says of its bytes. */

import {
  type ContainerInfo,
  containerName,
  ExtentError,
  type PhysicalRun,
  type ScannedFrame,
} from '@facet/extents';
import { containerKey } from '../../meta/keys.ts';
import { decodeContainer } from '../../meta/records/space.ts';
import { sameExtent } from '../../space/frames.ts';
import { sumsDeadRuns } from '../mends/contents.ts';
import { joinsDeadRuns, keepsFromQueue, revivesDeadRun } from '../mends/space.ts';
import { decoded, type Inspection } from '../store.ts';
import { isLeased } from '../volumes.ts';
import type { Claim, LiveClaim } from './claims.ts';
import { type ExpectedFrame, expectedFrames } from './expectedFrames.ts';
import { CONTAINERS, type SpaceCheck } from './spaceCheck.ts';

/** What is missed for it is told where that is looked for. */
const PASS_OVER = () => undefined;

export class Container {
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
      const scan = this.#check.extents.scan(container, { kind, headersOnly: true, onUnreadable: PASS_OVER });
      for await (const frame of scan)
        if (frame.intact && wanted.get(frame.offset)?.content === frame.owner.contentId) count += 1;
    } catch (error) {
      // It can not be opened.
      if (!(error instanceof ExtentError)) throw error;
    }
    return count;
  }

  /** It is not the container that it is called. */
  reportBeside(right: Container): void {
    const { path } = this;
    const what = `file ${path}`;
    const detail = `what is referred to is in ${right.path}, of the same number; nothing refers to it`;
    this.#inspection.report('strayFile', { what, where: CONTAINERS }, detail, { path });
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
      const detail = `nothing refers to its ${sizeBytes} bytes`;
      report('containerWithoutReferent', this.#place, detail, { path: this.path });
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
      const onUnreadable = ({ offset, length }: PhysicalRun): void =>
        report('frameMissing', this.#place, `${length} bytes at ${offset} can not be read`);
      const headersOnly = !this.#check.full;
      const scan = this.#check.extents.scan(container, { kind, headersOnly, onUnreadable });
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
