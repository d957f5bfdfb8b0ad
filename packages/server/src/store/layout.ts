/** What lies where in a data directory. Names only: nothing here touches the disk. */

import { join } from 'node:path';

export interface StoreLayout {
  readonly directory: string;
  /** Locked by whoever has the store open, see `lock.ts`. */
  readonly lock: string;
  /** Metadata: the engine's environment, and the ballast. */
  readonly metadata: string;
  /** The metadata while they are brought back from a backup: there is no store yet. */
  readonly restoring: string;
  /** Containers of extents. */
  readonly extents: string;
  /** What a repair set aside, and its log. */
  readonly quarantine: string;
  /** Mode 0600: the access key made at first start. */
  readonly rootCredentials: string;
  /** Mode 0600: what file handles of the NFS door are sealed with. */
  readonly nfsHandleKey: string;
  /** Mode 0600: where the running server's admin API listens, and the token it takes. */
  readonly adminEndpoint: string;
}

export function storeLayout(directory: string): StoreLayout {
  return {
    directory,
    lock: join(directory, 'LOCK'),
    metadata: join(directory, 'meta'),
    restoring: join(directory, 'meta.restoring'),
    extents: join(directory, 'extents'),
    quarantine: join(directory, 'quarantine'),
    rootCredentials: join(directory, 'root-credentials.json'),
    nfsHandleKey: join(directory, 'nfs-handle-key.json'),
    adminEndpoint: join(directory, 'admin.json'),
  };
}
