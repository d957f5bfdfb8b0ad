/** Administration of a store that nobody serves: opened for one piece of work, then closed. */

import { fromCore } from '../coreFailure.ts';
import type { StoreLayout } from '../store/layout.ts';
import type { StoreLock } from '../store/lock.ts';
import { openStore } from '../store/open.ts';
import type { Administration } from './contract.ts';
import { administerCore } from './local.ts';

/** @throws CommandFailure, and what `work` throws */
export async function administerDirectly<T>(
  { layout, lock }: { readonly layout: StoreLayout; readonly lock: StoreLock },
  work: (administration: Administration) => Promise<T>,
): Promise<T> {
  try {
    const store = await openStore(layout, lock);
    try {
      return await work(administerCore(store.core));
    } finally {
      await store.close();
    }
  } catch (error) {
    throw fromCore(error);
  }
}
