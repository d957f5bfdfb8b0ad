/** The disk: what is given back to it, what room there is, what of it is lost. */

import { statfs } from 'node:fs/promises';
import type { Core } from '@facet/core';
import type { StoreLayout } from '../store/layout.ts';
import type { DiskReserve } from '../store/reserve.ts';
import { counter, type Family, gauge, type Point } from './families.ts';

/** A longer queue is told as this: it is counted record by record. */
const BACKLOG_MAX = 10_000;

export interface SpaceParts {
  readonly core: Pick<Core, 'collector' | 'room'>;
  readonly reserve: Pick<DiskReserve, 'heldBytes'>;
  readonly layout: StoreLayout;
  readonly lostContainers: () => number;
}

export async function spaceFamilies(parts: SpaceParts): Promise<readonly Family[]> {
  const { collector, room } = parts.core;
  const { counts } = collector;
  const backlog = await collector.backlog(BACKLOG_MAX);
  const free = await statfs(parts.layout.directory);
  return [
    gauge(
      {
        name: 'facet_lost_containers',
        help: 'Files of extents that the last start found missing or cut short.',
      },
      [parts.lostContainers()],
    ),
    gauge(
      {
        name: 'facet_collector_backlog',
        help: `Records that wait for the collector: free, to be worked off; reclaim, for readers to end. ${BACKLOG_MAX} stands for so many or more.`,
      },
      [backlog.free, { queue: 'free' }],
      [backlog.reclaim, { queue: 'reclaim' }],
    ),
    counter({ name: 'facet_collector_records_total', help: 'Records that the collector worked off.' }, [
      counts.expanded,
    ]),
    counter(
      {
        name: 'facet_collector_bytes_total',
        help: 'Bytes that the collector found dead, punched out of files, removed with files.',
      },
      ...(['dead', 'punched', 'unlinked'] as const).map((fate): Point => [counts[`${fate}Bytes`], { fate }]),
    ),
    counter(
      { name: 'facet_collector_faults_total', help: 'What went wrong in the collector, which goes on.' },
      [counts.faults],
    ),
    gauge({ name: 'facet_disk_full', help: '1 while the disk is full: what takes room is refused.' }, [
      room.full ? 1 : 0,
    ]),
    gauge(
      {
        name: 'facet_disk_free_bytes',
        help: 'Bytes free on the disk of the data directory, the ballast not counted.',
      },
      [free.bavail * free.bsize],
    ),
    gauge(
      {
        name: 'facet_ballast_bytes',
        help: 'Bytes held back for deletes on a full disk; 0 while they are lent.',
      },
      [await parts.reserve.heldBytes()],
    ),
  ];
}
