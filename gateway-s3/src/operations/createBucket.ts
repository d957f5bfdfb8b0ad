import { FsError } from '@facet/core';
import { readWholeBody } from '../body/intake.ts';
import { bucketArn, checkBucketName } from '../buckets/name.ts';
import { S3Error } from '../errors.ts';
import { emptyReply } from '../http/reply.ts';
import { BUCKET_TAGS_MAX, readTagSet } from '../objects/tags.ts';
import { type NameCall, operation } from '../operation.ts';
import { childOf, readXml, textChild } from '../xml/read.ts';

const BODY_BYTES_MAX = 256 << 10;
const LOCATION = /^[A-Za-z0-9-]{1,64}$/;

/** @source S3 API Reference, CreateBucket */
export const createBucket = operation({
  level: 'name',
  name: 'CreateBucket',
  input: ({ headers, payload }) => ({
    headers,
    payload,
    lengthBytesMax: BODY_BYTES_MAX,
    checksumHeaders: 'of-body' as const,
  }),
  run: async (call, body) => {
    const { core, bucketName } = call;
    checkBucketName(bucketName);
    const { tags } = readConfiguration(await readWholeBody(body, call.body));
    const volume = await createOrFind(call);
    if (tags !== undefined) await core.volumes.setTags(volume.id, tags);
    return emptyReply({ location: `/${bucketName}`, 'x-amz-bucket-arn': bucketArn(bucketName) });
  },
});

/** Any location is this one: what is stored lies here. @throws S3Error */
function readConfiguration(bytes: Buffer) {
  if (bytes.length === 0) return { tags: undefined };
  const root = readXml(bytes, 'CreateBucketConfiguration');
  for (const { name } of root.children) {
    if (name === 'Location' || name === 'Bucket') {
      throw new S3Error('NotImplemented', 'Directory buckets are not implemented.');
    }
  }
  const location = textChild(root, 'LocationConstraint');
  if (location !== undefined && location !== '' && !LOCATION.test(location)) {
    throw new S3Error('InvalidLocationConstraint', undefined, { fields: { LocationConstraint: location } });
  }
  const tags = childOf(root, 'Tags');
  return { tags: tags && readTagSet(tags, BUCKET_TAGS_MAX) };
}

/** Creating one's own bucket again succeeds, as in us-east-1. @throws S3Error BucketAlreadyExists */
async function createOrFind({ core, caller, bucketName }: NameCall) {
  try {
    return await core.volumes.create({ name: bucketName, owner: caller.name });
  } catch (error) {
    if (!(error instanceof FsError && error.code === 'VolumeExists')) throw error;
    const existing = await core.volumes.find(bucketName);
    if (existing?.owner === caller.name) return existing;
    throw new S3Error('BucketAlreadyExists', undefined, { fields: { BucketName: bucketName } });
  }
}
