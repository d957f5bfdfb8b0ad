import { holdStoreForServer } from '../../store/holding.ts';
import { storeLayout } from '../../store/layout.ts';
import type { Server, ServerParts } from '../serverContract.ts';
import { readTlsFiles } from '../tls.ts';
import { newMeeting } from './protocol/meeting.ts';
import type { ServedWith } from './protocol/messages.ts';
import { SharedState } from './protocol/sharedState.ts';
import { Seats } from './supervisor/seats.ts';
import { Supervisor } from './supervisor/supervisor.ts';

/** A process for the store, several for S3, and this one, which looks after them. @throws CommandFailure */
export async function serveFamily({ settings, logger, graceMs }: ServerParts): Promise<Server> {
  const lock = await holdStoreForServer(storeLayout(settings.data));
  try {
    const state = SharedState.make();
    const meeting = newMeeting();
    const readServed = (): ServedWith => (settings.tls ? { tls: readTlsFiles(settings.tls) } : {});
    let servedNow = readServed();
    const served = (): ServedWith => servedNow;
    const seats = new Seats(state);
    const supervisor = new Supervisor({ settings, lock, state, seats, meeting, logger, graceMs, served });
    const { facts, s3 } = await supervisor.start();
    return {
      facts: { ...facts, s3, pid: process.pid },
      failed: supervisor.failed,
      requestsUnderWay: () => supervisor.requestsUnderWay(),
      renewal: {
        begins: 'every process is replaced, one after another',
        done: 'every process was replaced',
        failed: 'not every process could be replaced: the old ones serve on',
        begin: async () => {
          // Of no use: nobody need be replaced to find out.
          servedNow = readServed();
          await supervisor.replaceAll();
        },
      },
      stop: async () => {
        await supervisor.stop();
        lock.close();
      },
    };
  } catch (error) {
    lock.close();
    throw error;
  }
}
