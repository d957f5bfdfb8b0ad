import type { ServeSettings } from '../../../settings/settings.ts';
import type { StoreFacts } from '../../server.ts';

/** Settings that name the addresses that doors had, where some were for the system to choose. */
export function withAddresses(settings: ServeSettings, facts: StoreFacts): ServeSettings {
  return {
    ...settings,
    admin: facts.admin,
    ...(facts.nfs && { nfs: facts.nfs }),
    ...(facts.portmap && { portmap: facts.portmap }),
  };
}
