import type { ExtentStore } from './contract.ts';

/** The same store, for who stands before it and does some of its work otherwise. */
export function forwarded(extents: ExtentStore): ExtentStore {
  return {
    append: (extent) => extents.append(extent),
    create: (owner) => extents.create(owner),
    read: (slice) => extents.read(slice),
    readAtOnce: (slice) => extents.readAtOnce(slice),
    recall: (slice, contentId) => extents.recall(slice, contentId),
    recallAtOnce: (slice, contentId) => extents.recallAtOnce(slice, contentId),
    punch: (run) => extents.punch(run),
    unlink: (container) => extents.unlink(container),
    retire: (container) => extents.retire(container),
    isActive: (container) => extents.isActive(container),
    list: () => extents.list(),
    greatest: () => extents.greatest(),
    status: (container) => extents.status(container),
    scan: (container, options) => extents.scan(container, options),
    settle: (container) => extents.settle(container),
    freeBytes: () => extents.freeBytes(),
    close: () => extents.close(),
  };
}
