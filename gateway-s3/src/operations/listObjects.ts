import { xmlReply } from '../http/reply.ts';
import { entryElements, lastName, listArgs, nonEmpty, readListing } from '../listing/objects.ts';
import { operation } from '../operation.ts';
import { invalidArgument, queryBytes } from '../request.ts';
import { leaf, nameLeaf, xmlDocument } from '../xml/write.ts';

/** Version 1. @source S3 API Reference, ListObjects */
export const listObjects = operation({
  level: 'bucket',
  name: 'ListObjects',
  input: (request) => {
    const listType = request.query.get('list-type');
    // Version 2 has a route of its own: what comes here with a type names one that does not exist.
    if (listType !== undefined) {
      throw invalidArgument('list-type', listType, 'Invalid List Type specified in Request');
    }
    return { ...readListing(request), marker: queryBytes(request, 'marker') };
  },
  run: async ({ core, bucket, caller }, { marker, ...listing }) => {
    const { prefix, delimiter, encoding, limit } = listing;
    const page = await core.objects.list(listArgs(bucket, listing, nonEmpty(marker)));
    // Without a delimiter the last key is the next marker, and S3 leaves the client to see that.
    const next = delimiter.length === 0 ? undefined : lastName(page);
    return xmlReply(
      xmlDocument(
        'ListBucketResult',
        leaf('Name', bucket.name),
        nameLeaf('Prefix', encoding.encode(prefix)),
        nameLeaf('Marker', encoding.encode(marker)),
        nameLeaf('NextMarker', next && encoding.encode(next)),
        leaf('MaxKeys', limit),
        nameLeaf('Delimiter', delimiter.length === 0 ? undefined : encoding.encode(delimiter)),
        leaf('EncodingType', encoding.type),
        leaf('IsTruncated', page.truncated),
        entryElements(page, { encoding, owner: caller }),
      ),
    );
  },
});
