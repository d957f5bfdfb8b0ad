/** Administration of a store that nobody serves: opened for one piece of work, then closed. */

import { inspect } from 'node:util';
import { fromCore } from '../coreFailure.ts';
import type { StoreLayout } from '../store/layout.ts';
import type { StoreLock } from '../store/lock.ts';
import { openStore, type StoreWatcher } from '../store/open.ts';
import type { Administration } from './contract.ts';
import { administerCore } from './local.ts';

// A command has no log: what goes wrong beside it is told, what goes well is not.
const complainer: StoreWatcher = {
  error: (fields, message) => process.emitWarning(`${message}: ${inspect(fields)}`, 'StoreWarning'),
  info: () => undefined,
};

/** @throws CommandFailure, and what `work` throws */
export async function administerDirectly<T>(
  { layout, lock }: { readonly layout: StoreLayout; readonly lock: StoreLock },
  work: (administration: Administration) => Promise<T>,
): Promise<T> {
  try {
    const store = await openStore({ layout, lock, watcher: complainer });
    try {
      return await work(administerCore({ core: store.core, rootCredentials: layout.rootCredentials }));
    } finally {
      await store.close();
    }
  } catch (error) {
    throw fromCore(error);
  }
}
