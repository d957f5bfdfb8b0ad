import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  type ChecksumAlgorithm,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import type { Checks } from '../runner/suite.ts';
import { bytePieces, refused, type World } from './world.ts';

const MIB = 1 << 20;

async function sha256Of(body: unknown): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of body as Readable) hash.update(piece as Buffer);
  return hash.digest('hex');
}

export const multipart: Checks<World> = {
  'lib-storage: a stream of unknown length, in parts at once': async ({ s3, Bucket }) => {
    const sent = createHash('sha256');
    const Body = Readable.from(
      (function* () {
        for (const piece of bytePieces(33 * MIB + 5, 100_000)) {
          sent.update(piece);
          yield piece;
        }
      })(),
    );
    const upload = new Upload({
      client: s3,
      params: { Bucket, Key: 'upload', Body, ContentType: 'video/mp4' },
      queueSize: 4,
      partSize: 5 * MIB,
    });
    const done = await upload.done();
    assert.match(done.ETag ?? '', /-7"$/);
    const got = await s3.send(new GetObjectCommand({ Bucket, Key: 'upload' }));
    assert.equal(await sha256Of(got.Body), sent.digest('hex'));
    assert.equal(got.ContentType, 'video/mp4');
  },

  'lib-storage: a small stream becomes a plain object': async ({ s3, Bucket }) => {
    const upload = new Upload({
      client: s3,
      params: { Bucket, Key: 'small', Body: Readable.from(['small']) },
    });
    const done = await upload.done();
    assert.equal(done.ETag, `"${createHash('md5').update('small').digest('hex')}"`);
  },

  'lib-storage: under every algorithm': async ({ s3, Bucket }) => {
    for (const ChecksumAlgorithm of [
      'CRC32',
      'CRC32C',
      'CRC64NVME',
      'SHA1',
      'SHA256',
    ] as ChecksumAlgorithm[]) {
      const Body = Buffer.concat([...bytePieces(11 * MIB, 65_536)]);
      const upload = new Upload({
        client: s3,
        params: { Bucket, Key: ChecksumAlgorithm, Body, ChecksumAlgorithm },
      });
      await upload.done();
      const got = await s3.send(
        new GetObjectCommand({ Bucket, Key: ChecksumAlgorithm, ChecksumMode: 'ENABLED' }),
      );
      assert.equal(await sha256Of(got.Body), createHash('sha256').update(Body).digest('hex'));
    }
  },

  'lib-storage: an upload that is aborted leaves nothing': async ({ s3, Bucket }) => {
    const endless = Readable.from(
      (async function* () {
        for (;;) yield Buffer.alloc(MIB);
      })(),
    );
    const upload = new Upload({ client: s3, params: { Bucket, Key: 'aborted', Body: endless } });
    upload.on('httpUploadProgress', ({ part }) => {
      if ((part ?? 0) >= 2) void upload.abort();
    });
    await assert.rejects(upload.done(), { name: 'AbortError' });
    await refused(s3.send(new GetObjectCommand({ Bucket, Key: 'aborted' })), {
      status: 404,
      name: 'NoSuchKey',
    });
    // The SDK rejects first and tells the server then.
    for (const deadline = Date.now() + 10_000; ; ) {
      const { Uploads = [] } = await s3.send(new ListMultipartUploadsCommand({ Bucket, Prefix: 'aborted' }));
      if (Uploads.length === 0) break;
      assert.ok(Date.now() < deadline, 'the upload is still there');
    }
  },

  'parts as streams, a copied part, their list, and attributes': async ({ s3, Bucket }) => {
    const Key = 'by-hand';
    await s3.send(new PutObjectCommand({ Bucket, Key: 'from', Body: Buffer.alloc(6 * MIB, 'c') }));
    const { UploadId } = await s3.send(
      new CreateMultipartUploadCommand({ Bucket, Key, ChecksumAlgorithm: 'SHA256' }),
    );
    const upload = { Bucket, Key, UploadId };
    const first = await s3.send(
      new UploadPartCommand({
        ...upload,
        PartNumber: 1,
        Body: Readable.from(bytePieces(5 * MIB, 65_536)),
        ContentLength: 5 * MIB,
        ChecksumAlgorithm: 'SHA256',
      }),
    );
    const second = await s3.send(
      new UploadPartCopyCommand({ ...upload, PartNumber: 2, CopySource: `${Bucket}/from` }),
    );
    const listed = await s3.send(new ListPartsCommand(upload));
    assert.deepEqual(
      listed.Parts?.map(({ PartNumber, Size, ETag }) => ({ PartNumber, Size, ETag })),
      [
        { PartNumber: 1, Size: 5 * MIB, ETag: first.ETag },
        { PartNumber: 2, Size: 6 * MIB, ETag: second.CopyPartResult?.ETag },
      ],
    );
    const Parts = listed.Parts?.map(({ PartNumber, ETag, ChecksumSHA256 }) => ({
      PartNumber,
      ETag,
      ChecksumSHA256,
    }));
    const completed = await s3.send(
      new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }),
    );
    assert.match(completed.ChecksumSHA256 ?? '', /-2$/);
    const attributes = await s3.send(
      new GetObjectAttributesCommand({
        Bucket,
        Key,
        ObjectAttributes: ['ObjectParts', 'ObjectSize', 'Checksum'],
      }),
    );
    assert.equal(attributes.ObjectSize, 11 * MIB);
    assert.deepEqual(
      attributes.ObjectParts?.Parts?.map(({ Size }) => Size),
      [5 * MIB, 6 * MIB],
    );
  },
};
