/**
 * From method, target and subresource to the operation: one table.
 *
 * A row matches when every query parameter and header it names is there; rows that name more come first. What S3 has
 * and this door lacks is listed too, so that it is answered with 501 and never taken for the plain operation.
 */
import type { Target } from './addressing.ts';
import { S3Error } from './errors.ts';
import type { Operation } from './operation.ts';
import { abortMultipartUpload } from './operations/abortMultipartUpload.ts';
import { getBucketAcl, getObjectAcl, putBucketAcl, putObjectAcl } from './operations/acl.ts';
import * as configuration from './operations/bucketConfiguration.ts';
import { deleteBucketTagging, getBucketTagging, putBucketTagging } from './operations/bucketTagging.ts';
import { completeMultipartUpload } from './operations/completeMultipartUpload.ts';
import { copyObject } from './operations/copyObject.ts';
import { createBucket } from './operations/createBucket.ts';
import { createMultipartUpload } from './operations/createMultipartUpload.ts';
import { deleteBucket } from './operations/deleteBucket.ts';
import { deleteObject } from './operations/deleteObject.ts';
import { deleteObjects } from './operations/deleteObjects.ts';
import { getBucketLocation } from './operations/getBucketLocation.ts';
import { getObject } from './operations/getObject.ts';
import { getObjectAttributes } from './operations/getObjectAttributes.ts';
import { headBucket } from './operations/headBucket.ts';
import { headObject } from './operations/headObject.ts';
import { listBuckets } from './operations/listBuckets.ts';
import { listMultipartUploads } from './operations/listMultipartUploads.ts';
import { listObjects } from './operations/listObjects.ts';
import { listObjectsV2 } from './operations/listObjectsV2.ts';
import { listObjectVersions } from './operations/listObjectVersions.ts';
import { listParts } from './operations/listParts.ts';
import { deleteObjectTagging, getObjectTagging, putObjectTagging } from './operations/objectTagging.ts';
import { putObject } from './operations/putObject.ts';
import { uploadPart } from './operations/uploadPart.ts';
import { uploadPartCopy } from './operations/uploadPartCopy.ts';
import { type Asked, invalidArgument } from './request.ts';

const COPY_SOURCE = 'x-amz-copy-source';

interface Row {
  readonly at: Target['level'];
  readonly method: string;
  /** `name`, or `name=value`. */
  readonly query?: readonly string[];
  readonly header?: string;
  readonly operation: Operation;
}

const ROWS: readonly Row[] = [
  { at: 'service', method: 'GET', operation: listBuckets },

  { at: 'bucket', method: 'HEAD', operation: headBucket },
  { at: 'bucket', method: 'PUT', operation: createBucket },
  { at: 'bucket', method: 'DELETE', operation: deleteBucket },
  { at: 'bucket', method: 'GET', operation: listObjects },
  { at: 'bucket', method: 'GET', query: ['list-type=2'], operation: listObjectsV2 },
  { at: 'bucket', method: 'GET', query: ['versions'], operation: listObjectVersions },
  { at: 'bucket', method: 'GET', query: ['uploads'], operation: listMultipartUploads },
  { at: 'bucket', method: 'POST', query: ['delete'], operation: deleteObjects },
  { at: 'bucket', method: 'GET', query: ['tagging'], operation: getBucketTagging },
  { at: 'bucket', method: 'PUT', query: ['tagging'], operation: putBucketTagging },
  { at: 'bucket', method: 'DELETE', query: ['tagging'], operation: deleteBucketTagging },
  { at: 'bucket', method: 'GET', query: ['acl'], operation: getBucketAcl },
  { at: 'bucket', method: 'PUT', query: ['acl'], operation: putBucketAcl },
  { at: 'bucket', method: 'GET', query: ['location'], operation: getBucketLocation },
  { at: 'bucket', method: 'GET', query: ['versioning'], operation: configuration.getBucketVersioning },
  {
    at: 'bucket',
    method: 'GET',
    query: ['requestPayment'],
    operation: configuration.getBucketRequestPayment,
  },
  { at: 'bucket', method: 'GET', query: ['logging'], operation: configuration.getBucketLogging },
  {
    at: 'bucket',
    method: 'GET',
    query: ['notification'],
    operation: configuration.getBucketNotificationConfiguration,
  },
  {
    at: 'bucket',
    method: 'GET',
    query: ['accelerate'],
    operation: configuration.getBucketAccelerateConfiguration,
  },
  { at: 'bucket', method: 'GET', query: ['cors'], operation: configuration.getBucketCors },
  { at: 'bucket', method: 'GET', query: ['encryption'], operation: configuration.getBucketEncryption },
  { at: 'bucket', method: 'GET', query: ['lifecycle'], operation: configuration.getBucketLifecycle },
  {
    at: 'bucket',
    method: 'GET',
    query: ['object-lock'],
    operation: configuration.getObjectLockConfiguration,
  },
  {
    at: 'bucket',
    method: 'GET',
    query: ['ownershipControls'],
    operation: configuration.getBucketOwnershipControls,
  },
  { at: 'bucket', method: 'GET', query: ['policy'], operation: configuration.getBucketPolicy },
  { at: 'bucket', method: 'GET', query: ['policyStatus'], operation: configuration.getBucketPolicyStatus },
  {
    at: 'bucket',
    method: 'GET',
    query: ['publicAccessBlock'],
    operation: configuration.getPublicAccessBlock,
  },
  { at: 'bucket', method: 'GET', query: ['replication'], operation: configuration.getBucketReplication },
  { at: 'bucket', method: 'GET', query: ['website'], operation: configuration.getBucketWebsite },
  ...Object.entries(configuration.DELETE_ABSENT).map(([name, operation]) => ({
    at: 'bucket' as const,
    method: 'DELETE',
    query: [name],
    operation,
  })),

  { at: 'object', method: 'GET', operation: getObject },
  { at: 'object', method: 'HEAD', operation: headObject },
  { at: 'object', method: 'PUT', operation: putObject },
  { at: 'object', method: 'PUT', header: COPY_SOURCE, operation: copyObject },
  { at: 'object', method: 'DELETE', operation: deleteObject },
  { at: 'object', method: 'GET', query: ['attributes'], operation: getObjectAttributes },
  { at: 'object', method: 'GET', query: ['tagging'], operation: getObjectTagging },
  { at: 'object', method: 'PUT', query: ['tagging'], operation: putObjectTagging },
  { at: 'object', method: 'DELETE', query: ['tagging'], operation: deleteObjectTagging },
  { at: 'object', method: 'GET', query: ['acl'], operation: getObjectAcl },
  { at: 'object', method: 'PUT', query: ['acl'], operation: putObjectAcl },
  { at: 'object', method: 'POST', query: ['uploads'], operation: createMultipartUpload },
  { at: 'object', method: 'PUT', query: ['uploadId', 'partNumber'], operation: uploadPart },
  {
    at: 'object',
    method: 'PUT',
    query: ['uploadId', 'partNumber'],
    header: COPY_SOURCE,
    operation: uploadPartCopy,
  },
  { at: 'object', method: 'POST', query: ['uploadId'], operation: completeMultipartUpload },
  { at: 'object', method: 'DELETE', query: ['uploadId'], operation: abortMultipartUpload },
  { at: 'object', method: 'GET', query: ['uploadId'], operation: listParts },
];

/** Subresources that this door does not have, or of which it serves only what the table says: else 501. */
const UNIMPLEMENTED: ReadonlySet<string> = new Set([
  'abac',
  'accelerate',
  'acl',
  'analytics',
  'annotation',
  'cors',
  'encryption',
  'intelligent-tiering',
  'inventory',
  'legal-hold',
  'lifecycle',
  'logging',
  'metadataConfiguration',
  'metadataInventoryTable',
  'metadataJournalTable',
  'metadataTable',
  'metrics',
  'notification',
  'object-lock',
  'ownershipControls',
  'policy',
  'policyStatus',
  'publicAccessBlock',
  'renameObject',
  'replication',
  'requestPayment',
  'restore',
  'retention',
  'select',
  'session',
  'torrent',
  'versioning',
  'website',
]);

/** Subresources that this door serves whole: with a method that the table lacks they are refused with 405. */
const IMPLEMENTED: ReadonlySet<string> = new Set([
  'attributes',
  'delete',
  'location',
  'tagging',
  'uploadId',
  'uploads',
  'versions',
]);

/** What S3 serves and this door does not, for want of a subresource to tell it by: uploads from HTML forms. */
const UNSERVED = { at: 'bucket', method: 'POST', name: 'PostObject' } as const;

interface Choice {
  readonly conditions: readonly { readonly name: string; readonly value: string | undefined }[];
  readonly header: string | undefined;
  readonly operation: Operation;
}

/** By method. */
type ChoicesAt = ReadonlyMap<string, readonly Choice[]>;

const CHOICES: Readonly<Record<Target['level'], ChoicesAt>> = {
  service: choicesAt('service'),
  bucket: choicesAt('bucket'),
  object: choicesAt('object'),
};

function choicesAt(level: Target['level']): ChoicesAt {
  const choices = new Map<string, Choice[]>();
  for (const { at, method, query = [], header, operation } of ROWS) {
    if (at !== level) continue;
    const list = choices.get(method) ?? [];
    list.push({ conditions: query.map(parseCondition), header, operation });
    choices.set(method, list);
  }
  for (const list of choices.values()) list.sort((a, b) => weight(b) - weight(a));
  return choices;
}

function parseCondition(text: string): Choice['conditions'][number] {
  const [name = '', value] = text.split('=');
  return { name, value };
}

function weight({ conditions, header }: Choice): number {
  return conditions.length * 2 + (header === undefined ? 0 : 1);
}

/** @throws S3Error NotImplemented | MethodNotAllowed | InvalidArgument */
export function route(request: Asked): Operation {
  const { method, target, query, headers } = request;
  const choice = choose(request);
  for (const name of query.keys()) {
    if (isHeeded(choice, name)) continue;
    if (UNIMPLEMENTED.has(name)) {
      throw new S3Error('NotImplemented', `${method} of the subresource ${name} is not implemented.`);
    }
    if (IMPLEMENTED.has(name)) throw methodNotAllowed(target, method);
  }
  if (choice === undefined) {
    throw isUnserved(request) ? new S3Error('NotImplemented') : methodNotAllowed(target, method);
  }
  if (choice.header === undefined && headers.has(COPY_SOURCE)) {
    const source = headers.get(COPY_SOURCE) ?? '';
    throw invalidArgument(
      COPY_SOURCE,
      source,
      'You can only specify a copy source header for copy requests.',
    );
  }
  return choice.operation;
}

/**
 * What a request would do, for the log of one that is refused: S3's name of the operation; where this door lacks it,
 * method and subresource. Undefined: nothing that S3 knows.
 */
export function nameOperation(asked: Asked): string | undefined {
  const { method, query } = asked;
  const choice = choose(asked);
  const others = [...query.keys()].filter((name) => !isHeeded(choice, name));
  const lacking = others.find((name) => UNIMPLEMENTED.has(name));
  if (lacking !== undefined) return `${method} ?${lacking}`;
  if (others.some((name) => IMPLEMENTED.has(name))) return undefined;
  return choice?.operation.name ?? (isUnserved(asked) ? UNSERVED.name : undefined);
}

function isUnserved({ target, method }: Asked): boolean {
  return target.level === UNSERVED.at && method === UNSERVED.method;
}

function choose(asked: Asked): Choice | undefined {
  const choices = CHOICES[asked.target.level].get(asked.method);
  return choices?.find((candidate) => matches(candidate, asked));
}

/** Whether the choice says what a query parameter means. */
function isHeeded(choice: Choice | undefined, name: string): boolean {
  return choice?.conditions.some((condition) => condition.name === name) === true;
}

function matches({ conditions, header }: Choice, { query, headers }: Asked): boolean {
  if (header !== undefined && !headers.has(header)) return false;
  return conditions.every(({ name, value }) => {
    const given = query.get(name);
    return given !== undefined && (value === undefined || given === value);
  });
}

function methodNotAllowed(target: Target, method: string): S3Error {
  const allowed = [...CHOICES[target.level].keys()];
  return new S3Error('MethodNotAllowed', undefined, {
    fields: { Method: method, ResourceType: target.level.toUpperCase() },
    headers: { allow: allowed.join(', ') },
  });
}
