import { ExtentError, type ExtentStore, forwarded } from '@facet/extents';

/** Room on the disk as a worker knows it: from the store's process, which it tells when its own writes meet a full disk. */
export class WorkerRoom {
  isFull = false;
  readonly #met: () => void;

  constructor(met: () => void) {
    this.#met = met;
  }

  /** The same store, which takes no bytes while the disk is full. */
  guard(extents: ExtentStore): ExtentStore {
    return {
      ...forwarded(extents),
      append: (extent) => this.#take(() => extents.append(extent)),
      create: (owner) => {
        const writer = extents.create(owner);
        return {
          write: (chunk, onRelease) => this.#take(() => writer.write(chunk, onRelease)),
          finish: () => this.#take(() => writer.finish()),
          abort: () => writer.abort(),
        };
      },
    };
  }

  async #take<T>(write: () => Promise<T>): Promise<T> {
    if (this.isFull) throw new ExtentError('Full', 'the disk is full: delete something, or make room on it');
    try {
      return await write();
    } catch (error) {
      if (error instanceof ExtentError && error.code === 'Full') this.#met();
      throw error;
    }
  }
}
