/** NFSv3 by real clients: libnfs, and a Linux kernel where one can be booted. */
import { join } from 'node:path';
import { inFile, judge, type Outcome, runChecks, type Stage, type Suite } from '../runner/suite.ts';
import { unpackDebian } from '../tools/debian.ts';
import { crowd } from './crowd.ts';
import { bootKernel } from './kernelClient.ts';
import { libnfs, useLibnfs } from './libnfs.ts';
import { listing } from './listing.ts';
import { objectsOf } from './objects.ts';
import { restart } from './restart.ts';
import { retransmission } from './retransmission.ts';
import { startTwoDoors, type TwoDoors } from './server.ts';
import { workloads } from './workloads.ts';

export const nfsSuite: Suite = {
  name: 'nfs',
  run: async function* (stage) {
    const server = await startTwoDoors(join(stage.scratch, 'nfs-server'));
    yield* orWhyNot('libnfs', runLibnfs(stage, server));
    yield* orWhyNot('retransmission', runRetransmission(server));
    yield* orWhyNot('crowd', runCrowd(stage, server));
    yield* orWhyNot('listing', runListing(stage, server));
    yield* orWhyNot('workloads', runWorkloads(stage, server));
    yield* orWhyNot('restart', runRestart(stage, server));
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

async function* runRetransmission(server: TwoDoors): AsyncGenerator<Outcome, void> {
  const volume = 'retransmission';
  await server.addVolume(volume);
  const objects = objectsOf(server.caller, volume);
  yield* runChecks(inFile('retransmission', retransmission), { server, volume, objects });
}

async function* runCrowd(stage: Stage, server: TwoDoors): AsyncGenerator<Outcome, void> {
  const volume = 'crowd';
  await server.addVolume(volume);
  yield* runChecks(inFile('crowd', crowd), { server, volume, tell: stage.tell });
}

const LISTED_NAMES = 20_000;
const LISTED_NAMES_LARGE = 1_000_000;

async function* runListing(stage: Stage, server: TwoDoors): AsyncGenerator<Outcome, void> {
  const volume = 'listing';
  await server.addVolume(volume);
  const objects = objectsOf(server.caller, volume);
  const names = stage.large ? LISTED_NAMES_LARGE : LISTED_NAMES;
  yield* runChecks(inFile('listing', listing), { server, volume, objects, names, tell: stage.tell });
}

async function* runWorkloads(stage: Stage, server: TwoDoors): AsyncGenerator<Outcome, void> {
  const volume = 'workloads';
  await server.addVolume(volume);
  const mount = await bootKernel({
    ...{ port: server.nfsPort, volume, scratch: stage.scratch },
    ...{ mount: 'hard,rsize=1048576,wsize=1048576', locks: true },
  });
  const rsync = () => unpackDebian(stage, 'rsync', ['rsync', 'libpopt0', 'libxxhash0']);
  const world = { mount, objects: objectsOf(server.caller, volume), rsync, tell: stage.tell };
  try {
    yield* runChecks(inFile('workloads', workloads), world);
  } finally {
    await mount.stop();
  }
}

async function* runRestart(stage: Stage, server: TwoDoors): AsyncGenerator<Outcome, void> {
  const volume = 'restart';
  await server.addVolume(volume);
  const mount = await bootKernel({
    ...{ port: server.nfsPort, volume, scratch: stage.scratch },
    ...{ mount: 'hard,timeo=50,rsize=1048576,wsize=1048576', locks: false },
  });
  const world = { server, mount, objects: objectsOf(server.caller, volume), tell: stage.tell };
  try {
    yield* runChecks(inFile('restart', restart), world);
  } finally {
    await mount.stop();
  }
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
