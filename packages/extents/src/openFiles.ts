/** Containers open for reading: at most so many besides those in use; the least recently used goes first. */

import type { ContainerKind } from './containerFiles.ts';
import type { ContainerId } from './contract.ts';
import type { DiskFile } from './disk.ts';

/** A container's file in use. Every one taken is released once. */
export interface OpenFile {
  readonly container: ContainerId;
  /** Undefined when there is no such container. Known at once when the file was open already. */
  file: DiskFile | undefined;
  readonly opened: Promise<DiskFile | undefined>;
  users: number;
  /** No longer found by others: the last user closes it. */
  retired: boolean;
}

/** Opens a container that is probably of the kind given. */
type OpenContainer = (container: ContainerId, likely: ContainerKind) => Promise<DiskFile | undefined>;

export class OpenFiles {
  readonly #max: number;
  readonly #open: OpenContainer;
  /** In order of last use, the oldest first. */
  readonly #entries = new Map<ContainerId, OpenFile>();
  /** Taken last: the newest entry, if it is still one. Small objects of one segment are read one after the other. */
  #latest: OpenFile | undefined;

  constructor(options: {
    readonly max: number;
    readonly open: OpenContainer;
  }) {
    this.#max = options.max;
    this.#open = options.open;
  }

  take(container: ContainerId, likely: ContainerKind): OpenFile {
    const known = this.#entries.get(container);
    const entry = known ?? this.#start(container, likely);
    if (!known || known !== this.#latest) {
      this.#entries.delete(container);
      this.#entries.set(container, entry);
      this.#latest = entry;
    }
    entry.users++;
    if (!known) this.#makeRoom();
    return entry;
  }

  release(entry: OpenFile): void {
    entry.users--;
    closeIfUnused(entry);
  }

  /** Forgets a container's file, so that its blocks are freed once it is unlinked and its readers are done. */
  retire(container: ContainerId): void {
    const entry = this.#entries.get(container);
    if (!entry) return;
    this.#entries.delete(container);
    entry.retired = true;
    closeIfUnused(entry);
  }

  retireAll(): void {
    for (const container of [...this.#entries.keys()]) this.retire(container);
  }

  #start(container: ContainerId, likely: ContainerKind): OpenFile {
    const opened = this.#open(container, likely);
    const entry: OpenFile = { container, file: undefined, opened, users: 0, retired: false };
    const forget = () => {
      if (this.#entries.get(container) === entry) this.#entries.delete(container);
      entry.retired = true;
    };
    opened.then((file) => {
      if (!file) forget();
      entry.file = file;
      closeIfUnused(entry);
    }, forget);
    return entry;
  }

  #makeRoom(): void {
    for (const container of this.#entries.keys()) {
      if (this.#entries.size <= this.#max) return;
      this.retire(container);
    }
  }
}

function closeIfUnused(entry: OpenFile): void {
  if (!entry.retired || entry.users > 0) return;
  const { file } = entry;
  entry.file = undefined;
  // A file opened for reading has nothing to lose at its close.
  file?.close().catch(() => undefined);
}
