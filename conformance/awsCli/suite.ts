/** aws-cli in its default settings, over HTTP; its longest check (1 GiB up and down) also tells its time. */
import { inFile, runChecks, type Suite } from '../runner/suite.ts';
import { installPython } from '../tools/python.ts';
import { cp } from './cp.ts';
import { objects } from './objects.ts';
import { presign } from './presign.ts';
import { s3api } from './s3api.ts';
import { sync } from './sync.ts';
import { makeWorld } from './world.ts';

export const awsCliSuite: Suite = {
  name: 'aws-cli',
  run: async function* (stage) {
    const python = await installPython(stage);
    const { scratch } = stage;
    const world = makeWorld({ program: python.program('aws'), server: await stage.http(), scratch });
    yield* runChecks(inFile('cp', cp), world);
    yield* runChecks(inFile('sync', sync), world);
    yield* runChecks(objects, world);
    yield* runChecks(inFile('presign', presign), world);
    yield* runChecks(inFile('s3api', s3api), world);
  },
};
