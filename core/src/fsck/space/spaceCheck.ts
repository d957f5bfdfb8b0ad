import type { ExtentStore, StrayFile } from '@facet/extents';
import type { LeasedRange } from '../volumes.ts';

export interface SpaceCheck {
  readonly extents: ExtentStore;
  readonly leased: readonly LeasedRange[];
  /** Data is read and compared with its checksums. */
  readonly full: boolean;
  readonly claimsPerBatch?: number;
  readonly strays?: () => Promise<readonly StrayFile[]>;
}

/** Where findings about them are. */
export const CONTAINERS = 'the containers';
