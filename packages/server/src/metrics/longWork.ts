/** When work that others start, as a timer does, ended well: who is to hear that it does not any more asks for that. */

import type { Administration } from '../administration/contract.ts';
import { type Family, gauge } from './families.ts';

/** Of what this server did since it started. */
export class LongWorkMetrics {
  readonly #endedAt = new Map<'scrub' | 'backup', number>();

  /** The same, and what comes of a scrub or a backup is looked at. */
  observed(administration: Administration): Administration {
    return {
      ...administration,
      scrub: async (options) => {
        const report = await administration.scrub(options);
        if (report.complete && report.damagedCount + report.damagedRecordCount === 0) this.#note('scrub');
        return report;
      },
      backup: async (options) => {
        const report = await administration.backup(options);
        if (report.damaged.length + report.damagedRecordCount === 0) this.#note('backup');
        return report;
      },
    };
  }

  families(): readonly Family[] {
    const [scrub, backup] = [this.#endedAt.get('scrub'), this.#endedAt.get('backup')];
    return [
      gauge(
        {
          name: 'facet_scrub_last_success_timestamp_seconds',
          help: 'Unix time at which the last scrub ended that found no damage; absent before the first since the start.',
        },
        ...(scrub === undefined ? [] : [[scrub] as const]),
      ),
      gauge(
        {
          name: 'facet_backup_last_success_timestamp_seconds',
          help: 'Unix time at which the last backup ended that met no damage; absent before the first since the start.',
        },
        ...(backup === undefined ? [] : [[backup] as const]),
      ),
    ];
  }

  #note(what: 'scrub' | 'backup'): void {
    this.#endedAt.set(what, Date.now() / 1000);
  }
}
