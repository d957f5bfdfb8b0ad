/** Administration of a store that nobody serves: opened for one piece of work, then closed. */

import { inspect } from 'node:util';
import { fromCore } from '../coreFailure.ts';
import type { StoreLayout } from '../store/layout.ts';
import type { StoreLock } from '../store/lock.ts';
import { openStore, type StoreWatcher } from '../store/open.ts';
import type { Administration } from './contract.ts';
import { administerCore } from './local.ts';

/** A command has no log: what goes wrong beside it is told, in a line, what goes well is not. */
function complainer(remark: (text: string) => void): StoreWatcher {
  return {
    error: (fields, message) => {
      const details = Object.entries(fields).map(
        ([name, value]) =>
          `${name} ${value instanceof Error ? value.message : inspect(value, { breakLength: Infinity })}`,
      );
      remark(details.length === 0 ? message : `${message} (${details.join(', ')})`);
    },
    info: () => undefined,
  };
}

/** @throws CommandFailure, and what `work` throws */
export async function administerDirectly<T>(
  {
    layout,
    lock,
    remark,
  }: {
    readonly layout: StoreLayout;
    readonly lock: StoreLock;
    readonly remark: (text: string) => void;
  },
  work: (administration: Administration) => Promise<T>,
): Promise<T> {
  try {
    const store = await openStore({ layout, lock, watcher: complainer(remark) });
    try {
      const { rootCredentials, nfsHandleKey } = layout;
      return await work(administerCore({ core: store.core, rootCredentials, nfsHandleKey }));
    } finally {
      await store.close();
    }
  } catch (error) {
    throw fromCore(error);
  }
}
