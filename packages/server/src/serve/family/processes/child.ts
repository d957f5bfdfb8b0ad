/** Where every process that a supervisor starts begins. What it is to be it is told by the first message. */

import '../../../threads.ts';
import '../../../crashSignals.ts';
import { EXIT } from '../../../exitCodes.ts';
import { serverLogger } from '../../serverLogger.ts';
import type { ToStore, ToWorker } from '../protocol/messages.ts';

process.umask(0o077);
// A terminal, or whoever stops a group of processes, tells them all: that the supervisor was told is enough.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const)
  process.on(signal, () => undefined);
// Nobody is there any more who would start what is missing, or stop what is left.
process.on('disconnect', () => process.exit(EXIT.failed));

process.on('message', function first(message: ToStore | ToWorker) {
  // It has nothing to finish, and no answer to anything else: whoever asked does not wait for one for ever.
  if (message.kind === 'stop') process.exit(EXIT.ok);
  if (message.kind !== 'start') return;
  process.off('message', first);
  const name = message.role === 'store' ? 'store' : message.name;
  // What `ps` shows.
  process.title = `facet ${name}`;
  const logger = serverLogger({ level: message.settings.logLevel, name });
  process.on('uncaughtException', (error) => {
    logger.fatal({ err: error }, 'a bug: the process ends');
    process.exit(EXIT.failed);
  });
  void begin(message, logger);
});

async function begin(
  message: Extract<ToStore | ToWorker, { kind: 'start' }>,
  logger: ReturnType<typeof serverLogger>,
): Promise<void> {
  switch (message.role) {
    case 'store': {
      const { runStore } = await import('./storeProcess.ts');
      return runStore(message, logger);
    }
    case 's3': {
      const [{ runWorker }, { openS3Worker }] = await Promise.all([
        import('./workerProcess.ts'),
        import('./s3Worker.ts'),
      ]);
      return runWorker(message, logger, openS3Worker);
    }
    case 'maintenance': {
      const [{ runWorker }, { openMaintenanceWorker }] = await Promise.all([
        import('./workerProcess.ts'),
        import('./maintenanceWorker.ts'),
      ]);
      return runWorker(message, logger, openMaintenanceWorker);
    }
  }
}
