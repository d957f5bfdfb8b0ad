/**
 * What the process of the store and its workers ask of each other. A worker serves a door: it reads the metadata by
 * itself, and has what changes it done by the store's process, which alone writes it.
 */

/** What a worker asks of the store. */
export type StoreCalls = {
  /** Runs the command of that name. */
  readonly run: {
    readonly params: { readonly command: string; readonly args: unknown };
    readonly result: unknown;
  };
  /** Resolves when the worker's own reads see all that was acknowledged before. */
  readonly settle: { readonly params: null; readonly result: null };
  /** The worker's device was out of room. */
  readonly metFullDisk: { readonly params: null; readonly result: null };
};

/** What the store asks of a worker. */
export type WorkerCalls = {
  /**
   * The oldest free sequence that a reader of the worker may refer to, or Infinity. `committed` is one that every snapshot
   * taken from now on has.
   */
  readonly oldestPin: { readonly params: { readonly committed: number }; readonly result: number };
  /** Whether the disk is full, now and from then on. */
  readonly room: { readonly params: { readonly full: boolean }; readonly result: null };
  /** Containers are removed: to hold their files would hold their blocks. */
  readonly retire: { readonly params: { readonly containers: readonly number[] }; readonly result: null };
};

type Calls = Readonly<Record<string, { readonly params: unknown; readonly result: unknown }>>;

/** The other end. @throws FsError Interrupted when it goes while it is at it */
export interface OtherEnd<C extends Calls> {
  call<M extends keyof C & string>(method: M, params: C[M]['params']): Promise<C[M]['result']>;
}

export type Answers<C extends Calls> = {
  readonly [M in keyof C]: (params: C[M]['params']) => Promise<C[M]['result']> | C[M]['result'];
};
