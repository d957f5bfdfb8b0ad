/** Disks and extent stores that do not do what they promise. */

import { type Disk, type DiskFile, type ExtentStore, forwarded } from '@facet/extents';

/** A sync that failed is tried again, and believed: what it was to save is not dirty any more. */
export function believing(inner: Disk): Disk {
  const open = async (file: Promise<DiskFile>): Promise<DiskFile> => believingFile(await file);
  return {
    create: (name, writes) => open(inner.create(name, writes)),
    open: (name, writes) => open(inner.open(name, writes)),
    makeDirectory: (name) => inner.makeDirectory(name),
    syncDirectory: (name) => again(() => inner.syncDirectory(name)),
    unlink: (name) => inner.unlink(name),
    rename: (name, to) => inner.rename(name, to),
    list: (directory) => inner.list(directory),
    status: (name) => inner.status(name),
    freeBytes: () => inner.freeBytes(),
    memory: (bytes) => inner.memory(bytes),
  };
}

function believingFile(inner: DiskFile): DiskFile {
  const sync = () => again(() => inner.sync());
  return {
    write: async (to) => {
      try {
        await inner.write(to);
      } catch (error) {
        if (!isFailedSync(error)) throw error;
        await sync();
      }
    },
    read: (from) => inner.read(from),
    readAtOnce: (from) => inner.readAtOnce(from),
    sync,
    allocate: (length) => inner.allocate(length),
    punch: (run) => inner.punch(run),
    truncate: (length) => inner.truncate(length),
    size: () => inner.size(),
    close: () => inner.close(),
  };
}

async function again(sync: () => Promise<void>): Promise<void> {
  try {
    await sync();
  } catch (error) {
    if (!isFailedSync(error)) throw error;
    await again(sync);
  }
}

const isFailedSync = (error: unknown): boolean =>
  error instanceof Error && error.message.startsWith('EIO: sync');

/** Recovery finds no container: it comes before anybody asks what is active. */
export function unfound(inner: ExtentStore): ExtentStore {
  let isOver = false;
  return {
    ...forwarded(inner),
    isActive: (container) => {
      isOver = true;
      return inner.isActive(container);
    },
    status: async (container) => (isOver ? inner.status(container) : undefined),
  };
}

const BLOCK_BYTES = 4096;

/** What is given back takes the block before with it. */
export function greedy(inner: ExtentStore): ExtentStore {
  return {
    ...forwarded(inner),
    punch: ({ container, offset, length }) => {
      const start = Math.max(0, offset - BLOCK_BYTES);
      return inner.punch({ container, offset: start, length: length + offset - start });
    },
  };
}

/** A container goes while something of it is alive. */
export function rash(inner: ExtentStore): ExtentStore {
  return {
    ...forwarded(inner),
    status: async (container) => {
      const status = await inner.status(container);
      return status?.kind === 'segment' ? { ...status, sizeBytes: Math.floor(status.sizeBytes / 2) } : status;
    },
  };
}
