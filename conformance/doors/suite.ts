/** One volume by S3 and by a Linux kernel's mount at once: what one does the other sees on its next request. */
import { join } from 'node:path';
import { bootKernel, NOTHING_CACHED } from '../nfs/kernelClient.ts';
import { objectsOf } from '../nfs/objects.ts';
import { startTwoDoors } from '../nfs/server.ts';
import { inFile, judge, runChecks, Skip, type Suite } from '../runner/suite.ts';
import { directoryRename } from './directoryRename.ts';
import { etags } from './etags.ts';
import { inFlight } from './inFlight.ts';
import { openRemoved } from './openRemoved.ts';
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
      mount,
      objects: objectsOf(server.caller, VOLUME),
      caller: server.caller,
      volume: VOLUME,
      large: stage.large,
      tell: stage.tell,
    };
    yield* runChecks(inFile('seen by NFS', seenByNfs), world);
    yield* runChecks(inFile('seen by S3', seenByS3), world);
    yield* runChecks(inFile('ETags', etags), world);
    yield* runChecks(inFile('in flight', inFlight), world);
    yield* runChecks(inFile('racing', racing), world);
    yield* runChecks(inFile('open and removed', openRemoved), world);
    yield* runChecks(inFile('rename of a directory', directoryRename), world);
    const verdict = await judge(async () => {
      await mount.stop();
      await server.stopAndProve();
    });
    yield { check: 'the server ends well, and metadata and data agree', verdict, seconds: 0 };
  },
};
