import { xmlReply } from '../http/reply.ts';
import { readToken, writeToken } from '../listing/token.ts';
import { isoDate } from '../objects/dates.ts';
import { operation } from '../operation.ts';
import { queryInteger, queryText } from '../request.ts';
import { ownerElement } from '../xml/owner.ts';
import { element, leaf, xmlDocument } from '../xml/write.ts';

const PAGE_MAX = 10_000;

/** @source S3 API Reference, ListBuckets */
export const listBuckets = operation({
  level: 'service',
  name: 'ListBuckets',
  input: (request) => ({
    prefix: queryText(request, 'prefix'),
    region: queryText(request, 'bucket-region'),
    after: readToken(request)?.toString('utf8'),
    limit: queryInteger(request, 'max-buckets', { min: 1, max: PAGE_MAX, fallback: PAGE_MAX }),
  }),
  run: async ({ core, caller, region: ours }, { prefix, region, after, limit }) => {
    const elsewhere = region !== undefined && region !== '' && region !== ours;
    const { volumes, truncated } = elsewhere
      ? { volumes: [], truncated: false }
      : await core.volumes.list({
          owner: caller.name,
          ...(prefix !== undefined && { prefix }),
          ...(after !== undefined && { after }),
          limit,
        });
    const buckets = volumes.map(({ name, created }) =>
      element(
        'Bucket',
        leaf('Name', name),
        leaf('CreationDate', isoDate(created)),
        leaf('BucketRegion', ours),
      ),
    );
    const last = volumes.at(-1);
    return xmlReply(
      xmlDocument(
        'ListAllMyBucketsResult',
        ownerElement('Owner', caller),
        element('Buckets', ...buckets),
        truncated && last !== undefined ? leaf('ContinuationToken', writeToken(Buffer.from(last.name))) : '',
        leaf('Prefix', prefix),
      ),
    );
  },
});
