import assert from 'node:assert/strict';
import type { Readable } from 'node:stream';
import { DeleteObjectsCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import type { Checks } from '../runner/suite.ts';
import { bytePieces, refused, type World } from './world.ts';

const MIB = 1 << 20;
const BODY = Buffer.concat([...bytePieces(8 * MIB, 65_536)]);

async function store({
  s3,
  Bucket,
}: World): Promise<{ Bucket: string; Key: string; ETag: string | undefined }> {
  const { ETag } = await s3.send(new PutObjectCommand({ Bucket, Key: 'get', Body: BODY }));
  return { Bucket, Key: 'get', ETag };
}

export const getObject: Checks<World> = {
  'a stream whose checksum the SDK checks': async (world) => {
    const { Bucket, Key } = await store(world);
    const got = await world.s3.send(new GetObjectCommand({ Bucket, Key }));
    // The SDK wraps the stream when the answer carries a checksum it can check.
    assert.ok(got.ChecksumCRC32, 'the answer carries no checksum');
    assert.deepEqual(Buffer.from((await got.Body?.transformToByteArray()) ?? []), BODY);
  },

  'a range': async (world) => {
    const { Bucket, Key } = await store(world);
    const got = await world.s3.send(new GetObjectCommand({ Bucket, Key, Range: 'bytes=65530-131100' }));
    assert.equal(got.$metadata.httpStatusCode, 206);
    assert.deepEqual(
      Buffer.from((await got.Body?.transformToByteArray()) ?? []),
      BODY.subarray(65_530, 131_101),
    );
  },

  'a stream that is left half read does not hold up others': async (world) => {
    const { Bucket, Key } = await store(world);
    for (let count = 0; count < 20; count++) {
      const got = await world.s3.send(new GetObjectCommand({ Bucket, Key }));
      for await (const piece of got.Body as Readable) {
        assert.ok((piece as Buffer).length > 0);
        break;
      }
    }
    const whole = await world.s3.send(new GetObjectCommand({ Bucket, Key }));
    assert.equal((await whole.Body?.transformToByteArray())?.length, BODY.length);
  },

  'errors by their names': async (world) => {
    const { Bucket, ETag } = await store(world);
    const get = (more: object) => world.s3.send(new GetObjectCommand({ Bucket, Key: 'get', ...more }));
    await refused(get({ Key: 'missing' }), { status: 404, name: 'NoSuchKey' });
    await refused(get({ Bucket: 'javascript-missing' }), { status: 404, name: 'NoSuchBucket' });
    await refused(get({ IfMatch: '"other"' }), { status: 412, name: 'PreconditionFailed' });
    // An answer without a body has no code to read a name from.
    await refused(get({ IfNoneMatch: ETag }), { status: 304, name: 'Unknown' });
    await refused(get({ Range: 'bytes=99999999-' }), { status: 416, name: 'InvalidRange' });
  },

  'DeleteObjects, which must carry a checksum': async (world) => {
    const { Bucket, Key } = await store(world);
    const deleted = await world.s3.send(
      new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key }, { Key: 'gone & <\'">' }] } }),
    );
    assert.deepEqual(deleted.Deleted?.map((each) => each.Key).sort(), ['get', 'gone & <\'">']);
    await refused(world.s3.send(new GetObjectCommand({ Bucket, Key })), { status: 404, name: 'NoSuchKey' });
  },
};
