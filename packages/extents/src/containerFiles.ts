/** Container files: their creation, listing and removal. */

import { containerCalled, containerName, isShard, shardOf } from './containerName.ts';
import { type ContainerId, type ContainerInfo, type ContainerLease, containerId } from './contract.ts';
import { Directories, type EntryChange } from './directories.ts';
import { type Disk, type DiskFile, errorCode } from './disk.ts';

export type ContainerKind = ContainerInfo['kind'];

export interface NewContainer {
  readonly container: ContainerId;
  readonly file: DiskFile;
  readonly entry: EntryChange;
}

export class ContainerFiles {
  readonly #disk: Disk;
  readonly #lease: ContainerLease;
  #leased: { next: number; end: number } = { next: 0, end: 0 };
  #leasing: Promise<void> | undefined;
  readonly #directories: Directories;
  readonly #beingWritten = new Set<ContainerId>();

  constructor(disk: Disk, lease: ContainerLease) {
    this.#disk = disk;
    this.#lease = lease;
    this.#directories = new Directories(disk);
  }

  /**
   * Makes an empty container, each write to which is durable if it is a segment. Its directory entry is durable
   * only after {@link syncEntry}. The caller says when it is done with it: {@link endWriting}.
   */
  async create(kind: ContainerKind): Promise<NewContainer> {
    const container = await this.#nextId();
    const shard = shardOf(container);
    // Before the file exists, so that no listing finds it without an owner.
    this.#beingWritten.add(container);
    try {
      await this.#directories.ensure(shard);
      const entry = this.#directories.begin(shard);
      const writes = kind === 'segment' ? 'durable' : 'buffered';
      return { container, file: await this.#disk.create(containerName(container, kind), writes), entry };
    } catch (error) {
      this.endWriting(container);
      throw error;
    }
  }

  endWriting(container: ContainerId): void {
    this.#beingWritten.delete(container);
  }

  isBeingWritten(container: ContainerId): boolean {
    return this.#beingWritten.has(container);
  }

  /** Opens a container of either kind, trying the likelier first; undefined when there is none. */
  async open(container: ContainerId, likely: ContainerKind): Promise<DiskFile | undefined> {
    return (
      (await this.openOf(container, likely)) ??
      this.openOf(container, likely === 'segment' ? 'dedicated' : 'segment')
    );
  }

  /** Opens a container of one kind alone. */
  async openOf(container: ContainerId, kind: ContainerKind): Promise<DiskFile | undefined> {
    try {
      return await this.#disk.open(containerName(container, kind), 'buffered');
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error;
      return undefined;
    }
  }

  /** Opens a segment anew for writing what is not to be durable at once. */
  openBuffered(segment: ContainerId): Promise<DiskFile> {
    return this.#disk.open(containerName(segment, 'segment'), 'buffered');
  }

  /** Puts the container's directory entry on stable storage. */
  syncEntry({ entry }: NewContainer): Promise<void> {
    return this.#directories.settle(entry);
  }

  /**
   * Resolves when the container is gone for good: a file that a power cut brought back would belong to nobody.
   * So a file that is gone already may have been removed by a process that ended before its sync.
   */
  async unlink(container: ContainerId): Promise<void> {
    const entry = this.#directories.begin(shardOf(container));
    await this.#disk.unlink(containerName(container, 'segment'));
    await this.#disk.unlink(containerName(container, 'dedicated'));
    await this.#directories.settle(entry).catch((error: unknown) => {
      if (errorCode(error) !== 'ENOENT') throw error;
    });
  }

  async status(container: ContainerId): Promise<ContainerInfo | undefined> {
    for (const kind of ['segment', 'dedicated'] as const) {
      const status = await this.#disk.status(containerName(container, kind));
      if (status) return { container, kind, ...status };
    }
    return undefined;
  }

  async list(): Promise<readonly ContainerInfo[]> {
    const found: ContainerInfo[] = [];
    for await (const { container, kind, name } of this.#names()) {
      const status = await this.#disk.status(name);
      if (status) found.push({ container, kind, ...status });
    }
    return found;
  }

  async greatest(): Promise<ContainerId | undefined> {
    let greatest: ContainerId | undefined;
    for await (const { container } of this.#names()) {
      if (greatest === undefined || container > greatest) greatest = container;
    }
    return greatest;
  }

  /** What lies elsewhere than where it is looked for is somebody else's file: see `strayFiles.ts`. */
  async *#names(): AsyncGenerator<{
    readonly container: ContainerId;
    readonly kind: ContainerKind;
    readonly name: string;
  }> {
    for (const shard of (await this.#disk.list('')).filter(isShard).sort()) {
      for (const name of [...(await this.#disk.list(shard))].sort()) {
        const called = containerCalled(name);
        if (called && shardOf(called.container) === shard) yield { ...called, name: `${shard}/${name}` };
      }
    }
  }

  async #nextId(): Promise<ContainerId> {
    while (this.#leased.next >= this.#leased.end) {
      this.#leasing ??= this.#lease()
        .then(({ first, count }) => {
          this.#leased = { next: first, end: first + count };
        })
        .finally(() => {
          this.#leasing = undefined;
        });
      await this.#leasing;
    }
    return containerId(this.#leased.next++);
  }
}

/** Of containers that are there: none can be made. */
export function nameless(disk: Disk): ContainerFiles {
  return new ContainerFiles(disk, () => Promise.reject(new Error('no container is to be made here')));
}
