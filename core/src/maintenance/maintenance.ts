/** Long work on the whole store that is asked for, at a pace of its own: done by this process, or by another one. */

import type { ScrubReport } from '../scrub/report.ts';
import type { Compacted } from '../space/compactor.ts';

export interface PacedWork {
  /** At most; an eighth of it while clients keep the store busy. */
  readonly bytesPerSecond: number;
  /** Ends it early, with what it has done. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: WorkProgress) => void;
}

export interface WorkProgress {
  readonly bytes: number;
  /** As far as can be told. */
  readonly bytesExpected: number;
}

export interface Maintenance {
  /** Reads all bytes that anything refers to. @throws FsError Failed | Closed | Busy | Interrupted */
  scrub(work: PacedWork): Promise<ScrubReport>;
  /** Empties mostly dead segments, merges files in pieces. @throws FsError NoSpace | Failed | Closed | Busy | Interrupted */
  compact(work: PacedWork): Promise<Compacted>;
}
