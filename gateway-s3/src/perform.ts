/** Authorise → typed input → call: an operation gets what its level promises, or does not run. */
import assert from 'node:assert/strict';
import { FsError, type Volume } from '@facet/core';
import type { Target } from './addressing.ts';
import { S3Error } from './errors.ts';
import type { Reply } from './http/reply.ts';
import type { Call, Operation } from './operation.ts';
import type { S3Request } from './request.ts';

export async function perform(operation: Operation, request: S3Request, call: Call): Promise<Reply> {
  switch (operation.level) {
    case 'service':
      return await operation.prepare(request)(call);
    case 'name':
      return await operation.prepare(request)({ ...call, bucketName: bucketName(request.target) });
    case 'bucket': {
      const bucket = await requestedBucket(request, call);
      return await operation.prepare(request)({ ...call, bucket });
    }
    case 'object': {
      const { target } = request;
      assert(target.level === 'object', 'the router matched an object operation to another target');
      const found = requestedBucket(request, call);
      const bucket = found instanceof Promise ? await found : found;
      const { key } = target;
      const run = operation.prepare(request);
      try {
        return await run({ ...call, bucket, key });
      } catch (error) {
        throw namingTheKey(error, key, request);
      }
    }
  }
}

/** S3 says which key it did not find; of a copy it is the source's that is not there, which is not this one. */
function namingTheKey(error: unknown, key: Buffer, { headers }: S3Request): unknown {
  const missing = error instanceof FsError && error.code === 'NoEntry';
  if (!missing || headers.has('x-amz-copy-source')) return error;
  return new S3Error('NoSuchKey', undefined, { fields: { Key: key.toString('utf8') }, cause: error });
}

function bucketName(target: Target): string {
  assert(target.level !== 'service', 'the router matched a bucket operation to no bucket');
  return target.bucket;
}

function requestedBucket(request: S3Request, call: Call): Volume | Promise<Volume> {
  return ownBucket(call, {
    name: bucketName(request.target),
    expectedOwner: request.headers.get('x-amz-expected-bucket-owner'),
  });
}

interface AskedBucket {
  readonly name: string;
  readonly expectedOwner: string | undefined;
}

/**
 * A bucket of the caller's: an account reaches only its own.
 * @throws S3Error NoSuchBucket | AccessDenied
 */
export function ownBucket(call: Call, asked: AskedBucket): Volume | Promise<Volume> {
  const found = call.core.volumes.find(asked.name);
  return found instanceof Promise
    ? found.then((volume) => ifOwn(volume, call, asked))
    : ifOwn(found, call, asked);
}

function ifOwn(volume: Volume | undefined, { caller }: Call, { name, expectedOwner }: AskedBucket): Volume {
  if (volume === undefined) throw new S3Error('NoSuchBucket', undefined, { fields: { BucketName: name } });
  if (volume.owner !== caller.name) throw new S3Error('AccessDenied');
  if (expectedOwner !== undefined && expectedOwner !== caller.canonicalId && expectedOwner !== caller.name) {
    throw new S3Error('AccessDenied');
  }
  return volume;
}
