/**
 * A backup: all metadata as they are at one moment, and every byte that they refer to, copied while the store is in use.
 *
 * What was dropped since before the first page of metadata was read is kept from being reclaimed until all is copied, so
 * that whatever the copied metadata refer to is there. A manifest makes it a backup, when everything else is on stable
 * storage: one that is cut short is none, and harms none.
 */

import type { WatchedEngine } from '@facet/engine';
import { type ContainerId, type Disk, ExtentError, type ExtentStore, shardOf } from '@facet/extents';
import type { CommandRunner, Environment } from '../commands/command.ts';
import { fromExtents } from '../contents/read.ts';
import { FsError } from '../errors.ts';
import { isLeasedByAnother } from '../recovery/leases.ts';
import type { DamagedMetadata } from '../scrub/metadata.ts';
import type { Pace } from '../scrub/pace.ts';
import { type ContainerKind, withKinds } from '../space/containerKinds.ts';
import { isDead } from '../space/deadRuns.ts';
import type { Pins } from '../space/pins.ts';
import { ChangeWriter } from './changes.ts';
import { CheckedWriter } from './checkedFile.ts';
import { copyContainer } from './copyContainer.ts';
import { dumpMetadata } from './dump.ts';
import { EarlierCopies } from './earlierCopies.ts';
import { manifestToFollow, mustBeOfThisStore } from './follow.ts';
import type { LostRecords } from './lostRecords.ts';
import {
  type CopiedContainer,
  DAMAGED_RECORDS_LISTED_MAX,
  endOfCopy,
  type Manifest,
  type SmallFile,
  type SuspiciousRun,
} from './manifest.ts';
import { NeededContainers } from './needed.ts';
import { type BackupId, CONTAINERS, idBytes, metadataName, nextBackupId, Repository } from './repository.ts';
import { sweepUnfinished } from './sweep.ts';
import { fromTarget } from './target.ts';
import { type DamagedRun, referredRuns } from './whose.ts';

/** Of which the objects are looked for; more is damage that a list does not help with. */
const DAMAGES_MAX = 10_000;

export interface BackupParts {
  readonly engine: Pick<WatchedEngine, 'watch' | 'unwatch'>;
  readonly commands: Pick<CommandRunner, 'run' | 'read'>;
  readonly extents: Pick<ExtentStore, 'scan' | 'status' | 'isActive'>;
  readonly pins: Pick<Pins, 'enter'>;
  /** This run's own: other processes that have containers leased may be writing to them. */
  readonly instance: Uint8Array;
  readonly environment: Environment;
  readonly pace: Pace;
  /** Where backups are kept: a directory of theirs. */
  readonly to: Disk;
  /** Kept with it as they are. */
  readonly smallFiles: readonly SmallFile[];
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: BackupProgress) => void;
}

export interface BackupProgress {
  /** Copied so far. */
  readonly bytes: number;
  /** As far as can be told; 0 as long as nothing can. */
  readonly bytesExpected: number;
}

export interface BackupReport {
  readonly id: BackupId;
  /** Keys and their changes that it holds. */
  readonly changes: number;
  readonly metadataBytes: number;
  readonly containers: number;
  /** Of containers, in all. */
  readonly bytes: number;
  readonly copiedContainers: number;
  readonly copiedBytes: number;
  /** Found in the store; the first ten thousand were looked at. */
  readonly damaged: readonly (DamagedRun & { readonly kind?: ContainerKind })[];
  /** Of the metadata, in the store: the backup goes without. The first thousand. */
  readonly damagedRecords: readonly DamagedMetadata[];
  readonly damagedRecordCount: number;
  /** Of the disk there, which one that was cut short had taken, and this one gave back. */
  readonly leftBytes: number;
}

/** What is there. */
interface Earlier {
  readonly repository: Repository;
  readonly newest: BackupId | undefined;
  readonly before: Manifest | undefined;
}

const NANOSECONDS_PER_MILLISECOND = 1_000_000n;

/** @throws FsError Corrupt | NoSpace | NotEmpty | PreconditionFailed (of another store) | Failed | Closed (ended) */
export async function backup(parts: BackupParts): Promise<BackupReport> {
  try {
    return await run(parts);
  } catch (error) {
    throw error instanceof ExtentError ? fromExtents(error) : fromTarget(error);
  }
}

async function run(parts: BackupParts): Promise<BackupReport> {
  const { to, environment } = parts;
  const repository = await Repository.openOrMake(to, environment.randomBytes);
  const newest = (await repository.backups()).at(-1);
  const before = newest === undefined ? undefined : await manifestToFollow(repository, newest);
  if (newest !== undefined) await mustBeOfThisStore(parts.commands, repository, newest);
  await repository.prepare();
  // What was copied since the last manifest is of no use to anybody.
  const isLeft = (await repository.unfinished()).length > 0;
  const leftBytes = isLeft ? await sweepUnfinished(repository) : 0;
  try {
    return { ...(await make(parts, { repository, newest, before })), leftBytes };
  } catch (error) {
    // Else a disk that is full stays so. Where this fails, too, the next backup does it.
    await sweepUnfinished(repository).catch(() => undefined);
    throw error;
  }
}

async function make(
  parts: BackupParts,
  { repository, newest, before }: Earlier,
): Promise<Omit<BackupReport, 'leftBytes'>> {
  const { environment, pins, commands } = parts;
  const takenMs = Number(environment.now() / NANOSECONDS_PER_MILLISECOND);
  const id = nextBackupId(takenMs, newest);
  const progress = new Progress(parts.onProgress);
  const pin = pins.enter();
  try {
    const metadata = await copyMetadata(parts, { repository, id, newest, progress });
    const suspicious: SuspiciousRun[] = [];
    const containers = await copyContainers(parts, {
      repository,
      needed: metadata.needed,
      before,
      progress,
      suspicious,
    });
    const knownBefore = stillKnown(before, new Set(containers.map(({ one }) => one.container)));
    suspicious.push(...knownBefore.slice(0, DAMAGES_MAX - suspicious.length));
    const damaged = await withKinds(parts.extents, await referredRuns(commands, suspicious));
    const copied = containers.filter(({ isNew }) => isNew);
    const { lost } = metadata;
    const records = {
      damagedRecords: lost.first(DAMAGED_RECORDS_LISTED_MAX),
      damagedRecordCount: lost.count,
    };
    const manifest: Manifest = {
      takenMs,
      changes: metadata.changes,
      metadataBytes: metadata.bytes,
      copiedBytes: progress.containerBytes,
      smallFiles: parts.smallFiles,
      suspicious,
      ...records,
      damagedPlaceCount: damaged.length,
      containers: containers.map(({ one }) => one),
    };
    await repository.publish(id, manifest);
    return {
      id,
      changes: metadata.changes,
      metadataBytes: metadata.bytes,
      containers: containers.length,
      bytes: containers.reduce((sum, { one }) => sum + one.frameBytes, 0),
      copiedContainers: copied.length,
      copiedBytes: progress.containerBytes,
      damaged,
      ...records,
    };
  } finally {
    pin.release();
  }
}

async function copyMetadata(
  parts: BackupParts,
  {
    repository,
    id,
    newest,
    progress,
  }: {
    readonly repository: Repository;
    readonly id: BackupId;
    readonly newest: BackupId | undefined;
    readonly progress: Progress;
  },
): Promise<{
  readonly needed: NeededContainers;
  readonly lost: LostRecords;
  readonly changes: number;
  readonly bytes: number;
}> {
  const { engine, commands, pace, signal } = parts;
  const needed = new NeededContainers();
  const file = await CheckedWriter.create(parts.to, metadataName(id), repository.identity('metadata', id));
  try {
    const writer = new ChangeWriter(file);
    const lost = await dumpMetadata({
      engine,
      commands,
      writer,
      note: (change) => needed.note(change),
      mark: {
        repository: repository.id,
        newest: newest === undefined ? undefined : idBytes(newest),
        backup: idBytes(id),
      },
      pace,
      ...(signal && { signal }),
      onBytes: (bytes) => progress.metadata(bytes),
    });
    await file.finish();
    return { needed, lost, changes: writer.count, bytes: file.length };
  } finally {
    await file.close();
  }
}

/** What was wrong with bytes that the backup before copied; behind these it is copied once more. */
function stillKnown(
  before: Manifest | undefined,
  isKept: ReadonlySet<ContainerId>,
): readonly SuspiciousRun[] {
  const ends = new Map(before?.containers.map((one) => [one.container, endOfCopy(one)]));
  return (before?.suspicious ?? []).filter(
    ({ container, offset }) => isKept.has(container) && offset < (ends.get(container) ?? 0),
  );
}

interface Copied {
  readonly one: CopiedContainer;
  /** Some of it was not there before. */
  readonly isNew: boolean;
}

async function copyContainers(
  parts: BackupParts,
  {
    repository,
    needed,
    before,
    progress,
    suspicious,
  }: {
    readonly repository: Repository;
    readonly needed: NeededContainers;
    readonly before: Manifest | undefined;
    readonly progress: Progress;
    readonly suspicious: SuspiciousRun[];
  },
): Promise<readonly Copied[]> {
  const known = new Map(before?.containers.map((one) => [one.container, one]));
  const wanted = needed.inOrder().map(([container, neededEnd]) => {
    const ofIt = known.get(container);
    return { container, neededEnd, before: ofIt };
  });
  const isNew = new Set(wanted.filter((one) => !one.before).map(({ container }) => container));
  const earlier = new EarlierCopies(repository, (container) => isNew.has(container));
  const onSuspicious = (run: SuspiciousRun): void => {
    if (suspicious.length < DAMAGES_MAX) suspicious.push(run);
  };
  for (const one of wanted)
    progress.expect(one.before?.sealed ? 0 : one.neededEnd - endOfCopy(one.before ?? { stretches: [] }));
  const containers: Copied[] = [];
  const shards = new Set<string>();
  const { commands, extents, to, pace, signal } = parts;
  for (const one of wanted) {
    const copied = await copyContainer(
      {
        extents,
        disk: to,
        pace,
        ...(signal && { signal }),
        isOpen: async (container) =>
          extents.isActive(container) ||
          (await unlessDamaged(
            commands.read('backup', (tx) => isLeasedByAnother(tx, { instance: parts.instance, container })),
            true,
          )),
        isDead: (run) =>
          unlessDamaged(
            commands.read('backup', (tx) => isDead(tx, run)),
            false,
          ),
        onBytes: (bytes) => progress.container(bytes),
        onSuspicious,
        earlierCopy: async (container) => {
          const found = await earlier.of(container);
          for (const run of found?.suspicious ?? []) onSuspicious(run);
          return found?.copied;
        },
      },
      one,
    );
    if (!copied) continue;
    if (!one.before) shards.add(shardOf(one.container));
    containers.push({ one: copied, isNew: copied.frameBytes > (one.before?.frameBytes ?? 0) });
  }
  for (const shard of shards) await to.syncDirectory(`${CONTAINERS}/${shard}`);
  await to.syncDirectory(CONTAINERS);
  return containers;
}

const isDamage = (error: unknown): error is FsError => error instanceof FsError && error.code === 'Corrupt';

/** What a read says, or what is to be taken for it where a record that it needs is damaged. */
async function unlessDamaged(read: Promise<boolean>, otherwise: boolean): Promise<boolean> {
  try {
    return await read;
  } catch (error) {
    if (isDamage(error)) return otherwise;
    throw error;
  }
}

class Progress {
  readonly #tell: (progress: BackupProgress) => void;
  #metadataBytes = 0;
  #containerBytes = 0;
  /** Undefined while metadata are copied, which tell it. */
  #expectedBytes: number | undefined;

  constructor(tell: (progress: BackupProgress) => void = () => undefined) {
    this.#tell = tell;
  }

  get containerBytes(): number {
    return this.#containerBytes;
  }

  metadata(bytes: number): void {
    this.#metadataBytes += bytes;
    this.#told();
  }

  expect(bytes: number): void {
    this.#expectedBytes = (this.#expectedBytes ?? 0) + Math.max(0, bytes);
  }

  container(bytes: number): void {
    this.#containerBytes += bytes;
    this.#told();
  }

  #told(): void {
    this.#tell({
      bytes: this.#metadataBytes + this.#containerBytes,
      bytesExpected:
        this.#expectedBytes === undefined
          ? 0
          : this.#metadataBytes + Math.max(this.#containerBytes, this.#expectedBytes),
    });
  }
}
