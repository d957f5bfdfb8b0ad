/** How the metadata became durable: batches of operations, each a record of the journal. */

import type { CountingEngine } from '@facet/engine';
import type { JournalWrite } from '@facet/journal';
import { Durations } from './durations.ts';
import { counter, type Family, gauge, histogram } from './families.ts';

export class MetadataMetrics {
  readonly #durations = new Durations();
  #records = 0;
  #bytes = 0;

  /** To be told of every write of the journal. */
  readonly observeJournal = ({ records, bytes, durationMs }: JournalWrite): void => {
    this.#records += records;
    this.#bytes += bytes;
    this.#durations.observe(durationMs);
  };

  families({ counts, waiting }: Pick<CountingEngine, 'counts' | 'waiting'>): readonly Family[] {
    const sync = 'facet_journal_sync_duration_seconds';
    return [
      counter(
        {
          name: 'facet_metadata_batches_total',
          help: 'Batches of metadata operations that were committed.',
        },
        [counts.batches],
      ),
      counter(
        {
          name: 'facet_metadata_operations_total',
          help: 'Metadata operations in these batches, refused ones included.',
        },
        [counts.operations],
      ),
      counter(
        {
          name: 'facet_metadata_warmed_operations_total',
          help: 'Metadata operations and reads whose records were fetched from the disk first.',
        },
        [counts.warmed],
      ),
      gauge(
        {
          name: 'facet_metadata_operations_waiting',
          help: 'Metadata operations that wait for the batch under way.',
        },
        [waiting],
      ),
      histogram(
        { name: sync, help: 'Seconds that a write of the journal took to be on stable storage.' },
        this.#durations.samples(sync),
      ),
      counter(
        {
          name: 'facet_journal_records_total',
          help: 'Records written to the journal, of metadata and of small bytes.',
        },
        [this.#records],
      ),
      counter(
        { name: 'facet_journal_written_bytes_total', help: 'Bytes written to the journal, whole blocks.' },
        [this.#bytes],
      ),
    ];
  }
}
