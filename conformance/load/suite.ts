/** Large objects and slow clients, each against a server of its own whose memory is watched. */
import { type Checks, type Outcome, runChecks, type Stage, type Suite } from '../runner/suite.ts';
import { sendExpectingSuccess } from '../wire/send.ts';
import { burstOfReaders } from './burst.ts';
import { largeObject } from './largeObject.ts';
import { slowClients } from './slowClients.ts';
import type { World } from './world.ts';

export const loadSuite: Suite = {
  name: 'load',
  run: async function* (stage) {
    yield* onFreshServer(stage, slowClients);
    yield* onFreshServer(stage, burstOfReaders);
    // What a heap has grown to it keeps: another server, or this would measure the slow clients again.
    yield* onFreshServer(stage, largeObject);
  },
};

async function* onFreshServer(stage: Stage, checks: Checks<World>): AsyncGenerator<Outcome, void> {
  const server = await stage.fresh();
  try {
    const caller = { endpoint: server.endpoint, credentials: server.accounts.main };
    const bucket = 'load';
    await sendExpectingSuccess(caller, { method: 'PUT', path: `/${bucket}` });
    yield* runChecks(checks, { server, caller, bucket, large: stage.large, tell: stage.tell });
  } finally {
    await server.stop();
  }
}
