/**
 * fsck that mends: what can be proved from everything else is put right, what has no name left is given one in
 * `lost+found`, containers that nothing refers to are set aside, and what is not proved to be dead stays.
 *
 * First comes all that adds something, look after look, until there is no more of it, or no more that can be done; only
 * then what takes something away, and of that nothing which may rest on what could not be added, and none at all while
 * there is a record that cannot be read: it might be what refers to it. Every step is a transaction of its own that looks
 * again, so that one killed half-way is gone on with by the next.
 */

import { DamagedRecord, type Op, type WriteTx } from '@facet/engine';
import { type Command, type CommandContext, CommandRunner, type Environment } from '../commands/command.ts';
import { FsError, type FsErrorCode } from '../errors.ts';
import { InvariantError } from '../invariant.ts';
import { describeKey } from '../meta/keys.ts';
import { makingAnew } from './damagedRecords.ts';
import type { Finding } from './findings.ts';
import { type FsckParts, type FsckReport, fsck } from './fsck.ts';
import { Look, type Mendable } from './look.ts';
import type { Mend } from './mends/mend.ts';

/** Each mends what the one before brought to light. */
const ROUNDS_MAX = 16;
/** In one transaction. */
const TRIED_AT_ONCE = 1_000;
/** Of each sort, in memory at a time. */
const FINDINGS_HELD_MAX = 100_000;

export interface Repaired {
  readonly finding: Finding;
  /** What was done, or would be: `counts the names of inode 5 anew`. */
  readonly doing: string;
}

export interface RepairParts extends Omit<FsckParts, 'onFinding'> {
  readonly environment: Environment;
  /** Nothing is changed: told is what the first round would do. */
  readonly dryRun?: boolean;
  /** Told of what is left, and why, where that is known. */
  readonly onFinding: (finding: Finding) => void;
  readonly onRepaired: (repaired: Repaired) => void;
  /** How many findings of each sort are held in memory at a time, where the default does not suit. */
  readonly findingsHeldMax?: number;
  /** Takes a file that nothing refers to out of the extents, and keeps it. @returns why it can not, then it stays */
  readonly setAside: (path: string) => Promise<string | undefined>;
}

export interface RepairReport extends FsckReport {
  readonly repaired: number;
  /** So many looks were not enough: the next run goes on. */
  readonly isUnfinished: boolean;
}

/** @throws FsError, EngineError, ExtentError where the devices fail */
export async function repair(parts: RepairParts): Promise<RepairReport> {
  const commands = new CommandRunner(parts.engine, parts.environment);
  let repaired = 0;
  for (let round = 0; ; round += 1) {
    const look = new Look(parts.findingsHeldMax ?? FINDINGS_HELD_MAX);
    const report = await walk(parts, (finding, remedy) => look.take(finding, remedy));
    const isOver = round >= ROUNDS_MAX;
    const done = parts.dryRun === true || isOver ? 0 : await mendAll(parts, commands, look);
    repaired += done;
    if (done > 0) continue;
    const next = look.adding.length > 0 ? look.adding : look.taking;
    if (parts.dryRun === true) await tellWhatWouldBe(parts, commands, { look, next });
    await tellLeft(parts, look);
    return { ...report, repaired, isUnfinished: isOver && next.length + look.aside.length > 0 };
  }
}

function walk(
  { engine, extents, full, windows, strays, onProgress }: RepairParts,
  onFinding: FsckParts['onFinding'],
): Promise<FsckReport> {
  const how = {
    ...(full !== undefined && { full }),
    ...(windows && { windows }),
    ...(strays && { strays }),
    ...(onProgress && { onProgress }),
  };
  return fsck({ engine, extents, ...how, onFinding });
}

/** Each is tried after the others, and what they change is not kept: some have nothing to do then, others meet damage. */
async function tellWhatWouldBe(
  parts: RepairParts,
  commands: CommandRunner,
  { look, next }: { readonly look: Look; readonly next: readonly Mendable[] },
): Promise<void> {
  for (let at = 0; at < next.length; at += TRIED_AT_ONCE) {
    const some = next.slice(at, at + TRIED_AT_ONCE);
    const tried = await outcomes(commands, some);
    for (const [index, mendable] of some.entries()) {
      const outcome = tried[index];
      if (outcome === true) tell(parts, mendable.finding, mendable.remedy.doing);
      else if (outcome !== false && outcome !== undefined) look.failed(mendable, outcome);
    }
  }
}

/** Of mends that are done one after another: whether there was anything to do, or why it could not be done. */
async function outcomes(
  commands: CommandRunner,
  mends: readonly Mendable[],
): Promise<readonly (boolean | string)[]> {
  let tried: (boolean | string)[] = [];
  const attempt: Command<Readonly<Record<string, never>>, boolean> = {
    name: 'repair',
    runsWhenFull: true,
    *run(tx, _args, context) {
      tried = [];
      for (const { remedy } of mends) {
        try {
          tried.push(yield* run(remedy, tx, context));
        } catch (error) {
          tried.push(whyNot(error));
        }
      }
      throw new OnlyTried();
    },
  };
  try {
    await commands.run(attempt, {});
  } catch (error) {
    if (!(error instanceof OnlyTried)) throw error;
  }
  return tried;
}

/** Takes back what a transaction changed. */
class OnlyTried extends Error {}

/** Where they were too many to be held, one more walk finds the same. */
async function tellLeft(parts: RepairParts, look: Look): Promise<void> {
  const onFinding: FsckParts['onFinding'] = (finding, remedy) => parts.onFinding(look.told(finding, remedy));
  const { found } = look;
  if (found) for (const { finding, remedy } of found) onFinding(finding, remedy);
  else await walk(parts, onFinding);
}

/** `look` is told what could not be done, and why. @returns how much was done */
async function mendAll(parts: RepairParts, commands: CommandRunner, look: Look): Promise<number> {
  let done = 0;
  const mend = async (mendable: Mendable): Promise<void> => {
    const { finding, remedy } = mendable;
    const why = await whyUndone(commands, remedy);
    if (why === undefined) {
      done += 1;
      tell(parts, finding, remedy.doing);
    } else look.failed(mendable, why);
  };
  for (const mendable of look.adding) await mend(mendable);
  if (done > 0) return done;
  for (const mendable of look.taking) await mend(mendable);
  // Only where nothing else is to be mended, which might have been what refers to it.
  if (done > 0) return done;
  for (const file of look.aside) {
    const why = await parts.setAside(file.remedy.path);
    if (why !== undefined) {
      look.failed(file, why);
      continue;
    }
    done += 1;
    tell(parts, file.finding, 'sets it aside, in quarantine/');
  }
  return done;
}

/** One that meets damage, or finds things otherwise than they looked, is not done, and its finding is left. */
async function whyUndone(commands: CommandRunner, mend: Mend): Promise<string | undefined> {
  try {
    return (await commands.run(commandOf(mend), {}))
      ? undefined
      : 'nothing could be done about it as things are';
  } catch (error) {
    return whyNot(error);
  }
}

/** @throws what ends the repair as a whole */
function whyNot(error: unknown): string {
  const met = error instanceof FsError ? error.cause : error;
  if (met instanceof DamagedRecord)
    return `it can not be mended, since the metadata record ${describeKey(met.key)} is damaged`;
  if (error instanceof InvariantError || (error instanceof FsError && !ENDING.has(error.code)))
    return `it can not be mended: ${error.message}`;
  throw error;
}

/** The store itself can not go on. */
const ENDING: ReadonlySet<FsErrorCode> = new Set(['NoSpace', 'Failed', 'Busy', 'Closed']);

function tell({ onRepaired }: RepairParts, finding: Finding, doing: string): void {
  onRepaired({ finding, doing });
}

function commandOf(mend: Mend): Command<Readonly<Record<string, never>>, boolean> {
  return { name: 'repair', runsWhenFull: true, run: (tx, _args, context) => run(mend, tx, context) };
}

function run(mend: Mend, tx: WriteTx, context: CommandContext): Op<boolean> {
  return mend.run(mend.makes ? makingAnew(tx, mend.makes) : tx, context);
}
