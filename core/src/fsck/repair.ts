/**
 * fsck that mends: what can be proved from everything else is put right, what has no name left is given one in
 * `lost+found`, containers that nothing refers to are set aside, and what is not proved to be dead stays.
 *
 * First comes all that adds something, look after look, until there is no more of it; only then what takes something
 * away, and none of that while there is a record that cannot be read: it might be what refers to it. Every step is a
 * transaction of its own that looks again, so that one killed half-way is gone on with by the next.
 */

import { type Command, CommandRunner, type Environment } from '../commands/command.ts';
import { FsError, type FsErrorCode } from '../errors.ts';
import { InvariantError } from '../invariant.ts';
import type { Finding, FindingKind } from './findings.ts';
import { type FsckParts, type FsckReport, fsck } from './fsck.ts';
import type { Mend } from './mends/mend.ts';
import type { UnreferencedFile } from './space/spaceCheck.ts';

/** Each mends what the one before brought to light. */
const ROUNDS_MAX = 16;
/** Held in memory at a time; what is more is found by the next round. */
const MENDS_PER_ROUND = 100_000;
const FILES_PER_ROUND = 100_000;
const SET_ASIDE: ReadonlySet<FindingKind> = new Set(['containerWithoutReferent', 'strayFile']);
/** Nobody knows what these would say. */
const UNREAD: ReadonlySet<FindingKind> = new Set(['recordDamaged', 'unreadableRecord', 'unknownKey']);

export interface Repaired {
  readonly finding: Finding;
  /** What was done, or would be: `counts the names of inode 5 anew`. */
  readonly doing: string;
}

export interface RepairParts extends Omit<FsckParts, 'onMend' | 'onUnreferenced'> {
  readonly environment: Environment;
  /** Nothing is changed: told is what the first round would do. */
  readonly dryRun?: boolean;
  readonly onRepaired: (repaired: Repaired) => void;
  /** How many mends of either sort are held in memory at a time, where the default does not suit. */
  readonly mendsPerRound?: number;
  /** Takes a file that nothing refers to out of the extents, and keeps it. @returns why it can not, then it stays */
  readonly setAside: (path: string) => Promise<string | undefined>;
}

export interface RepairReport extends FsckReport {
  readonly repaired: number;
  /** So many looks were not enough: the next run goes on. */
  readonly isUnfinished: boolean;
}

/** `onFinding` is told of what is left. @throws FsError, EngineError, ExtentError where the devices fail */
export async function repair(parts: RepairParts): Promise<RepairReport> {
  const commands = new CommandRunner(parts.engine, parts.environment);
  let repaired = 0;
  for (let round = 0; ; round += 1) {
    const seen = await look(parts);
    const stays = new Map(seen.stays);
    const isOver = round >= ROUNDS_MAX;
    const done = parts.dryRun === true || isOver ? 0 : await mendAll(parts, commands, seen, stays);
    repaired += done;
    if (done > 0) continue;
    if (parts.dryRun === true) for (const { mend, finding } of seen.mends) tell(parts, finding, mend.doing);
    for (const finding of seen.left) {
      const why = SET_ASIDE.has(finding.kind) ? stays.get(finding.what) : undefined;
      parts.onFinding(why === undefined ? finding : { ...finding, detail: `${finding.detail}; ${why}` });
    }
    const isUnfinished = isOver && seen.mends.length + seen.unreferenced.length > 0;
    return { ...seen.report, repaired, isUnfinished };
  }
}

interface Seen {
  readonly report: FsckReport;
  readonly left: readonly Finding[];
  /** Those that may be done: all that add something, or, where nothing does, all. */
  readonly mends: readonly { readonly mend: Mend; readonly finding: Finding }[];
  readonly unreferenced: readonly { readonly file: UnreferencedFile; readonly finding: Finding }[];
  /** Why files stay that nothing refers to, by what they are called. */
  readonly stays: ReadonlyMap<string, string>;
}

async function look({
  engine,
  extents,
  full,
  windows,
  strays,
  mendsPerRound = MENDS_PER_ROUND,
}: RepairParts): Promise<Seen> {
  const left: Finding[] = [];
  // Apart: were there no room left for those that add something, it would look as if there were none.
  const [adding, taking]: [Seen['mends'][number][], Seen['mends'][number][]] = [[], []];
  const files: UnreferencedFile[] = [];
  const report = await fsck({
    engine,
    extents,
    ...(full !== undefined && { full }),
    ...(windows && { windows }),
    ...(strays && { strays }),
    onFinding: (finding) => left.push(finding),
    onMend: (mend, finding) => {
      const those = mend.restsOnAll === true ? taking : adding;
      if (those.length < mendsPerRound) those.push({ mend, finding });
    },
    onUnreferenced: (file) => {
      if (files.length < FILES_PER_ROUND) files.push(file);
    },
  });
  const isWhole = !left.some(({ kind }) => UNREAD.has(kind));
  const isProved = isWhole && adding.length === 0;
  const told = new Map(left.filter(({ kind }) => SET_ASIDE.has(kind)).map((one) => [one.what, one]));
  const isMissing = left.some(({ kind }) => kind === 'contentMissing');
  const stays = new Map<string, string>();
  const unreferenced = files.flatMap((file) => {
    const finding = told.get(file.what);
    if (finding?.kind === 'containerWithoutReferent' && isMissing) {
      stays.set(file.what, 'it may have the bytes of a content that is missing');
      return [];
    }
    return finding ? [{ file, finding }] : [];
  });
  return {
    report,
    left,
    stays,
    mends: isProved ? taking : adding,
    unreferenced: isProved ? unreferenced : [],
  };
}

/** `stays` is given why files could not be set aside. @returns how much was done */
async function mendAll(
  parts: RepairParts,
  commands: CommandRunner,
  seen: Seen,
  stays: Map<string, string>,
): Promise<number> {
  let done = 0;
  for (const { mend, finding } of seen.mends) {
    if (!(await isDone(commands, mend))) continue;
    done += 1;
    tell(parts, finding, mend.doing);
  }
  // Only where nothing else is to be mended, which might have been what refers to it.
  if (done > 0) return done;
  for (const { file, finding } of seen.unreferenced) {
    const why = await parts.setAside(file.path);
    if (why !== undefined) {
      stays.set(file.what, why);
      continue;
    }
    done += 1;
    tell(parts, finding, 'sets it aside, in quarantine/');
  }
  return done;
}

/** One that meets damage, or finds things otherwise than they looked, is not done, and its finding is left. */
async function isDone(commands: CommandRunner, mend: Mend): Promise<boolean> {
  try {
    return await commands.run(commandOf(mend), {});
  } catch (error) {
    if (error instanceof InvariantError || (error instanceof FsError && !ENDING.has(error.code)))
      return false;
    throw error;
  }
}

/** The store itself can not go on. */
const ENDING: ReadonlySet<FsErrorCode> = new Set(['NoSpace', 'Failed', 'Busy', 'Closed']);

function tell({ onRepaired }: RepairParts, finding: Finding, doing: string): void {
  onRepaired({ finding, doing });
}

function commandOf(mend: Mend): Command<Readonly<Record<string, never>>, boolean> {
  return { name: 'repair', runsWhenFull: true, run: (tx, _args, context) => mend.run(tx, context) };
}
