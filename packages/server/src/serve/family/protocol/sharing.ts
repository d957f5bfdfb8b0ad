import type { ServeSettings } from '../../../settings/settings.ts';

/**
 * A single worker shares S3's connections with the process of the store: what that one does for a client of its own needs no
 * way to another process. Beside more workers its core is for what they ask of it.
 */
export function storeServesS3({ workers }: Pick<ServeSettings, 'workers'>): boolean {
  return workers === 1;
}
