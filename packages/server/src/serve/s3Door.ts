import { availableParallelism } from 'node:os';
import { createS3Gateway, type S3Gateway, type S3GatewayOptions } from '@facet/gateway-s3';
import type { Logger } from 'pino';
import type { ServeSettings } from '../settings/settings.ts';
import { endsWithin } from './deadline.ts';
import { storeServesS3 } from './family/protocol/sharing.ts';
import { requestLog } from './requestLog.ts';
import type { TlsPair } from './tls.ts';

export interface S3DoorParts {
  readonly settings: ServeSettings;
  readonly tls: TlsPair | undefined;
  readonly core: S3GatewayOptions['core'];
  readonly logger: Logger;
  readonly onOutcome: NonNullable<S3GatewayOptions['onOutcome']>;
}

function serversOfS3(settings: ServeSettings): number {
  return Math.max(1, settings.workers + (storeServesS3(settings) ? 1 : 0));
}

/** The S3 door over a core, as the settings want it; not open yet. */
export function makeS3Gateway(parts: S3DoorParts): S3Gateway {
  const { settings, tls, core, logger, onOutcome } = parts;
  return createS3Gateway({
    core,
    domain: settings.s3Domain,
    log: logger,
    now: Date.now,
    onOutcome,
    // All processes together as many as there are cores.
    hashingThreads: Math.ceil(availableParallelism() / serversOfS3(settings)),
    ...(settings.accessLog ? { onRequest: requestLog(logger) } : {}),
    ...(tls === undefined ? {} : { tls }),
  });
}

/** Of connections that were handed over. Who is idle has `idleMs` for another request, and what is in flight `graceMs`. */
export async function endS3(
  gateway: S3Gateway,
  { idleMs, graceMs, logger }: { readonly idleMs: number; readonly graceMs: number; readonly logger: Logger },
): Promise<void> {
  if (await endsWithin(idleMs + graceMs, gateway.close({ idleMs }))) return;
  logger.warn({ graceMs }, 'requests in flight took too long and are cut off');
  gateway.cutOff();
}
