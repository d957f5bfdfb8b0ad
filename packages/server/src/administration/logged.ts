/** What is changed through the admin API leaves a line in the server's log each: there is no other trace of it. */

import type { Logger } from 'pino';
import type { Administration } from './contract.ts';

export type LoggedChanges = Pick<
  Administration,
  'createVolume' | 'setVolume' | 'deleteVolume' | 'setExport' | 'deleteAccount' | 'createKey' | 'deleteKey'
>;

/** The same, and each change that was made is told: what, of which names, never a secret key. */
export function logged(administration: LoggedChanges, logger: Logger): LoggedChanges {
  return {
    createVolume: async (asked) => {
      const report = await administration.createVolume(asked);
      logger.info({ volume: report.name, owner: report.owner }, 'a volume was made');
      return report;
    },
    setVolume: async (volume, changes) => {
      const report = await administration.setVolume(volume, changes);
      logger.info({ volume, changes }, 'settings of a volume were changed');
      return report;
    },
    deleteVolume: async (volume) => {
      const report = await administration.deleteVolume(volume);
      logger.info({ volume }, 'a volume was deleted');
      return report;
    },
    setExport: async (volume, changes) => {
      const report = await administration.setExport(volume, changes);
      logger.info({ volume, changes }, 'the export of a volume was changed');
      return report;
    },
    deleteAccount: async (account) => {
      const report = await administration.deleteAccount(account);
      logger.info({ account, keys: report.keys }, 'an account was deleted, with its keys');
      return report;
    },
    createKey: async (asked) => {
      const report = await administration.createKey(asked);
      const { account, accessKeyId } = report;
      logger.info({ account, accessKeyId }, 'an access key was made');
      return report;
    },
    deleteKey: async (asked) => {
      const report = await administration.deleteKey(asked);
      const { account, accessKeyId } = report;
      logger.info({ account, accessKeyId }, 'an access key was deleted');
      return report;
    },
  };
}
