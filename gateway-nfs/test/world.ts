/** An NFS gateway on a port of its own over an empty store on disk, and a client that has mounted a volume. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Core,
  type ExportPolicy,
  type FileRef,
  openCore,
  systemEnvironment,
  type VolumeId,
} from '@facet/core';
import { openLmdbEngine } from '@facet/engine';
import { LocalExtentStore, NodeDisk } from '@facet/extents';
import { createNfsGateway } from '@facet/gateway-nfs';
import { NfsTestClient } from './nfs/client.ts';
import { RpcTestClient } from './rpcClient.ts';

export interface World {
  readonly core: Core;
  readonly port: number;
  readonly volume: VolumeId;
  /** Handle of the root of `/vol`. */
  readonly root: Buffer;
  /** As uid and gid 1000, who owns nothing at first. */
  readonly nfs: NfsTestClient;
  /** Root, which is not squashed. */
  readonly admin: NfsTestClient;
  /** What was logged as an error: a test that expects none should find none. */
  readonly errors: object[];
  /** Files whose last names were removed. */
  readonly removed: FileRef[];
  /** One more volume, exported as told. */
  addVolume(name: string, policy?: Partial<ExportPolicy>): Promise<VolumeId>;
  /** An object in `/vol`, as the other door makes it. */
  put(key: string, bytes: Buffer): Promise<void>;
  /** Ends it and opens the same store again. The connection is another, handles and cookies are as before. */
  restart(): Promise<World>;
  close(): Promise<void>;
}

export const WRITE_VERIFIER = Buffer.from('0102030405060708', 'hex');
export const HANDLE_KEY = Buffer.alloc(32, 7);
export const ROOM_BYTES = 5 * 2 ** 30;

export async function startWorld(): Promise<World> {
  return openWorld(await mkdtemp(join(tmpdir(), 'facet-nfs-')));
}

async function openWorld(folder: string): Promise<World> {
  const core = await openCore({
    engine: await openLmdbEngine({ path: join(folder, 'meta'), mapSizeBytes: 1 << 30 }),
    openExtents: async (lease) =>
      new LocalExtentStore({ disk: new NodeDisk(join(folder, 'extents')), lease }),
    environment: systemEnvironment(),
  });
  if (!(await core.accounts.find('tester'))) await core.accounts.create({ name: 'tester' });
  const errors: object[] = [];
  const removed: FileRef[] = [];
  const gateway = createNfsGateway({
    core,
    log: { error: (fields) => void errors.push(fields), warn: () => undefined, info: () => undefined },
    onRemoved: (file) => void removed.push(file),
    handleKey: HANDLE_KEY,
    writeVerifier: WRITE_VERIFIER,
    roomBytes: async () => ROOM_BYTES,
  });
  const addVolume: World['addVolume'] = async (name, policy) => {
    const { id } = await core.volumes.create({ name, owner: 'tester' });
    if (policy) await core.volumes.setExport(id, policy);
    return id;
  };
  const present = await core.volumes.find('vol');
  const volume = present?.id ?? (await addVolume('vol', { squash: 'none' }));
  const { port } = await gateway.listen({ host: '127.0.0.1', port: 0 });
  const rpc = await RpcTestClient.connect(port);
  const nfs = new NfsTestClient(rpc);
  const { handle: root } = await nfs.mount('/vol');
  const stop = async (): Promise<void> => {
    rpc.close();
    await gateway.close();
    await core.close();
  };
  return {
    core,
    port,
    volume,
    root,
    nfs,
    admin: nfs.as({ uid: 0 }),
    errors,
    removed,
    addVolume,
    async put(key, bytes) {
      await core.objects.put({
        volume,
        key: Buffer.from(key),
        body: { kind: 'inline', lengthBytes: bytes.length, bytes },
        etag: { digest: Buffer.alloc(16), parts: 0 },
        properties: {},
        userMetadata: {},
      });
    },
    async restart() {
      await stop();
      return openWorld(folder);
    },
    async close() {
      await stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
