import { xmlReply } from '../http/reply.ts';
import { entryElements, lastName, listArgs, nonEmpty, readListing } from '../listing/objects.ts';
import { readToken, writeToken } from '../listing/token.ts';
import { operation } from '../operation.ts';
import { queryBytes } from '../request.ts';
import { leaf, nameLeaf, xmlDocument } from '../xml/write.ts';

/** @source S3 API Reference, ListObjectsV2 */
export const listObjectsV2 = operation({
  level: 'bucket',
  name: 'ListObjectsV2',
  input: (request) => ({
    listing: readListing(request),
    startAfter: nonEmpty(queryBytes(request, 'start-after')),
    token: request.query.get('continuation-token'),
    resumeAfter: readToken(request),
    withOwner: request.query.get('fetch-owner') === 'true',
  }),
  run: async ({ core, bucket, caller }, { listing, startAfter, token, resumeAfter, withOwner }) => {
    const { prefix, delimiter, encoding, limit } = listing;
    const page = await core.objects.list(listArgs(bucket, listing, resumeAfter ?? startAfter));
    const next = lastName(page);
    return xmlReply(
      xmlDocument(
        'ListBucketResult',
        leaf('Name', bucket.name),
        nameLeaf('Prefix', encoding.encode(prefix)),
        nameLeaf('StartAfter', startAfter && encoding.encode(startAfter)),
        leaf('ContinuationToken', token),
        leaf('NextContinuationToken', next && writeToken(next)),
        leaf('KeyCount', page.entries.length),
        leaf('MaxKeys', limit),
        nameLeaf('Delimiter', delimiter.length === 0 ? undefined : encoding.encode(delimiter)),
        leaf('EncodingType', encoding.type),
        leaf('IsTruncated', page.truncated),
        entryElements(page, { encoding, owner: withOwner ? caller : undefined }),
      ),
    );
  },
});
