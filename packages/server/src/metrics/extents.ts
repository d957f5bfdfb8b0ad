/** The bytes of files and objects. */

import type { OpenStore } from '../store/open.ts';
import { counter, type Family } from './families.ts';

export function extentFamilies({ disk, extents }: Pick<OpenStore, 'disk' | 'extents'>): readonly Family[] {
  return [
    counter(
      {
        name: 'facet_extents_written_bytes_total',
        help: 'Bytes written to containers of extents, with headers and checksums.',
      },
      [disk.counts.writtenBytes],
    ),
    counter(
      {
        name: 'facet_extents_syncs_total',
        help: 'Syncs of containers and their folders, and writes that are durable by themselves.',
      },
      [disk.counts.syncs],
    ),
    counter(
      {
        name: 'facet_extents_checksum_errors_total',
        help: 'Reads that met bytes which do not match their checksum; scrubs included.',
      },
      [extents.checksumErrors],
    ),
  ];
}
