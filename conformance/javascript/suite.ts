/** The JavaScript SDK v3 in its default settings: streams with trailers, checksums checked on the way back. */

import { readFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { CreateBucketCommand, S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { inFile, runChecks, type Suite } from '../runner/suite.ts';
import type { Server } from '../server/launch.ts';
import { conditions } from './conditions.ts';
import { getObject } from './getObject.ts';
import { multipart } from './multipart.ts';
import { paginators } from './paginators.ts';
import { presignedUrls } from './presignedUrls.ts';
import { putObject } from './putObject.ts';
import type { World } from './world.ts';

export const javascriptSuite: Suite = {
  name: 'javascript',
  run: async function* (stage) {
    for (const [way, server] of [
      ['http', await stage.http()],
      ['https', await stage.https()],
    ] as const) {
      const world = await makeWorld(server, way);
      const checks = {
        ...inFile('PutObject', putObject),
        ...inFile('GetObject', getObject),
        ...inFile('multipart', multipart),
        ...inFile('paginators', paginators),
        ...inFile('conditions', conditions),
        ...inFile('presigned URLs', presignedUrls),
      };
      for await (const outcome of runChecks(checks, world)) {
        yield { ...outcome, check: `${outcome.check} (${way})` };
      }
      world.s3.destroy();
    }
  },
};

async function makeWorld(server: Server, way: string): Promise<World> {
  const { accessKeyId, secretAccessKey } = server.accounts.main;
  const ca = server.certificateFile === undefined ? undefined : readFileSync(server.certificateFile);
  const makeClient = (more: S3ClientConfig): S3Client =>
    new S3Client({
      endpoint: server.url,
      region: 'us-east-1',
      credentials: { accessKeyId, secretAccessKey },
      // Path-style: the endpoint is an address, under which there are no names.
      forcePathStyle: true,
      ...(ca === undefined ? {} : { requestHandler: { httpsAgent: new Agent({ ca, keepAlive: true }) } }),
      ...more,
    });
  const s3 = makeClient({});
  const Bucket = `javascript-${way}`;
  await s3.send(new CreateBucketCommand({ Bucket }));
  return { s3, Bucket, ca, makeClient };
}
