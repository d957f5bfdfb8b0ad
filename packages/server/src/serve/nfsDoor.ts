/** The NFS door of a server, and how clients find it. */

import { randomBytes } from 'node:crypto';
import { statfs } from 'node:fs/promises';
import type { Core } from '@facet/core';
import { createNfsDoor, type NfsDoor, type NfsDoorOptions } from '@facet/gateway-nfs';
import type { Logger } from 'pino';
import { EXIT } from '../exitCodes.ts';
import { CommandFailure } from '../failure.ts';
import type { Address } from '../settings/address.ts';
import type { ServeSettings } from '../settings/settings.ts';
import { isFullDisk } from '../store/fullDisk.ts';
import type { StoreLayout } from '../store/layout.ts';
import { HANDLE_KEY_BYTES, nfsHandleKey } from '../store/nfsHandleKey.ts';
import { type AcceptedAt, type Door, listen } from './listen.ts';

const VERIFIER_BYTES = 8;

export interface NfsDoorParts {
  readonly core: Core;
  readonly layout: StoreLayout;
  readonly logger: Logger;
  readonly onCall: NonNullable<NfsDoorOptions['onCall']>;
}

export async function makeNfsDoor({ core, layout, logger, onCall }: NfsDoorParts): Promise<NfsDoor> {
  return createNfsDoor({
    core,
    log: logger,
    onCall,
    handleKey: handleKey(layout, logger),
    writeVerifier: randomBytes(VERIFIER_BYTES),
    roomBytes: async () => {
      // What is free then is the room that deletes need: nobody else gets it.
      if (core.room.full) return 0;
      // Of the store's own folder: that of the extents is made by the first of them.
      const { bavail, bsize } = await statfs(layout.directory);
      return bavail * bsize;
    },
  });
}

/** A full disk must not keep the server down: deletes through it are what makes room again. */
function handleKey(layout: StoreLayout, logger: Logger): Buffer {
  try {
    return nfsHandleKey(layout.nfsHandleKey);
  } catch (error) {
    if (!isFullDisk(error)) throw error;
    logger.error(
      { err: error },
      'no room for the key of NFS handles: clients must mount again after a restart',
    );
    return randomBytes(HANDLE_KEY_BYTES);
  }
}

/** Where it really listens, and where its port mapper does, or `rpcbind`, which knows it. */
export interface OpenNfsDoor {
  readonly nfs: Address;
  readonly portmap?: Address | 'rpcbind';
}

export interface NfsDoorPlace {
  readonly nfs: Address;
  readonly portmap: ServeSettings['portmap'];
  readonly acceptedAt: AcceptedAt;
  /** This server's doors that are open already. */
  readonly opened: readonly Door[];
}

/** @throws CommandFailure (1) naming flag and address */
export async function openNfsDoor(
  door: NfsDoor,
  { nfs, portmap, acceptedAt, opened }: NfsDoorPlace,
): Promise<OpenNfsDoor> {
  const bound = await listen({ address: acceptedAt.nfs ?? nfs, flag: '--nfs', opened }, async (address) => {
    if (acceptedAt.nfs === undefined) return await door.listen(address);
    await door.serveAt(address);
    return address;
  });
  if (portmap === undefined) return { nfs: bound };
  if (portmap === 'rpcbind') {
    await register(door);
    return { nfs: bound, portmap };
  }
  const others: readonly Door[] = [...opened, { address: bound, flag: '--nfs' }];
  const mapper = await listen(
    { address: acceptedAt.portmap ?? portmap, flag: '--portmap', opened: others },
    async (address) => {
      if (acceptedAt.portmap === undefined) return await door.servePortmap(address);
      await door.servePortmapAt(address);
      return address;
    },
  );
  return { nfs: bound, portmap: mapper };
}

async function register(door: NfsDoor): Promise<void> {
  try {
    await door.register();
  } catch (error) {
    throw new CommandFailure({
      exitCode: EXIT.failed,
      code: 'CannotRegister',
      message: `--portmap rpcbind: ${(error as Error).message}; start rpcbind, or have Facet answer by --portmap HOST:PORT`,
    });
  }
}
