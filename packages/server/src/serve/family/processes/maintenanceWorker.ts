/** The worker that compacts and scrubs: no client waits for it, and what it does costs theirs no turn of the event loop. */

import { openMaintenanceCore } from '@facet/core';
import type { Logger } from 'pino';
import { compactorFamilies } from '../../../metrics/compactor.ts';
import { extentFamilies } from '../../../metrics/extents.ts';
import { labelled, ProcessMetrics } from '../../../metrics/processMetrics.ts';
import { storeLayout } from '../../../store/layout.ts';
import { diskReserve } from '../../../store/reserve.ts';
import type { CallsOfMaintenance } from '../protocol/messages.ts';
import { StoreLink } from './storeLink.ts';
import type { OpenWorker, StartedWorker } from './workerProcess.ts';

export async function openMaintenanceWorker(start: StartedWorker, logger: Logger): Promise<OpenWorker> {
  const { settings, name, graceMs } = start;
  const reserve = await diskReserve(storeLayout(settings.data));
  const link: StoreLink<CallsOfMaintenance> = new StoreLink({
    start,
    logger,
    onAway: () => core.storeLeft(),
  });
  const core = await openMaintenanceCore({
    ...link.parts,
    roomLeftBytes: 2 * reserve.lengthBytes,
    teller: () => link.store,
  });
  const metrics = new ProcessMetrics(name);
  metrics.add(() => compactorFamilies(core.compactor.counts));
  metrics.add(() => extentFamilies({ disk: link.disk, extents: link }));
  await link.serve({ ...core.answers, metrics: async () => labelled(await metrics.collect(), name) });
  return {
    // The supervisor hands it none.
    accept: (socket) => socket.destroy(),
    connectionOver: () => undefined,
    underWay: () => 0,
    suspend: () => link.suspend(graceMs),
    resume: () => link.resume(),
    isSpent: () => link.isSpent,
    abandonStore: () => link.abandon(),
    stop: async () => {
      await core.close();
      await link.replica.close();
    },
  };
}
