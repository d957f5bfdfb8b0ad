import { availableParallelism } from 'node:os';
import { createS3Gateway, type S3Gateway, type S3GatewayOptions } from '@facet/gateway-s3';
import type { Logger } from 'pino';
import type { ServeSettings } from '../settings/settings.ts';
import { requestLog } from './requestLog.ts';
import type { TlsPair } from './tls.ts';

/** The S3 door over a core, as the settings want it; not open yet. */
export function makeS3Gateway(parts: {
  readonly settings: ServeSettings;
  readonly tls: TlsPair | undefined;
  readonly core: S3GatewayOptions['core'];
  readonly logger: Logger;
  readonly onOutcome: NonNullable<S3GatewayOptions['onOutcome']>;
}): S3Gateway {
  const { settings, tls, core, logger, onOutcome } = parts;
  return createS3Gateway({
    core,
    domain: settings.s3Domain,
    log: logger,
    now: Date.now,
    onOutcome,
    // All workers together as many as there are cores.
    hashingThreads: Math.ceil(availableParallelism() / Math.max(1, settings.workers)),
    ...(settings.accessLog ? { onRequest: requestLog(logger) } : {}),
    ...(tls === undefined ? {} : { tls }),
  });
}
