import { parseKey } from '../addressing.ts';
import { readWholeBody } from '../body/intake.ts';
import { S3Error } from '../errors.ts';
import { faultError, toS3Error } from '../http/errorReply.ts';
import { xmlReply } from '../http/reply.ts';
import { type DeleteConditions, readDeletePrecondition } from '../objects/deletePrecondition.ts';
import { checkVersionId } from '../objects/versionId.ts';
import { type BucketCall, operation } from '../operation.ts';
import type { S3Request } from '../request.ts';
import { readXml, requiredText, textChild, type XmlElement } from '../xml/read.ts';
import { element, leaf, type Xml, xmlDocument } from '../xml/write.ts';

const KEYS_MAX = 1000;
const BODY_BYTES_MAX = 2 << 20;
/**
 * Names that the keys of one group walk through. The store works off what it is asked in order, so whoever else writes
 * waits for a group: with a thousand names in each of a thousand keys, for many seconds if that were all of them.
 */
const GROUP_STEPS_MAX = 4096;

/** One object to delete, as the client names it. */
interface Entry extends DeleteConditions {
  readonly key: string;
  readonly versionId: string | undefined;
}

/** @source S3 API Reference, DeleteObjects */
export const deleteObjects = operation({
  level: 'bucket',
  name: 'DeleteObjects',
  input: (request) => {
    requireDigest(request);
    const { headers, payload } = request;
    return { headers, payload, lengthBytesMax: BODY_BYTES_MAX };
  },
  run: async (call, options) => {
    const { entries, quiet } = readDelete(await readWholeBody(options, call.body));
    const results: Deleted[] = [];
    for (const group of groupsOf(entries)) {
      // Together, so that they share the store's syncs; answered in the order asked.
      results.push(...(await Promise.all(group.map((entry) => deleteEntry(call, entry)))));
    }
    const told = results.filter(({ failed }) => failed || !quiet).map(({ xml }) => xml);
    return xmlReply(xmlDocument('DeleteResult', ...told));
  },
});

/** S3 wants proof that the list came over whole. @throws S3Error InvalidRequest */
function requireDigest({ headers }: S3Request): void {
  if (headers.has('content-md5') || headers.has('x-amz-trailer')) return;
  for (const name of headers.keys()) {
    if (/^x-amz-checksum-(?!mode$|type$|algorithm$)/.test(name)) return;
  }
  throw new S3Error(
    'InvalidRequest',
    'Missing required header for this request: Content-MD5 OR x-amz-checksum-*',
  );
}

function readDelete(bytes: Buffer): { readonly entries: readonly Entry[]; readonly quiet: boolean } {
  if (bytes.length === 0) throw new S3Error('MissingRequestBodyError');
  const root = readXml(bytes, 'Delete');
  const entries = root.children.filter(({ name }) => name === 'Object').map(readEntry);
  if (entries.length === 0 || entries.length > KEYS_MAX) throw new S3Error('MalformedXML');
  return { entries, quiet: textChild(root, 'Quiet')?.trim().toLowerCase() === 'true' };
}

function readEntry(object: XmlElement): Entry {
  const key = requiredText(object, 'Key');
  if (key === '') throw new S3Error('MalformedXML', 'A Key is empty.');
  return {
    key,
    versionId: textChild(object, 'VersionId'),
    etag: textChild(object, 'ETag'),
    lastModified: textChild(object, 'LastModifiedTime'),
    size: textChild(object, 'Size'),
  };
}

/** Ordinary keys are all in one. */
function groupsOf(entries: readonly Entry[]): Entry[][] {
  const groups: Entry[][] = [];
  let steps = Number.POSITIVE_INFINITY;
  for (const entry of entries) {
    const own = entry.key.split('/').length;
    steps += own;
    if (steps > GROUP_STEPS_MAX) {
      groups.push([]);
      steps = own;
    }
    groups.at(-1)?.push(entry);
  }
  return groups;
}

interface Deleted {
  readonly failed: boolean;
  readonly xml: Xml;
}

async function deleteEntry({ core, bucket, log }: BucketCall, entry: Entry): Promise<Deleted> {
  // In the order asked, so that a client that knows its list knows which key is meant even where that shows U+FFFD.
  const named = leaf('Key', entry.key) + leaf('VersionId', entry.versionId);
  try {
    if (entry.versionId !== undefined) checkVersionId(entry.versionId);
    const key = parseKey(Buffer.from(entry.key, 'utf8').toString('latin1'));
    await core.objects.delete({ volume: bucket.id, key, ...readDeletePrecondition(entry) });
    return { failed: false, xml: element('Deleted', named) };
  } catch (error) {
    const told = toS3Error(error) ?? faultError(error);
    if (told.code === 'InternalError') {
      log.error({ err: error, bucket: bucket.name, key: entry.key }, 'an object was not deleted');
    }
    return {
      failed: true,
      xml: element('Error', named, leaf('Code', told.code), leaf('Message', told.message)),
    };
  }
}
