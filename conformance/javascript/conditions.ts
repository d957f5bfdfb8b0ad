import assert from 'node:assert/strict';
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
} from '@aws-sdk/client-s3';
import type { Checks } from '../runner/suite.ts';
import { refused, type World } from './world.ts';

const FAILED = { status: 412, name: 'PreconditionFailed' };

export const conditions: Checks<World> = {
  'a put that must be the first': async ({ s3, Bucket }) => {
    const put = () => s3.send(new PutObjectCommand({ Bucket, Key: 'once', Body: 'x', IfNoneMatch: '*' }));
    await put();
    await refused(put(), FAILED);
  },

  'a put and a delete of what was read': async ({ s3, Bucket }) => {
    const put = (Body: string, IfMatch?: string) =>
      s3.send(
        new PutObjectCommand({ Bucket, Key: 'seen', Body, ...(IfMatch === undefined ? {} : { IfMatch }) }),
      );
    const { ETag: first } = await put('1');
    const { ETag: second } = await put('2', first);
    await refused(put('3', first), FAILED);
    await refused(s3.send(new DeleteObjectCommand({ Bucket, Key: 'seen', IfMatch: first })), FAILED);
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'seen', IfMatch: second }));
    await refused(s3.send(new HeadObjectCommand({ Bucket, Key: 'seen' })), { status: 404, name: 'NotFound' });
  },

  'a copy of what was read': async ({ s3, Bucket }) => {
    const { ETag } = await s3.send(new PutObjectCommand({ Bucket, Key: 'a b+é', Body: 'x' }));
    const CopySource = `${Bucket}/${encodeURIComponent('a b+é')}`;
    const copy = (CopySourceIfMatch: string | undefined) =>
      s3.send(new CopyObjectCommand({ Bucket, Key: 'copied', CopySource, CopySourceIfMatch }));
    assert.equal((await copy(ETag)).CopyObjectResult?.ETag, ETag);
    await refused(copy('"other"'), FAILED);
  },

  'tags, whose request must carry a checksum': async ({ s3, Bucket }) => {
    const target = { Bucket, Key: 'tagged' };
    const TagSet = [{ Key: 'a', Value: '1' }];
    await s3.send(new PutObjectCommand({ ...target, Body: 'x' }));
    await s3.send(new PutObjectTaggingCommand({ ...target, Tagging: { TagSet } }));
    assert.deepEqual((await s3.send(new GetObjectTaggingCommand(target))).TagSet, TagSet);
  },
};
