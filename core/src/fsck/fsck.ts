/**
 * fsck: proves that the metadata agrees with itself and with the extents. It changes nothing.
 *
 * No writer may be at work meanwhile. What waits in the queue of the collector is no fault, nor is what recovery
 * is to look at: containers that a lease covers.
 *
 * Memory: records are read page by page. Held are volumes, uploads under way, contents that wait to be freed, two
 * numbers a directory, the list of containers, and a bounded window each of contents and of claims to bytes; a
 * greater store is walked through more often.
 */

import type { Bytes, Engine } from '@facet/engine';
import type { ExtentStore } from '@facet/extents';
import { knownFormat } from '../meta/format.ts';
import { kindOfKey } from '../meta/keys.ts';
import { checkContents } from './contents.ts';
import { readingPastDamage } from './damagedRecords.ts';
import { checkDirectories } from './directories.ts';
import { Findings, type OnFinding } from './held.ts';
import { checkInodes } from './inodes.ts';
import { checkQueue, checkUploads } from './queue.ts';
import { checkReferences } from './references.ts';
import { checkSpace } from './space/checkSpace.ts';
import type { OnFsckProgress, SpaceCheck } from './space/spaceCheck.ts';
import { type Inspection, Maxima, MetadataReader } from './store.ts';
import {
  checkBackupMarks,
  checkCalls,
  checkCounters,
  checkFormless,
  checkKeys,
  checkLeases,
  checkVolumes,
} from './volumes.ts';

export interface FsckParts {
  readonly engine: Engine;
  readonly extents: ExtentStore;
  /** Reads all data and compares it with its checksums; else frame headers alone. */
  readonly full?: boolean;
  /** Told of each finding as it is made, of those about bytes when it is known whose. The walk itself changes nothing. */
  readonly onFinding: OnFinding;
  /** Lists what lies beside the containers, where that is to be told. */
  readonly strays?: SpaceCheck['strays'];
  /** Told of how much of the containers was looked through, after each. */
  readonly onProgress?: OnFsckProgress;
  /** How much is held in memory at a time, where the defaults do not suit. */
  readonly windows?: { readonly contents: number; readonly claims: number };
}

/** What was looked at. */
export interface FsckReport {
  readonly findings: number;
  readonly volumes: number;
  readonly inodes: number;
  readonly contents: number;
  readonly containers: number;
  /** Frames that contents map. */
  readonly frames: number;
  /** Of data, read and compared with its checksums; none unless asked for. */
  readonly bytes: number;
}

/** @throws EngineError, ExtentError where the devices fail; FsError Invalid (a store of another version) */
export async function fsck(parts: FsckParts): Promise<FsckReport> {
  const { engine, extents, full = false, windows } = parts;
  const findings = new Findings(parts.onFinding);
  const damaged = new Set<string>();
  const onDamaged = (key: Bytes): void => {
    const hex = hexOf(key);
    if (damaged.has(hex)) return;
    damaged.add(hex);
    const place = { what: `record ${hex}`, where: 'the metadata' };
    findings.report('recordDamaged', place, `it is not as it was written; its key says: ${kindOfKey(key)}`);
  };
  const store = new MetadataReader(readingPastDamage(engine, onDamaged));
  await store.read(knownFormat);
  const isDamaged = (key: Bytes): boolean => damaged.has(hexOf(key));
  const common = { store, maxima: new Maxima(), report: findings.report, isDamaged };
  const layers = await checkVolumes(common);
  const inspection: Inspection = { ...common, layers };
  await checkKeys(inspection);
  await checkFormless(inspection);
  await checkCalls(inspection);
  await checkBackupMarks(inspection);
  const leased = await checkLeases(inspection);
  let inodes = 0;
  for (const volume of layers.values()) {
    await checkDirectories(inspection, volume);
    inodes += await checkInodes(inspection, volume);
  }
  const waiting = await checkQueue(inspection);
  await checkUploads(inspection, waiting);
  const contents = await checkContents(inspection, waiting);
  await checkReferences(inspection, windows?.contents);
  await findings.tellObjects(inspection);
  const claimsPerBatch = windows && { claimsPerBatch: windows.claims };
  const strays = parts.strays && { strays: parts.strays };
  const onProgress = parts.onProgress && { onProgress: parts.onProgress };
  const space = await checkSpace(inspection, {
    extents,
    leased,
    full,
    ...strays,
    ...claimsPerBatch,
    ...onProgress,
  });
  await checkCounters(inspection);
  await findings.tellObjects(inspection);
  return { findings: findings.count, volumes: layers.size, inodes, contents, ...space };
}

const hexOf = (key: Bytes): string => Buffer.from(key).toString('hex');
