/** rclone with the remote that the README shows: nothing but endpoint, key and path-style. */
import { inFile, runChecks, type Suite } from '../runner/suite.ts';
import { installRclone } from '../tools/rclone.ts';
import { files } from './files.ts';
import { serverSide } from './serverSide.ts';
import { transfers } from './transfers.ts';
import { makeWorld } from './world.ts';

export const rcloneSuite: Suite = {
  name: 'rclone',
  run: async function* (stage) {
    const program = await installRclone(stage);
    const world = makeWorld({ program, server: await stage.http(), scratch: stage.scratch });
    stage.tell((await world.rclone('version')).stdout.split('\n')[0] ?? '');
    yield* runChecks(inFile('files', files), world);
    yield* runChecks(inFile('transfers', transfers), world);
    yield* runChecks(inFile('server side', serverSide), world);
  },
};
