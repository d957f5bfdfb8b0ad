import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  type ChecksumAlgorithm,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { Checks } from '../runner/suite.ts';
import { bytePieces, refused, type World } from './world.ts';

const MIB = 1 << 20;
const ALGORITHMS: readonly ChecksumAlgorithm[] = ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'];

export const putObject: Checks<World> = {
  'a string, with the CRC-32 that the SDK adds by itself': async ({ s3, Bucket }) => {
    const put = await s3.send(new PutObjectCommand({ Bucket, Key: 'string', Body: 'héllo' }));
    assert.equal(put.ETag, `"${createHash('md5').update('héllo').digest('hex')}"`);
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'string', ChecksumMode: 'ENABLED' }));
    assert.equal(head.ChecksumCRC32, put.ChecksumCRC32);
    assert.ok(head.ChecksumCRC32);
  },

  'no bytes': async ({ s3, Bucket }) => {
    await s3.send(new PutObjectCommand({ Bucket, Key: 'empty', Body: '' }));
    const got = await s3.send(new GetObjectCommand({ Bucket, Key: 'empty' }));
    assert.equal((await got.Body?.transformToByteArray())?.length, 0);
  },

  'a stream of known length: aws-chunked, with a trailer': async ({ s3, Bucket }) => {
    const lengthBytes = 20 * MIB + 17;
    const sent = createHash('sha256');
    const Body = Readable.from(
      (function* () {
        for (const piece of bytePieces(lengthBytes, 65_536)) {
          sent.update(piece);
          yield piece;
        }
      })(),
    );
    await s3.send(new PutObjectCommand({ Bucket, Key: 'stream', Body, ContentLength: lengthBytes }));
    const got = await s3.send(new GetObjectCommand({ Bucket, Key: 'stream' }));
    const received = createHash('sha256');
    for await (const piece of got.Body as Readable) received.update(piece as Buffer);
    assert.equal(received.digest('hex'), sent.digest('hex'));
    assert.equal(got.ContentLength, lengthBytes);
    assert.equal(got.ContentEncoding, undefined);
  },

  'a stream in pieces of one byte: refused as S3 does, unless the SDK is told to gather them': async (
    world,
  ) => {
    const { s3, Bucket, makeClient } = world;
    const letters = 'one byte at a time';
    const put = (client: S3Client) => {
      const Body = Readable.from([...letters].map((letter) => Buffer.from(letter)));
      return client.send(new PutObjectCommand({ Bucket, Key: 'bytes', Body, ContentLength: letters.length }));
    };
    await refused(put(s3), { status: 403, name: 'InvalidChunkSizeError' });
    const gathering = makeClient({ requestStreamBufferSize: 65_536 });
    await put(gathering);
    const got = await s3.send(new GetObjectCommand({ Bucket, Key: 'bytes' }));
    assert.equal(await got.Body?.transformToString(), letters);
  },

  'a stream under every algorithm': async ({ s3, Bucket }) => {
    for (const algorithm of ALGORITHMS) {
      const Body = Readable.from(bytePieces(3 * MIB, 100_000));
      const put = await s3.send(
        new PutObjectCommand({
          Bucket,
          Key: algorithm,
          Body,
          ContentLength: 3 * MIB,
          ChecksumAlgorithm: algorithm,
        }),
      );
      const got = await s3.send(new GetObjectCommand({ Bucket, Key: algorithm, ChecksumMode: 'ENABLED' }));
      const name = `Checksum${algorithm}` as 'ChecksumCRC32';
      assert.ok(put[name], `no ${name} in the answer`);
      assert.equal(got[name], put[name]);
      await got.Body?.transformToByteArray();
    }
  },

  'a stream that ends too soon stores nothing': async ({ s3, Bucket }) => {
    const Body = Readable.from([Buffer.alloc(1000)]);
    await assert.rejects(
      s3.send(new PutObjectCommand({ Bucket, Key: 'short', Body, ContentLength: 2000 }), {
        abortSignal: AbortSignal.timeout(20_000),
      }),
    );
    await refused(s3.send(new HeadObjectCommand({ Bucket, Key: 'short' })), {
      status: 404,
      name: 'NotFound',
    });
  },

  'a content encoding of its own beside aws-chunked': async ({ s3, Bucket }) => {
    const Body = Readable.from([Buffer.from('not really gzip')]);
    await s3.send(
      new PutObjectCommand({ Bucket, Key: 'encoded', Body, ContentLength: 15, ContentEncoding: 'gzip' }),
    );
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'encoded' }));
    assert.equal(head.ContentEncoding, 'gzip');
  },

  'metadata, a date and a key that needs encoding': async ({ s3, Bucket }) => {
    const Key = "dir/a b+c&d=e?f#g%20'(é)*!/漢";
    const Expires = new Date('2065-10-21T07:28:00Z');
    await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'x', Metadata: { a: 'b' }, Expires }));
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key }));
    assert.deepEqual(head.Metadata, { a: 'b' });
    assert.equal(head.ExpiresString, 'Wed, 21 Oct 2065 07:28:00 GMT');
  },
};
