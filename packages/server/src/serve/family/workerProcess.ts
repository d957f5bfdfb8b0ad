/** A process that serves S3: it reads the store by itself, and has the store's process write what is to change. */

import { Socket } from 'node:net';
import {
  errorCodec,
  interrupted,
  openWorkerCore,
  StoreAccess,
  type StoreCalls,
  systemEnvironment,
} from '@facet/core';
import { LmdbReplica } from '@facet/engine';
import { containerName, LocalExtentStore, NodeDisk } from '@facet/extents';
import { Connection, connectToListener } from '@facet/link';
import type { Logger } from 'pino';
import { restoreCrashSignals } from '../../crashSignals.ts';
import { EXIT } from '../../exitCodes.ts';
import { extentFamilies } from '../../metrics/extents.ts';
import { labelled, ProcessMetrics } from '../../metrics/processMetrics.ts';
import { S3Metrics } from '../../metrics/s3.ts';
import { storeLayout } from '../../store/layout.ts';
import { endsWithin } from '../deadline.ts';
import { makeS3Gateway } from '../s3Door.ts';
import { type CallsOfWorker, INHERITED_FD, type ToWorker } from './messages.ts';
import { SharedState } from './sharedState.ts';
import { failToParent, tellParent } from './toParent.ts';

const GRACE_MS = 30_000;

type Started = Extract<ToWorker, { kind: 'start' }>;

export async function runWorker(start: Started, logger: Logger): Promise<void> {
  const opening = openWorker(start, logger);
  // What is said while it opens is heard when it has.
  process.on('message', (message: ToWorker, handle: unknown) => {
    opening.then((worker) => heed(worker, message, handle)).catch(failToParent);
  });
  try {
    await opening;
    tellParent({ kind: 'ready' });
  } catch (error) {
    failToParent(error);
  }
}

type Worker = Awaited<ReturnType<typeof openWorker>>;

async function heed(worker: Worker, message: ToWorker, handle: unknown): Promise<void> {
  switch (message.kind) {
    case 'connection':
      if (handle instanceof Socket) worker.gateway.accept(handle);
      return;
    case 'suspend':
      await worker.suspend();
      return tellParent({ kind: 'suspended' });
    case 'resume':
      return worker.resume();
    case 'count':
      return tellParent({ kind: 'counted', requests: worker.gateway.underWay() });
    case 'stop':
      await worker.stop(message.idleMs);
      process.exit(EXIT.ok);
      break;
    case 'start':
  }
}

async function openWorker({ settings, meeting, instance, name }: Started, logger: Logger) {
  restoreCrashSignals();
  const layout = storeLayout(settings.data);
  const state = SharedState.open(INHERITED_FD.words);
  const access = new StoreAccess();
  const replica = new LmdbReplica({ path: layout.metadata });
  const disk = new NodeDisk(layout.extents);
  let checksumErrors = () => 0;
  const core = await openWorkerCore({
    access,
    replica,
    freshness: state,
    changes: state.changes,
    instance: Buffer.from(instance, 'hex'),
    environment: systemEnvironment(),
    openExtents: async (lease) => {
      const extents = new LocalExtentStore({
        disk,
        lease,
        onWriteFault: ({ container, error }) =>
          logger.error(
            { container: containerName(container, 'segment'), err: error },
            'a segment could not be written and is given up',
          ),
      });
      checksumErrors = () => extents.checksumErrors;
      return extents;
    },
    onFault: ({ doing, error }) => logger.error({ doing, err: error }, 'background work failed, and goes on'),
  });
  const s3Metrics = new S3Metrics();
  const gateway = makeS3Gateway({ settings, core, logger, onOutcome: s3Metrics.observe });
  const metrics = new ProcessMetrics(name);
  metrics.add(() => s3Metrics.families(gateway));
  metrics.add(() => extentFamilies({ disk, extents: { checksumErrors: checksumErrors() } }));
  const answers = { ...core.answers, metrics: async () => labelled(await metrics.collect(), name) };

  let connection: Connection<CallsOfWorker, StoreCalls> | undefined;
  const resume = async (): Promise<void> => {
    const socket = await connectToListener({
      address: meeting.address,
      secret: Buffer.from(meeting.secret, 'hex'),
      name: Buffer.from(instance, 'hex'),
    }).catch(() => undefined);
    // It has ended: of the next one the supervisor tells.
    if (socket === undefined) return;
    replica.open();
    const opened = new Connection<CallsOfWorker, StoreCalls>({
      socket,
      errors: errorCodec,
      lost: interrupted,
    });
    opened.serve(answers);
    connection = opened;
    void opened.over.then(() => {
      if (connection === opened) access.away();
    });
    access.connected(opened);
  };
  await resume();

  return {
    gateway,
    resume,
    suspend: async () => {
      access.away();
      // What is under way there still gets its answer.
      await endsWithin(GRACE_MS, Promise.resolve(connection?.idle()));
      await replica.close();
    },
    stop: async (idleMs: number) => {
      if (!(await endsWithin(GRACE_MS, gateway.close({ idleMs }))))
        logger.warn({ graceMs: GRACE_MS }, 'requests in flight took too long and are cut off');
      await core.close();
      await replica.close();
    },
  };
}
