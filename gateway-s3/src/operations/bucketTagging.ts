import { readWholeBody } from '../body/intake.ts';
import { S3Error } from '../errors.ts';
import { noContent, xmlReply } from '../http/reply.ts';
import { BUCKET_TAGS_MAX, readTaggingDocument, TAGGING_BYTES_MAX, taggingDocument } from '../objects/tags.ts';
import { operation } from '../operation.ts';

/** @source S3 API Reference, GetBucketTagging */
export const getBucketTagging = operation({
  level: 'bucket',
  name: 'GetBucketTagging',
  input: () => undefined,
  run: async ({ core, bucket }) => {
    const tags = await core.volumes.getTags(bucket.id);
    if (tags.length === 0) {
      throw new S3Error('NoSuchTagSet', undefined, { fields: { BucketName: bucket.name } });
    }
    return xmlReply(taggingDocument(tags));
  },
});

/** @source S3 API Reference, PutBucketTagging */
export const putBucketTagging = operation({
  level: 'bucket',
  name: 'PutBucketTagging',
  input: ({ headers, payload }) => ({ headers, payload, lengthBytesMax: TAGGING_BYTES_MAX }),
  run: async ({ core, bucket, body }, options) => {
    const tags = readTaggingDocument(await readWholeBody(options, body), BUCKET_TAGS_MAX);
    await core.volumes.setTags(bucket.id, tags);
    return noContent();
  },
});

/** @source S3 API Reference, DeleteBucketTagging */
export const deleteBucketTagging = operation({
  level: 'bucket',
  name: 'DeleteBucketTagging',
  input: () => undefined,
  run: async ({ core, bucket }) => {
    await core.volumes.setTags(bucket.id, []);
    return noContent();
  },
});
