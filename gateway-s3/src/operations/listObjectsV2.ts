import { xmlReply } from '../http/reply.ts';
import { commonPrefixElement, contentsElement, lastName, nonEmpty, readListing } from '../listing/objects.ts';
import { readToken, writeToken } from '../listing/token.ts';
import { operation } from '../operation.ts';
import { queryBytes } from '../request.ts';
import { leaf, xmlDocument } from '../xml/write.ts';

/** @source S3 API Reference, ListObjectsV2 */
export const listObjectsV2 = operation({
  level: 'bucket',
  name: 'ListObjectsV2',
  input: (request) => ({
    ...readListing(request),
    startAfter: nonEmpty(queryBytes(request, 'start-after')),
    token: request.query.get('continuation-token'),
    resumeAfter: readToken(request),
    withOwner: request.query.get('fetch-owner') === 'true',
  }),
  run: async ({ core, bucket, caller }, input) => {
    const { prefix, delimiter, encoding, limit, startAfter, token, resumeAfter, withOwner } = input;
    const after = resumeAfter ?? startAfter;
    const page = await core.objects.list({
      volume: bucket.id,
      prefix,
      delimiter,
      limit,
      ...(after !== undefined && { after }),
    });
    const next = lastName(page);
    const owner = withOwner ? caller : undefined;
    const contents: string[] = [];
    const prefixes: string[] = [];
    for (const entry of page.entries) {
      if (entry.kind === 'object') contents.push(contentsElement(entry, { encoding, owner }));
      else prefixes.push(commonPrefixElement(entry.prefix, encoding));
    }
    return xmlReply(
      xmlDocument(
        'ListBucketResult',
        leaf('Name', bucket.name),
        leaf('Prefix', encoding.encode(prefix)),
        delimiter.length === 0 ? '' : leaf('Delimiter', encoding.encode(delimiter)),
        leaf('MaxKeys', limit),
        leaf('EncodingType', encoding.type),
        leaf('KeyCount', page.entries.length),
        leaf('IsTruncated', page.truncated),
        leaf('ContinuationToken', token),
        leaf('NextContinuationToken', next && writeToken(next)),
        leaf('StartAfter', startAfter && encoding.encode(startAfter)),
        ...contents,
        ...prefixes,
      ),
    );
  },
});
