import type { ExtentStore, StrayFile } from '@facet/extents';
import type { LeasedRange } from '../volumes.ts';

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

/** Where findings about them are. */
export const CONTAINERS = 'the containers';
