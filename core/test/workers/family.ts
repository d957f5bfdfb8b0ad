/** A store and its workers, in one process: what they say to each other is copied, as over a socket. */

import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LmdbReplica, openLmdbEngine } from '@facet/engine';
import { type ExtentStore, LocalExtentStore, NodeDisk } from '@facet/extents';
import { onTestFinished } from 'vitest';
import {
  type Core,
  type CoreParts,
  type Freshness,
  openCore,
  openWorkerCore,
  StoreAccess,
  systemEnvironment,
  type VolumeId,
  type WorkerCore,
} from '../../src/index.ts';
import { errorCodec } from '../../src/workers/errorCodec.ts';
import type { Answers, OtherEnd } from '../../src/workers/protocol.ts';
import type { WorkerStoreParts } from '../../src/workers/workerStore.ts';

/** Calls as they are made over a socket, but for the socket: what goes in and comes out is copied. */
export function callerOf<C extends Record<string, { readonly params: unknown; readonly result: unknown }>>(
  answers: Answers<C>,
): OtherEnd<C> {
  return {
    async call(method, params) {
      await new Promise(setImmediate);
      try {
        return await answers[method](structuredClone(params));
      } catch (error) {
        throw errorCodec.decode(errorCodec.encode(error));
      }
    },
  };
}

export interface Family {
  readonly core: Core;
  readonly volume: VolumeId;
  readonly storeExtents: ExtentStore;
  join(): Promise<Joined>;
  /** What a worker is opened with. */
  parts(): WorkerParts;
}

export interface WorkerParts extends Omit<WorkerStoreParts, 'instance'> {
  readonly instance: Buffer;
  readonly extents: () => ExtentStore;
}

export interface Joined {
  readonly instance: Buffer;
  readonly core: WorkerCore;
  readonly extents: ExtentStore;
  readonly access: StoreAccess;
  /** As when its process is killed. */
  die(): void;
}

const ALWAYS_FRESH: Freshness = { given: () => 0, settled: () => 0 };

export async function openFamily(parts: Pick<CoreParts, 'maintenance'> = {}): Promise<Family> {
  const folder = await mkdtemp(join(tmpdir(), 'facet-workers-'));
  const path = join(folder, 'meta');
  const engine = await openLmdbEngine({ path, mapSizeBytes: 1 << 30 });
  let storeExtents: ExtentStore | undefined;
  const core = await openCore({
    engine,
    environment: systemEnvironment(),
    ...parts,
    openExtents: async (lease) => {
      storeExtents = new LocalExtentStore({ disk: new NodeDisk(join(folder, 'extents')), lease });
      return storeExtents;
    },
  });
  onTestFinished(async () => {
    await core.close();
    await rm(folder, { recursive: true, force: true });
  });
  await core.accounts.create({ name: 'tester' });
  const volume = await core.volumes.create({ name: 'bucket', owner: 'tester' });
  if (!storeExtents) throw new Error('the core opened its extents');
  return {
    core,
    volume: volume.id,
    storeExtents,
    parts: () => partsOf(folder, path),
    async join() {
      const parts = partsOf(folder, path);
      const { instance, access } = parts;
      core.workers.expect(instance);
      const worker = await openWorkerCore({
        ...parts,
        changes: { count: () => 0, add: () => undefined },
        environment: systemEnvironment(),
      });
      const caller = callerOf(worker.answers);
      const answers = core.workers.joined(instance, caller);
      if (!answers) throw new Error('the worker is expected');
      access.connected(callerOf(answers));
      onTestFinished(() => worker.close());
      return {
        instance,
        core: worker,
        extents: parts.extents(),
        access,
        die: () => {
          core.workers.left(instance, caller);
          core.workers.ended(instance);
        },
      };
    },
  };
}

function partsOf(folder: string, path: string): WorkerParts {
  const replica = new LmdbReplica({ path });
  replica.open();
  let opened: ExtentStore | undefined;
  return {
    access: new StoreAccess(),
    replica,
    freshness: ALWAYS_FRESH,
    instance: randomBytes(16),
    openExtents: async (lease) => {
      opened = new LocalExtentStore({ disk: new NodeDisk(join(folder, 'extents')), lease });
      return opened;
    },
    extents: () => {
      if (!opened) throw new Error('the worker opened its extents');
      return opened;
    },
    onFault: ({ error }) => {
      throw error;
    },
  };
}

type Writer = Pick<Core, 'objects'>;

export async function put(core: Writer, volume: VolumeId, key: string, bytes: Buffer): Promise<void> {
  const writer = core.objects.stage({ lengthBytes: bytes.length });
  await writer.write(bytes);
  await core.objects.put({
    volume,
    key: Buffer.from(key),
    body: await writer.finish(),
    etag: { digest: Buffer.alloc(16), parts: 0 },
    properties: {},
    userMetadata: {},
  });
}

export async function get(core: Writer, volume: VolumeId, key: string): Promise<Buffer> {
  const object = await core.objects.open({ volume, key: Buffer.from(key) });
  try {
    const pieces: Buffer[] = [];
    for await (const piece of object.read()) pieces.push(Buffer.from(piece));
    return Buffer.concat(pieces);
  } finally {
    object.close();
  }
}
