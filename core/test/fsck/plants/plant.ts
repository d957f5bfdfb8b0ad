/** Damage, one sort at a time, and what fsck is to say of it: exactly that. */

import type { FindingKind } from '../../../src/fsck/findings.ts';
import type { Vandal } from '../vandal.ts';

export interface Plant {
  readonly what: string;
  readonly plant: (store: Vandal) => Promise<void> | void;
  /** Found besides, since it follows. */
  readonly also?: readonly FindingKind[];
}

export type Plants = Readonly<Record<FindingKind, readonly Plant[]>>;
