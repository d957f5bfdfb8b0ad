/** Every operation of S3 that Facet has, once, as `aws s3api` calls it. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Checks } from '../runner/suite.ts';
import type { AwsCli } from './world.ts';

const PART_BYTES = 5 << 20;

interface Named {
  readonly ETag: string;
}

/** A bucket with the object `key` of ten bytes, and the words that name both. */
async function stored(
  cli: AwsCli,
): Promise<{ bucket: string; object: readonly string[]; file: string; etag: string }> {
  const bucket = await cli.bucket();
  const file = join(cli.folder(), 'body');
  writeFileSync(file, '0123456789');
  const object = ['--bucket', bucket, '--key', 'key'];
  const { ETag } = await cli.s3api<Named>('put-object', ...object, '--body', file, '--metadata', 'a=b');
  return { bucket, object, file, etag: ETag };
}

export const s3api: Checks<AwsCli> = {
  'create-bucket, head-bucket, get-bucket-location, list-buckets, delete-bucket': async (cli) => {
    const bucket = `${await cli.bucket()}-api`;
    const created = await cli.s3api<{ Location: string }>('create-bucket', '--bucket', bucket);
    assert.equal(created.Location, `/${bucket}`);
    await cli.s3api('head-bucket', '--bucket', bucket);
    const location = await cli.s3api<object>('get-bucket-location', '--bucket', bucket);
    assert.ok('LocationConstraint' in location);
    const { Buckets } = await cli.s3api<{ Buckets: { Name: string }[] }>('list-buckets');
    assert.ok(Buckets.some(({ Name }) => Name === bucket));
    await cli.s3api('delete-bucket', '--bucket', bucket);
    assert.match(await cli.refused('s3api', 'head-bucket', '--bucket', bucket), /404/);
  },

  'put-object, head-object, get-object, delete-object': async (cli) => {
    const { object, file, etag } = await stored(cli);
    const head = await cli.s3api<{ ETag: string; ContentLength: number; Metadata: object }>(
      'head-object',
      ...object,
    );
    assert.deepEqual([head.ETag, head.ContentLength, head.Metadata], [etag, 10, { a: 'b' }]);
    const part = `${file}-part`;
    const got = await cli.s3api<{ ContentRange: string }>(
      'get-object',
      ...object,
      '--range',
      'bytes=2-4',
      part,
    );
    assert.equal(got.ContentRange, 'bytes 2-4/10');
    assert.equal(readFileSync(part, 'utf8'), '234');
    await cli.s3api('delete-object', ...object);
    assert.match(await cli.refused('s3api', 'head-object', ...object), /404/);
  },

  'put-object under conditions, checksums and a digest': async (cli) => {
    const { object, file, etag } = await stored(cli);
    const put = (...words: string[]) => ['put-object', ...object, '--body', file, ...words];
    assert.match(await cli.refused('s3api', ...put('--if-none-match', '*')), /PreconditionFailed/);
    await cli.s3api(...put('--if-match', etag));
    assert.match(
      await cli.refused('s3api', ...put('--content-md5', '1B2M2Y8AsgTpgAmY7PhCfg==')),
      /BadDigest/,
    );
    for (const algorithm of ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256']) {
      const answer = await cli.s3api<Record<string, string>>(...put('--checksum-algorithm', algorithm));
      const head = await cli.s3api<Record<string, string>>(
        'head-object',
        ...object,
        '--checksum-mode',
        'ENABLED',
      );
      assert.ok(answer[`Checksum${algorithm}`]);
      assert.equal(head[`Checksum${algorithm}`], answer[`Checksum${algorithm}`]);
    }
  },

  'copy-object': async (cli) => {
    const { bucket, etag } = await stored(cli);
    const copy = ['copy-object', '--bucket', bucket, '--key', 'copied', '--copy-source', `${bucket}/key`];
    const { CopyObjectResult } = await cli.s3api<{ CopyObjectResult: Named }>(...copy);
    assert.equal(CopyObjectResult.ETag, etag);
    assert.match(
      await cli.refused('s3api', ...copy, '--copy-source-if-none-match', etag),
      /PreconditionFailed/,
    );
  },

  'get-object-attributes': async (cli) => {
    const { object, etag } = await stored(cli);
    const told = await cli.s3api<{ ETag: string; ObjectSize: number; StorageClass: string }>(
      'get-object-attributes',
      ...object,
      '--object-attributes',
      'ETag',
      'Checksum',
      'ObjectParts',
      'StorageClass',
      'ObjectSize',
    );
    assert.deepEqual([`"${told.ETag}"`, told.ObjectSize, told.StorageClass], [etag, 10, 'STANDARD']);
  },

  'delete-objects': async (cli) => {
    const { bucket } = await stored(cli);
    const { Deleted } = await cli.s3api<{ Deleted: { Key: string }[] }>(
      'delete-objects',
      '--bucket',
      bucket,
      '--delete',
      JSON.stringify({ Objects: [{ Key: 'key' }, { Key: 'never & <was>' }] }),
    );
    assert.deepEqual(Deleted.map(({ Key }) => Key).sort(), ['key', 'never & <was>']);
  },

  'list-objects, list-objects-v2, list-object-versions': async (cli) => {
    const { bucket } = await stored(cli);
    const list = (operation: string, ...words: string[]) =>
      cli.s3api<{ Contents?: { Key: string }[]; Versions?: { Key: string; VersionId: string }[] }>(
        operation,
        '--bucket',
        bucket,
        ...words,
      );
    assert.equal((await list('list-objects', '--prefix', 'k')).Contents?.[0]?.Key, 'key');
    assert.equal((await list('list-objects-v2', '--fetch-owner')).Contents?.[0]?.Key, 'key');
    assert.equal((await list('list-objects-v2', '--start-after', 'key'))?.Contents, undefined);
    assert.equal((await list('list-object-versions')).Versions?.[0]?.VersionId, 'null');
  },

  'create-, list- and abort-multipart-upload(s), upload-part, upload-part-copy, list-parts, complete-multipart-upload':
    async (cli) => {
      const { bucket, file } = await stored(cli);
      writeFileSync(file, Buffer.alloc(PART_BYTES, 'p'));
      const target = ['--bucket', bucket, '--key', 'parts'];
      const { UploadId } = await cli.s3api<{ UploadId: string }>('create-multipart-upload', ...target);
      const upload = [...target, '--upload-id', UploadId];
      const first = await cli.s3api<Named>('upload-part', ...upload, '--part-number', '1', '--body', file);
      const { CopyPartResult } = await cli.s3api<{ CopyPartResult: Named }>(
        'upload-part-copy',
        ...upload,
        '--part-number',
        '2',
        '--copy-source',
        `${bucket}/key`,
      );
      const { Uploads } = await cli.s3api<{ Uploads: { UploadId: string }[] }>(
        'list-multipart-uploads',
        '--bucket',
        bucket,
      );
      assert.deepEqual(
        Uploads.map((each) => each.UploadId),
        [UploadId],
      );
      const { Parts } = await cli.s3api<{ Parts: { Size: number }[] }>('list-parts', ...upload);
      assert.deepEqual(
        Parts.map(({ Size }) => Size),
        [PART_BYTES, 10],
      );
      const { ETag } = await cli.s3api<Named>(
        'complete-multipart-upload',
        ...upload,
        '--multipart-upload',
        JSON.stringify({
          Parts: [
            { PartNumber: 1, ETag: first.ETag },
            { PartNumber: 2, ETag: CopyPartResult.ETag },
          ],
        }),
      );
      assert.match(ETag, /-2"$/);
      await cli.s3api('get-object', ...target, '--part-number', '2', file);
      assert.equal(readFileSync(file, 'utf8'), '0123456789');

      const other = await cli.s3api<{ UploadId: string }>('create-multipart-upload', ...target);
      await cli.s3api('abort-multipart-upload', ...target, '--upload-id', other.UploadId);
      assert.match(
        await cli.refused('s3api', 'list-parts', ...target, '--upload-id', other.UploadId),
        /NoSuchUpload/,
      );
    },

  'put-, get- and delete-object-tagging': async (cli) => {
    const { object } = await stored(cli);
    const TagSet = [{ Key: 'a', Value: '1' }];
    await cli.s3api('put-object-tagging', ...object, '--tagging', JSON.stringify({ TagSet }));
    const get = () => cli.s3api<{ TagSet: object[] }>('get-object-tagging', ...object);
    assert.deepEqual((await get()).TagSet, TagSet);
    await cli.s3api('delete-object-tagging', ...object);
    assert.deepEqual((await get()).TagSet, []);
  },

  'put-, get- and delete-bucket-tagging': async (cli) => {
    const bucket = ['--bucket', await cli.bucket()];
    const TagSet = [{ Key: 'a', Value: '1' }];
    await cli.s3api('put-bucket-tagging', ...bucket, '--tagging', JSON.stringify({ TagSet }));
    assert.deepEqual((await cli.s3api<{ TagSet: object[] }>('get-bucket-tagging', ...bucket)).TagSet, TagSet);
    await cli.s3api('delete-bucket-tagging', ...bucket);
    assert.match(await cli.refused('s3api', 'get-bucket-tagging', ...bucket), /NoSuchTagSet/);
  },

  'what Facet lacks is refused': async (cli) => {
    const bucket = ['--bucket', await cli.bucket()];
    const said = await cli.refused(
      's3api',
      'put-bucket-versioning',
      ...bucket,
      '--versioning-configuration',
      'Status=Enabled',
    );
    assert.match(said, /\(NotImplemented\)/);
  },
};
