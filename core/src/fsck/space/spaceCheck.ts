import type { ExtentStore, StrayFile } from '@facet/extents';
import type { LeasedRange } from '../volumes.ts';

/** Of the containers: what was looked through, and all that there is. */
export type OnFsckProgress = (progress: { readonly bytes: number; readonly bytesExpected: number }) => void;

export interface SpaceCheck {
  readonly extents: ExtentStore;
  readonly leased: readonly LeasedRange[];
  /** Data is read and compared with its checksums. */
  readonly full: boolean;
  readonly claimsPerBatch?: number;
  /** Told after each container. */
  readonly onProgress?: OnFsckProgress;
  readonly strays?: () => Promise<readonly StrayFile[]>;
}

/** Where findings about them are. */
export const CONTAINERS = 'the containers';
