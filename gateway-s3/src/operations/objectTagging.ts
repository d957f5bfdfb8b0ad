import { readWholeBody } from '../body/intake.ts';
import { emptyReply, noContent, xmlReply } from '../http/reply.ts';
import { OBJECT_TAGS_MAX, readTaggingDocument, TAGGING_BYTES_MAX, taggingDocument } from '../objects/tags.ts';
import { requireNullVersion } from '../objects/versionId.ts';
import { operation } from '../operation.ts';

/** @source S3 API Reference, GetObjectTagging */
export const getObjectTagging = operation({
  level: 'object',
  name: 'GetObjectTagging',
  input: requireNullVersion,
  run: async ({ core, bucket, key }) =>
    xmlReply(taggingDocument(await core.objects.getTags({ volume: bucket.id, key }))),
});

/** @source S3 API Reference, PutObjectTagging */
export const putObjectTagging = operation({
  level: 'object',
  name: 'PutObjectTagging',
  input: (request) => {
    requireNullVersion(request);
    const { headers, payload } = request;
    return { headers, payload, lengthBytesMax: TAGGING_BYTES_MAX };
  },
  run: async ({ core, bucket, key, body }, options) => {
    const tags = readTaggingDocument(await readWholeBody(options, body), OBJECT_TAGS_MAX);
    await core.objects.setTags({ volume: bucket.id, key, tags });
    return emptyReply();
  },
});

/** @source S3 API Reference, DeleteObjectTagging */
export const deleteObjectTagging = operation({
  level: 'object',
  name: 'DeleteObjectTagging',
  input: requireNullVersion,
  run: async ({ core, bucket, key }) => {
    await core.objects.setTags({ volume: bucket.id, key, tags: [] });
    return noContent();
  },
});
