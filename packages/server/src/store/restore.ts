/**
 * Makes a store from a backup, in an empty directory. What it makes is a store only when all was brought back and looked
 * at: until then the metadata have a name that no server opens.
 */

import { readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import {
  type Finding,
  type FsckReport,
  OpenedBackup,
  type RestoredContainers,
  type ScrubReport,
} from '@facet/core';
import { containerName, type Disk, NodeDisk } from '@facet/extents';
import { EXIT } from '../exitCodes.ts';
import { CommandFailure } from '../failure.ts';
import { withBackupsToRead } from './backups.ts';
import { isThere, makeDataDirectory, syncDirectory, unusableDirectory } from './directory.ts';
import { openLock, storeInUse } from './holding.ts';
import { inspectStore } from './inspect.ts';
import type { StoreLayout } from './layout.ts';
import type { StoreLock } from './lock.ts';
import { openMetadata } from './metadata.ts';
import { refuseNested } from './nesting.ts';
import { openStore } from './open.ts';
import { cutShortRestore } from './presence.ts';
import { writePrivateFile } from './privateFile.ts';

export interface RestoreOptions {
  readonly layout: StoreLayout;
  /** A directory of backups. */
  readonly from: string;
  /** The newest unless told. */
  readonly id?: string;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: { readonly bytes: number; readonly bytesExpected: number }) => void;
  readonly onFinding: (finding: Finding) => void;
  /** Told of what goes wrong beside the work. */
  readonly remark: (text: string) => void;
}

export interface Restored {
  readonly id: string;
  /** Keys and their changes, each read from the backup and checked. */
  readonly changes: number;
  readonly metadataBytes: number;
  /** Of metadata, that were damaged in the store when the backup was made; the first thousand. */
  readonly damagedRecords: readonly { readonly key: string; readonly kind: string }[];
  readonly damagedRecordCount: number;
  readonly containers: RestoredContainers;
  readonly fsck: FsckReport;
  readonly scrub: Omit<ScrubReport, 'damaged'> & { readonly damaged: readonly DamagedPlace[] };
}

/** As {@link ScrubReport} has it, the container by the path below `extents/`. */
type DamagedPlace = Omit<ScrubReport['damaged'][number], 'container' | 'kind'> & {
  readonly container: string;
};

/**
 * @throws CommandFailure NoEntry (3) | Usage (2) | NotEmpty (4) | StoreInUse (5) | UnusableDirectory (1), FsError Corrupt (its metadata can not be brought back) | NoEntry | Closed; then
 * nothing is left
 */
export async function restoreStore(options: RestoreOptions): Promise<Restored> {
  refuseNested(options.layout.directory, options.from);
  return withBackupsToRead(options.from, (disk) => restoreFrom(disk, options));
}

async function restoreFrom(from: Disk, options: RestoreOptions): Promise<Restored> {
  const { layout, id, signal, onProgress, remark } = options;
  const backup = await OpenedBackup.open({
    from,
    ...(id !== undefined && { id }),
    signal,
    onProgress,
  });
  for (const text of backup.remarks) remark(text);
  const existed = isThere(layout.directory, layout.directory);
  mustBeEmpty(layout, existed);
  makeDataDirectory(layout.directory);
  const lock = openLock(layout);
  try {
    // Until then what is there is somebody else's, who may have begun since the first look.
    if (!lock.tryLock('owner', 'exclusive')) throw storeInUse(layout, 'restore to another directory');
    mustBeEmpty(layout, true);
    lock.describeHolder(`facet restore (pid ${process.pid})`);
    return await bringBackOrNothing(options, { backup, lock, existed });
  } finally {
    lock.close();
  }
}

async function bringBackOrNothing(
  options: RestoreOptions,
  {
    backup,
    lock,
    existed,
  }: { readonly backup: OpenedBackup; readonly lock: StoreLock; readonly existed: boolean },
): Promise<Restored> {
  try {
    return await bringBack(options, backup, lock);
  } catch (error) {
    removeAll(options.layout, existed);
    throw unusableDirectory(options.layout.directory, error);
  }
}

async function bringBack(
  { layout, onFinding, remark }: RestoreOptions,
  backup: OpenedBackup,
  lock: StoreLock,
): Promise<Restored> {
  const unfinished = { ...layout, metadata: layout.restoring };
  const { engine } = await openMetadata(unfinished);
  const changes = await backup.restoreMetadata(engine).finally(() => engine.close());
  const containers = await backup.restoreContainers(new NodeDisk(layout.extents));
  for (const { name, bytes } of backup.manifest.smallFiles)
    writePrivateFile(join(layout.directory, nameOfSmallFile(layout, name)), bytes.toString('utf8'));
  const scrub = await recoverAndScrub(unfinished, lock, remark);
  const fsck = await inspectStore({ layout: unfinished, onFinding });
  renameSync(layout.restoring, layout.metadata);
  syncDirectory(layout.directory);
  const { metadataBytes, damagedRecords, damagedRecordCount } = backup.manifest;
  const lost = { damagedRecords, damagedRecordCount };
  return { id: backup.id, changes, metadataBytes, ...lost, containers, fsck, scrub };
}

/** As after a crash at the moment that the backup is of: what nobody refers to is found and given back. */
async function recoverAndScrub(
  layout: StoreLayout,
  lock: StoreLock,
  remark: (text: string) => void,
): Promise<Restored['scrub']> {
  const watcher = { error: (_fields: object, message: string) => remark(message), info: () => undefined };
  const store = await openStore({ layout, lock, watcher });
  try {
    await store.core.collector.drain();
    const { damaged, ...report } = await store.core.scrub({ bytesPerSecond: Number.MAX_SAFE_INTEGER });
    const named = damaged.map(({ container, kind, ...place }) => ({
      ...place,
      container: containerName(container, kind),
    }));
    return { ...report, damaged: named };
  } finally {
    await store.close();
  }
}

/** Only what a backup of this program has. @throws CommandFailure Corrupt (6) */
function nameOfSmallFile({ directory, rootCredentials, nfsHandleKey }: StoreLayout, name: string): string {
  if ([rootCredentials, nfsHandleKey].includes(join(directory, name))) return name;
  throw new CommandFailure({
    exitCode: EXIT.damage,
    code: 'Corrupt',
    message: `the backup has a file '${name}' that no store has`,
  });
}

/** @throws CommandFailure NotEmpty (4) | UnusableDirectory (1; a restore was cut short there) */
function mustBeEmpty(layout: StoreLayout, existed: boolean): void {
  const { directory, lock } = layout;
  const ours = ['lost+found', basename(lock)];
  const others = existed ? readdirSync(directory).filter((name) => !ours.includes(name)) : [];
  if (others.length === 0) return;
  if (others.includes(basename(layout.restoring))) throw cutShortRestore(layout);
  throw new CommandFailure({
    exitCode: EXIT.conflict,
    code: 'NotEmpty',
    message: `${directory} is not empty: restore to a directory that is, or that does not exist (--data)`,
  });
}

function removeAll(layout: StoreLayout, existed: boolean): void {
  const { directory, restoring, extents, rootCredentials, nfsHandleKey, lock } = layout;
  for (const path of [restoring, extents, rootCredentials, nfsHandleKey, lock])
    rmSync(path, { recursive: true, force: true });
  if (!existed) rmSync(directory, { recursive: true, force: true });
}
