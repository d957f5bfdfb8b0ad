import type { Account, ListObjectsResult } from '@facet/core';
import { xmlReply } from '../http/reply.ts';
import type { NameEncoding } from '../listing/encoding.ts';
import {
  commonPrefixElement,
  keyElement,
  lastName,
  listArgs,
  nonEmpty,
  readListing,
} from '../listing/objects.ts';
import { Summaries } from '../listing/summaries.ts';
import { operation } from '../operation.ts';
import { invalidArgument, queryBytes } from '../request.ts';
import { element, leaf, nameLeaf, type Xml, xmlDocument } from '../xml/write.ts';

/** On a bucket without versioning every object has one version, `null`. @source S3 API Reference, ListObjectVersions */
export const listObjectVersions = operation({
  level: 'bucket',
  name: 'ListObjectVersions',
  input: (request) => {
    const keyMarker = queryBytes(request, 'key-marker');
    const versionMarker = request.query.get('version-id-marker') ?? '';
    if (versionMarker !== '' && keyMarker.length === 0) {
      throw invalidArgument(
        'version-id-marker',
        versionMarker,
        'A version-id marker cannot be specified without a key marker.',
      );
    }
    return { ...readListing(request), keyMarker, versionMarker };
  },
  run: async ({ core, bucket, caller }, { keyMarker, versionMarker, ...listing }) => {
    const { prefix, delimiter, encoding, limit } = listing;
    const page = await core.objects.list(listArgs(bucket, listing, nonEmpty(keyMarker)));
    const next = lastName(page);
    const endsInVersion = page.entries.at(-1)?.kind === 'object';
    return xmlReply(
      xmlDocument(
        'ListVersionsResult',
        leaf('Name', bucket.name),
        nameLeaf('Prefix', encoding.encode(prefix)),
        nameLeaf('KeyMarker', encoding.encode(keyMarker)),
        leaf('VersionIdMarker', versionMarker),
        nameLeaf('NextKeyMarker', next && encoding.encode(next)),
        leaf('NextVersionIdMarker', next && endsInVersion ? 'null' : undefined),
        leaf('MaxKeys', limit),
        nameLeaf('Delimiter', delimiter.length === 0 ? undefined : encoding.encode(delimiter)),
        leaf('EncodingType', encoding.type),
        leaf('IsTruncated', page.truncated),
        versionElements(page, encoding, caller),
      ),
    );
  },
});

function versionElements(page: ListObjectsResult, encoding: NameEncoding, owner: Account): Xml {
  const summaries = new Summaries(owner);
  return page.entries
    .map((entry) =>
      entry.kind === 'prefix'
        ? commonPrefixElement(entry.prefix, encoding)
        : element(
            'Version',
            keyElement(entry.key, encoding),
            leaf('VersionId', 'null'),
            leaf('IsLatest', true),
            summaries.elements(entry),
          ),
    )
    .join('');
}
