/** NFSv3 by real clients: libnfs, and a Linux kernel where one can be booted. */
import { join } from 'node:path';
import { inFile, judge, type Outcome, runChecks, type Stage, type Suite } from '../runner/suite.ts';
import { unpackDebian } from '../tools/debian.ts';
import { libnfs, useLibnfs } from './libnfs.ts';
import { objectsOf } from './objects.ts';
import { startTwoDoors, type TwoDoors } from './server.ts';

export const nfsSuite: Suite = {
  name: 'nfs',
  run: async function* (stage) {
    const server = await startTwoDoors(join(stage.scratch, 'nfs-server'));
    yield* orWhyNot('libnfs', runLibnfs(stage, server));
    const verdict = await judge(() => server.stopAndProve());
    yield { check: 'the server ends well, and metadata and data agree', verdict, seconds: 0 };
  },
};

async function* runLibnfs(stage: Stage, server: TwoDoors): AsyncGenerator<Outcome, void> {
  const unpacked = await unpackDebian(stage, 'libnfs', ['libnfs-utils', 'libnfs13']);
  const volume = 'libnfs';
  await server.addVolume(volume);
  const objects = objectsOf(server.caller, volume);
  const world = useLibnfs({ unpacked, port: server.nfsPort, volume, objects, scratch: stage.scratch });
  yield* runChecks(inFile('libnfs', libnfs), world);
}

/** Checks that cannot begin are told as one, and do not keep the next from running. */
async function* orWhyNot(name: string, checks: AsyncGenerator<Outcome, void>): AsyncGenerator<Outcome, void> {
  try {
    yield* checks;
  } catch (error) {
    const verdict = await judge(() => Promise.reject(error));
    yield { check: `${name}: to begin with`, verdict, seconds: 0 };
  }
}
