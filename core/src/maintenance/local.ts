/** Maintenance by this process: what is asked for, and compaction in the background. */

import type { ExtentStore } from '@facet/extents';
import type { Commands } from '../commands/command.ts';
import type { Pace } from '../scrub/pace.ts';
import { type ScrubReport, scrubAndName } from '../scrub/report.ts';
import { type Compacted, Compactor, type CompactorCounts, type CompactorParts } from '../space/compactor.ts';
import type { Maintenance, PacedWork } from './maintenance.ts';

/** What is copied in the background: an eighth of it while clients are busy. */
const COMPACTION_BYTES_PER_SECOND = 32 << 20;

export interface LocalMaintenanceParts extends Omit<CompactorParts, 'commands' | 'extents' | 'pace'> {
  readonly commands: Commands;
  readonly extents: ExtentStore;
  /** Keeps work to a rate. */
  readonly paceOf: (bytesPerSecond: number) => Pick<Pace, 'take'>;
}

export class LocalMaintenance implements Maintenance {
  readonly #parts: LocalMaintenanceParts;
  readonly #compactor: Compactor;

  constructor(parts: LocalMaintenanceParts) {
    this.#parts = parts;
    this.#compactor = new Compactor({ ...parts, pace: parts.paceOf(COMPACTION_BYTES_PER_SECOND) });
  }

  get counts(): CompactorCounts {
    return this.#compactor.counts;
  }

  /** Compacts in the background from now on. */
  start(): void {
    this.#compactor.start();
  }

  /** Resolves when what compaction is at is done. What was asked for ends by its signal. */
  stop(): Promise<void> {
    return this.#compactor.stop();
  }

  scrub({ bytesPerSecond, ...work }: PacedWork): Promise<ScrubReport> {
    const { commands, extents, paceOf } = this.#parts;
    return scrubAndName({ commands, extents, pace: paceOf(bytesPerSecond), ...work });
  }

  compact({ bytesPerSecond, ...work }: PacedWork): Promise<Compacted> {
    return this.#compactor.run({ pace: this.#parts.paceOf(bytesPerSecond), ...work });
  }
}
