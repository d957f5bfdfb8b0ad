/**
 * From method, target and subresource to the operation: one table.
 *
 * A row matches when every query parameter and header it names is there; rows that name more come first. What S3 has
 * and this door lacks is listed too, so that it is answered with 501 and never taken for the plain operation.
 */
import type { Target } from './addressing.ts';
import { S3Error } from './errors.ts';
import type { Operation } from './operation.ts';
import { createBucket } from './operations/createBucket.ts';
import { getObject } from './operations/getObject.ts';
import { headBucket } from './operations/headBucket.ts';
import { headObject } from './operations/headObject.ts';
import { listBuckets } from './operations/listBuckets.ts';
import { listObjectsV2 } from './operations/listObjectsV2.ts';
import { putObject } from './operations/putObject.ts';
import type { S3Request } from './request.ts';

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

  { at: 'bucket', method: 'GET', query: ['list-type=2'], operation: listObjectsV2 },
  { at: 'bucket', method: 'HEAD', operation: headBucket },
  { at: 'bucket', method: 'PUT', operation: createBucket },

  { at: 'object', method: 'GET', operation: getObject },
  { at: 'object', method: 'HEAD', operation: headObject },
  { at: 'object', method: 'PUT', operation: putObject },
];

/** Query parameters that turn a request into another operation. One that no row takes is answered with 501. */
const SUBRESOURCES: ReadonlySet<string> = new Set([
  'abac',
  'accelerate',
  'acl',
  'analytics',
  'annotation',
  'attributes',
  'cors',
  'delete',
  'encryption',
  'intelligent-tiering',
  'inventory',
  'legal-hold',
  'lifecycle',
  'location',
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
  'tagging',
  'torrent',
  'uploadId',
  'uploads',
  'versioning',
  'versions',
  'website',
]);

interface Choice {
  readonly conditions: readonly { readonly name: string; readonly value: string | undefined }[];
  readonly header: string | undefined;
  readonly operation: Operation;
}

const CHOICES: ReadonlyMap<string, readonly Choice[]> = buildChoices();

function buildChoices(): Map<string, Choice[]> {
  const choices = new Map<string, Choice[]>();
  for (const { at, method, query = [], header, operation } of ROWS) {
    const place = `${at} ${method}`;
    const list = choices.get(place) ?? [];
    list.push({ conditions: query.map(parseCondition), header, operation });
    choices.set(place, list);
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

/** @throws S3Error NotImplemented | MethodNotAllowed */
export function route(request: S3Request): Operation {
  const { method, target, query } = request;
  const choices = CHOICES.get(`${target.level} ${method}`) ?? [];
  const choice = choices.find((candidate) => matches(candidate, request));
  if (query.size > 0) {
    for (const name of query.keys()) {
      if (SUBRESOURCES.has(name) && !choice?.conditions.some((condition) => condition.name === name)) {
        throw new S3Error('NotImplemented', `${method} of the subresource ${name} is not implemented.`);
      }
    }
  }
  if (choice === undefined) throw methodNotAllowed(target, method);
  return choice.operation;
}

function matches({ conditions, header }: Choice, { query, headers }: S3Request): boolean {
  if (header !== undefined && !headers.has(header)) return false;
  return conditions.every(({ name, value }) => {
    const given = query.get(name);
    return given !== undefined && (value === undefined || given === value);
  });
}

function methodNotAllowed(target: Target, method: string): S3Error {
  const allowed = new Set<string>();
  for (const place of CHOICES.keys()) {
    const [level, other = ''] = place.split(' ');
    if (level === target.level) allowed.add(other);
  }
  return new S3Error('MethodNotAllowed', undefined, {
    fields: { Method: method, ResourceType: target.level.toUpperCase() },
    headers: { allow: [...allowed].join(', ') },
  });
}
