/**
 * One server of several processes: this one starts them, holds the lock for them all, and accepts the connections of
 * every door. It never touches the store, so that nothing that goes wrong there ends it.
 */

import type { CommandFailure } from '../../../failure.ts';
import type { Address } from '../../../settings/address.ts';
import type { StoreFacts } from '../../server.ts';
import type { FamilyParts } from './familyParts.ts';
import { StorePlace } from './storePlace.ts';
import { WorkerPlaces } from './workerPlaces.ts';

export class Supervisor {
  readonly #store: StorePlace;
  readonly #workers: WorkerPlaces;
  #replacing: Promise<void> | undefined;

  constructor(parts: FamilyParts) {
    this.#store = new StorePlace(parts, () => this.#workers);
    this.#workers = new WorkerPlaces(parts, this.#store);
  }

  /** Resolves, should it, when no start of the store can mend what is wrong. */
  get failed(): Promise<CommandFailure> {
    return this.#store.failed;
  }

  /** Resolves when every door is open. @throws CommandFailure; what had been started is ended again */
  async start(): Promise<{ readonly facts: StoreFacts; readonly s3: Address }> {
    try {
      const workers = this.#workers.fork();
      await this.#store.listen();
      const facts = await this.#store.openFirst();
      await this.#workers.admit(workers);
      const s3 = await this.#workers.listen([
        { address: facts.admin, flag: '--admin' },
        ...(facts.nfs ? [{ address: facts.nfs, flag: '--nfs' } as const] : []),
      ]);
      return { facts, s3 };
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  async requestsUnderWay(): Promise<number> {
    const counts = await Promise.all([this.#workers.requestsUnderWay(), this.#store.requestsUnderWay()]);
    return counts[0] + counts[1];
  }

  /**
   * Every process is replaced, one after another. The store's is the first one: whoever leaves it finds the workers that are there, and
   * whoever leaves those finds all anew.
   */
  replaceAll(): Promise<void> {
    this.#replacing ??= this.#replaceAll().finally(() => {
      this.#replacing = undefined;
    });
    return this.#replacing;
  }

  async #replaceAll(): Promise<void> {
    await this.#store.replace();
    await this.#workers.replace();
  }

  /** Finishes what is in flight, and ends every process: the store's as the last one. */
  async stop(): Promise<void> {
    this.#store.closeDoors();
    await this.#workers.stop();
    await this.#store.stop();
  }
}
