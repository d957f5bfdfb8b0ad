/** `admin.json` while the server is there: how commands find it. */

import type { Logger } from 'pino';
import {
  type AdminEndpoint,
  removeAdminEndpoint,
  writeAdminEndpoint,
} from '../administration/endpointFile.ts';
import { isFullDisk } from '../store/fullDisk.ts';

const RETRY_MS = 2000;

export interface AdminAnnouncement {
  /** Takes it back. */
  end(): void;
}

/**
 * A full disk must not keep the server down, since deletes through it are what makes room again: then it is written as
 * soon as there is some.
 * @throws other errors of the disk
 */
export function announceAdmin(options: {
  readonly path: string;
  readonly endpoint: AdminEndpoint;
  readonly logger: Logger;
}): AdminAnnouncement {
  const { path, endpoint, logger } = options;
  let retry: NodeJS.Timeout | undefined;
  try {
    writeAdminEndpoint(path, endpoint);
  } catch (error) {
    if (!isFullDisk(error)) throw error;
    logger.error('no room for admin.json yet: commands do not find this server');
    retry = setInterval(() => {
      try {
        writeAdminEndpoint(path, endpoint);
      } catch {
        return;
      }
      clearInterval(retry);
      logger.info('admin.json is there: commands find this server');
    }, RETRY_MS).unref();
  }
  return {
    end() {
      clearInterval(retry);
      removeAdminEndpoint(path);
    },
  };
}
