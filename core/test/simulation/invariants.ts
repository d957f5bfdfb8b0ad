/** What must be so in every world. A check that finds it is not says which of them was broken. */

import { ExtentError } from '@facet/extents';
import { JournalDamaged } from '@facet/journal';
import { type FindingKind, FsError } from '../../src/index.ts';

/** Besides these, whatever fsck can find. */
export type Invariant =
  | FindingKind
  /** What was answered was committed before, and what one command did was there for the next one. */
  | 'answersFollowCommits'
  /** After a start there is what was committed, and nothing else: not less, and not more than was committed. */
  | 'commitsAreKept'
  /** The bytes of what is committed are there. */
  | 'bytesAreKept'
  /** A command finds what those before it left. */
  | 'commandsAreSerial'
  /** Who reads is told what there was at one moment while he was answered. */
  | 'readsAreCurrent'
  /** What is asked twice, or repeated after no answer came, is done once, and answered the same. */
  | 'callsAreDoneOnce'
  /** Nothing is replaced but what the writer said it was. */
  | 'preconditionsHold'
  | 'usageIsCounted'
  | 'quotasHold'
  /** Nobody is refused for want of room where there is some, and never who gives some back. */
  | 'roomIsKnown'
  /** Of it nothing is taken but by what gives room back. */
  | 'reserveIsKept'
  /** Nothing fails on devices that do not. */
  | 'onlyDevicesFail'
  /** Of a process that is over nothing stays. */
  | 'leasesEnd';

export class Broken extends Error {
  override readonly name = 'Broken';
  readonly invariants: readonly Invariant[];

  constructor(invariants: Invariant | readonly Invariant[], message: string, options?: ErrorOptions) {
    super(message, options);
    this.invariants = typeof invariants === 'string' ? [invariants] : invariants;
  }
}

/** What an error says was broken: that of a check, or of the store, which finds some things by itself. */
export function brokenBy(error: unknown): readonly Invariant[] {
  if (error instanceof Broken) return error.invariants;
  if (error instanceof JournalDamaged) return ['commitsAreKept'];
  const isLost =
    error instanceof ExtentError
      ? error.code === 'Missing' || error.code === 'Corrupt'
      : error instanceof FsError && error.code === 'Corrupt';
  return isLost ? ['bytesAreKept'] : [];
}
