/**
 * What clients ask of a bucket's settings, where the honest answer is that none are made. To delete what is not there
 * succeeds, as in S3; to set it is not implemented: the router answers 501.
 */
import { S3Error, type S3ErrorCode } from '../errors.ts';
import { noContent, xmlReply } from '../http/reply.ts';
import { operation } from '../operation.ts';
import { leaf, xmlDocument } from '../xml/write.ts';

function absent(name: string, code: S3ErrorCode) {
  return operation({
    level: 'bucket',
    name,
    input: () => undefined,
    run: async ({ bucket }) => {
      throw new S3Error(code, undefined, { fields: { BucketName: bucket.name } });
    },
  });
}

function constant(name: string, document: string) {
  return operation({
    level: 'bucket',
    name,
    input: () => undefined,
    run: async () => xmlReply(document),
  });
}

function nothingToDelete(name: string) {
  return operation({
    level: 'bucket',
    name,
    input: () => undefined,
    run: async () => noContent(),
  });
}

/** DELETE of each setting that is absent, by its subresource. */
export const DELETE_ABSENT = {
  cors: nothingToDelete('DeleteBucketCors'),
  encryption: nothingToDelete('DeleteBucketEncryption'),
  lifecycle: nothingToDelete('DeleteBucketLifecycle'),
  ownershipControls: nothingToDelete('DeleteBucketOwnershipControls'),
  policy: nothingToDelete('DeleteBucketPolicy'),
  publicAccessBlock: nothingToDelete('DeletePublicAccessBlock'),
  replication: nothingToDelete('DeleteBucketReplication'),
  website: nothingToDelete('DeleteBucketWebsite'),
} as const;

export const getBucketVersioning = constant('GetBucketVersioning', xmlDocument('VersioningConfiguration'));
export const getBucketRequestPayment = constant(
  'GetBucketRequestPayment',
  xmlDocument('RequestPaymentConfiguration', leaf('Payer', 'BucketOwner')),
);

export const getBucketLogging = constant('GetBucketLogging', xmlDocument('BucketLoggingStatus'));
export const getBucketNotificationConfiguration = constant(
  'GetBucketNotificationConfiguration',
  xmlDocument('NotificationConfiguration'),
);
export const getBucketAccelerateConfiguration = constant(
  'GetBucketAccelerateConfiguration',
  xmlDocument('AccelerateConfiguration'),
);

export const getBucketCors = absent('GetBucketCors', 'NoSuchCORSConfiguration');
export const getBucketEncryption = absent(
  'GetBucketEncryption',
  'ServerSideEncryptionConfigurationNotFoundError',
);
export const getBucketLifecycle = absent('GetBucketLifecycleConfiguration', 'NoSuchLifecycleConfiguration');
export const getBucketOwnershipControls = absent(
  'GetBucketOwnershipControls',
  'OwnershipControlsNotFoundError',
);
export const getBucketPolicy = absent('GetBucketPolicy', 'NoSuchBucketPolicy');
export const getBucketPolicyStatus = absent('GetBucketPolicyStatus', 'NoSuchBucketPolicy');
export const getBucketReplication = absent('GetBucketReplication', 'ReplicationConfigurationNotFoundError');
export const getBucketWebsite = absent('GetBucketWebsite', 'NoSuchWebsiteConfiguration');
export const getObjectLockConfiguration = absent(
  'GetObjectLockConfiguration',
  'ObjectLockConfigurationNotFoundError',
);
export const getPublicAccessBlock = absent('GetPublicAccessBlock', 'NoSuchPublicAccessBlockConfiguration');
