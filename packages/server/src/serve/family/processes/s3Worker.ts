/** The worker that serves S3. */

import { openWorkerCore, systemEnvironment } from '@facet/core';
import type { Logger } from 'pino';
import { extentFamilies } from '../../../metrics/extents.ts';
import { labelled, ProcessMetrics } from '../../../metrics/processMetrics.ts';
import { S3Metrics } from '../../../metrics/s3.ts';
import { endS3, makeS3Gateway } from '../../s3Door.ts';
import type { CallsOfWorker } from '../protocol/messages.ts';
import { StoreLink } from './storeLink.ts';
import type { OpenWorker, StartedWorker } from './workerProcess.ts';

export async function openS3Worker(start: StartedWorker, logger: Logger): Promise<OpenWorker> {
  const { settings, tls, name, graceMs } = start;
  const link = new StoreLink<CallsOfWorker>({ start, logger });
  const environment = systemEnvironment();
  const core = await openWorkerCore({ ...link.parts, changes: link.state.changes, environment });
  const s3Metrics = new S3Metrics();
  const gateway = makeS3Gateway({ settings, tls, core, logger, onOutcome: s3Metrics.observe });
  const metrics = new ProcessMetrics(name);
  metrics.add(() => s3Metrics.families(gateway));
  metrics.add(() => extentFamilies({ disk: link.disk, extents: link }));
  await link.serve({ ...core.answers, metrics: async () => labelled(await metrics.collect(), name) });
  return {
    accept: (socket) => gateway.accept(socket),
    connectionOver: () => link.state.connectionOver(start.seat),
    underWay: () => gateway.underWay(),
    suspend: () => link.suspend(graceMs),
    resume: () => link.resume(),
    isSpent: () => link.isSpent,
    abandonStore: () => link.abandon(),
    stop: async (idleMs) => {
      link.expectEnd();
      await endS3(gateway, { idleMs, graceMs, logger });
      await core.close();
      await link.replica.close();
    },
  };
}
