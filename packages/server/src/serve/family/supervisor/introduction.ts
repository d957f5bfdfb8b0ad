/** Has the store's process know of a worker before that one opens the store. */

/** A process of the store, as this needs it. */
export interface Expecting<Worker> {
  /** Resolves at its end. */
  readonly ended: Promise<unknown>;
  /** Rejects when it ends before it has taken note. */
  expect(worker: Worker): Promise<void>;
}

/** The next one is told, should a process of the store end meanwhile. @throws when no other comes, or the worker ended */
export async function introduce<Worker extends { readonly isOver: boolean }>(
  worker: Worker,
  parts: {
    /** Resolves when there is a store again, or none is to come. */
    readonly storeIsThere: () => Promise<void>;
    readonly store: () => Expecting<NoInfer<Worker>> | undefined;
  },
): Promise<void> {
  for (let gone: Expecting<Worker> | undefined; ; ) {
    await parts.storeIsThere();
    const store = parts.store();
    if (store === undefined || store === gone) throw new Error('there is no store to serve');
    // What the store was to know of its end it was told already.
    if (worker.isOver) throw new Error('the worker ended before it began');
    try {
      return await store.expect(worker);
    } catch {
      await store.ended;
      gone = store;
    }
  }
}
