/** Compaction, by whichever process does it. */

import type { Core } from '@facet/core';
import { counter, type Family } from './families.ts';

export function compactorFamilies(counts: NonNullable<Core['compactor']>['counts']): readonly Family[] {
  return [
    counter({ name: 'facet_compactor_segments_total', help: 'Segments that compaction went through.' }, [
      counts.segments,
    ]),
    counter({ name: 'facet_compactor_bytes_total', help: 'Bytes that compaction moved.' }, [
      counts.movedBytes,
    ]),
    counter(
      {
        name: 'facet_compactor_extents_total',
        help: 'Extents that compaction moved; outdated: changed meanwhile, copied in vain; damaged: left where they are.',
      },
      [counts.movedExtents, { outcome: 'moved' }],
      [counts.outdated, { outcome: 'outdated' }],
      [counts.damaged, { outcome: 'damaged' }],
    ),
    counter(
      {
        name: 'facet_compactor_merged_pieces_total',
        help: 'By so many pieces fewer make up the files that compaction merged.',
      },
      [counts.mergedPieces],
    ),
    counter({ name: 'facet_compactor_faults_total', help: 'What went wrong in compaction, which goes on.' }, [
      counts.faults,
    ]),
  ];
}
