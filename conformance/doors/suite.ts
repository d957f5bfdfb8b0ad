/** One volume by S3 and by a Linux kernel's mount at once: what one does the other sees on its next request. */
import { join } from 'node:path';
import { bootKernel, NOTHING_CACHED } from '../nfs/kernelClient.ts';
import { objectsOf } from '../nfs/objects.ts';
import { startTwoDoors, type TwoDoors } from '../nfs/server.ts';
import { runCommand } from '../runner/command.ts';
import { inFile, judge, runChecks, Skip, type Stage, type Suite } from '../runner/suite.ts';
import { installPython } from '../tools/python.ts';
import { attributes } from './attributes.ts';
import { directoryRename } from './directoryRename.ts';
import { etags } from './etags.ts';
import { inFlight } from './inFlight.ts';
import { openRemoved } from './openRemoved.ts';
import { quota } from './quota.ts';
import { racing } from './racing.ts';
import { seenByNfs } from './seenByNfs.ts';
import { seenByS3 } from './seenByS3.ts';
import type { World } from './world.ts';

const VOLUME = 'doors';

export const doorsSuite: Suite = {
  name: 'doors',
  run: async function* (stage) {
    if (process.env['FACET_NFS_CLIENT'] === undefined) {
      throw new Skip('FACET_NFS_CLIENT names no program that boots a Linux kernel');
    }
    const server = await startTwoDoors(join(stage.scratch, 'doors-server'));
    await server.addVolume(VOLUME);
    const mount = await bootKernel({
      ...{ port: server.nfsPort, volume: VOLUME, scratch: stage.scratch },
      ...{ mount: `hard,rsize=1048576,wsize=1048576,${NOTHING_CACHED}`, locks: false },
    });
    const world: World = {
      server,
      mount,
      objects: objectsOf(server.caller, VOLUME),
      caller: server.caller,
      volume: VOLUME,
      large: stage.large,
      aws: awsCli(stage, server),
      facet: server.facet,
      tell: stage.tell,
    };
    yield* runChecks(inFile('seen by NFS', seenByNfs), world);
    yield* runChecks(inFile('seen by S3', seenByS3), world);
    yield* runChecks(inFile('attributes', attributes), world);
    yield* runChecks(inFile('ETags', etags), world);
    yield* runChecks(inFile('in flight', inFlight), world);
    yield* runChecks(inFile('racing', racing), world);
    yield* runChecks(inFile('open and removed', openRemoved), world);
    yield* runChecks(inFile('quota', quota), world);
    yield* runChecks(inFile('rename of a directory', directoryRename), world);
    const verdict = await judge(async () => {
      await mount.stop();
      await server.stopAndProve();
    });
    yield { check: 'the server ends well, and metadata and data agree', verdict, seconds: 0 };
  },
};

const AWS_MS_MAX = 120_000;

/** Installed when it is first called. */
function awsCli(stage: Stage, { caller }: TwoDoors): World['aws'] {
  const { host, port } = caller.endpoint;
  const env: NodeJS.ProcessEnv = {
    PATH: process.env['PATH'],
    HOME: stage.scratch,
    AWS_ACCESS_KEY_ID: caller.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: caller.credentials.secretAccessKey,
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_EC2_METADATA_DISABLED: 'true',
  };
  let installed: ReturnType<typeof installPython> | undefined;
  return async (...words) => {
    installed ??= installPython(stage);
    const program = (await installed).program('aws');
    const timeoutMs = AWS_MS_MAX;
    return runCommand(program, ['--endpoint-url', `http://${host}:${port}`, ...words], { env, timeoutMs });
  };
}
