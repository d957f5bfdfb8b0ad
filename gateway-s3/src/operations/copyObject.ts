import type { CopyObjectArgs, CopyObjectResult, ObjectAttributes, Volume } from '@facet/core';
import type { HeaderMap } from '../auth/request.ts';
import { type ComputedAlgorithm, parseChecksumAlgorithm } from '../checksums/algorithms.ts';
import { S3Error } from '../errors.ts';
import { xmlReply } from '../http/reply.ts';
import { readAttributes, STORAGE_CLASS_DEFAULT } from '../objects/attributes.ts';
import { type CopySource, readCopySource, sourceBucket } from '../objects/copySource.ts';
import { isoDate } from '../objects/dates.ts';
import { withSourceDigests } from '../objects/digestSource.ts';
import { quoted, readWritePrecondition } from '../objects/etags.ts';
import { checksumElements } from '../objects/objectChecksum.ts';
import { readTaggingHeader } from '../objects/tags.ts';
import { type ObjectCall, operation } from '../operation.ts';
import { leaf, xmlDocument } from '../xml/write.ts';

const REDIRECT = 'x-amz-website-redirect-location';

/** @source S3 API Reference, CopyObject */
export const copyObject = operation({
  level: 'object',
  name: 'CopyObject',
  input: ({ headers }) => {
    const algorithm = headers.get('x-amz-checksum-algorithm');
    const replacesMetadata = readDirective(headers, 'x-amz-metadata-directive') === 'REPLACE';
    const replacesTags = readDirective(headers, 'x-amz-tagging-directive') === 'REPLACE';
    // Checked also where the source's are kept.
    const attributes = readAttributes(headers);
    return {
      source: readCopySource(headers),
      attributes: replacesMetadata ? attributes : undefined,
      redirect: replacesMetadata ? undefined : headers.get(REDIRECT),
      // A copy does not take its source's class.
      storageClass: attributes.storageClass,
      tags: replacesTags ? (readTaggingHeader(headers) ?? []) : undefined,
      algorithm: algorithm === undefined ? undefined : parseChecksumAlgorithm(algorithm),
      condition: readWritePrecondition(headers),
    };
  },
  run: async (call, input) => {
    const bucket = await sourceBucket(call, input.source);
    refuseUnchanged(call, input);
    const { source, algorithm, tags, condition, redirect } = input;
    const base: CopyObjectArgs = {
      source: { volume: bucket.id, key: source.key },
      target: { volume: call.bucket.id, key: call.key },
      sourcePrecondition: source.precondition,
      storageClass: input.storageClass ?? STORAGE_CLASS_DEFAULT,
      ...(tags !== undefined && { tags }),
      ...condition,
      ...(input.attributes && { attributes: input.attributes }),
    };
    const args = redirect === undefined ? base : await withRedirect(call, base, redirect);
    const copied =
      algorithm === undefined
        ? await call.core.objects.copy(args)
        : await copyWithChecksum(call, { args, bucket, source, algorithm });
    return xmlReply(
      xmlDocument(
        'CopyObjectResult',
        leaf('LastModified', isoDate(copied.lastModified)),
        leaf('ETag', quoted(copied.etag)),
        checksumElements(copied.checksum, copied),
      ),
    );
  },
});

/** @throws S3Error InvalidArgument */
function readDirective(headers: HeaderMap, name: string): 'COPY' | 'REPLACE' {
  const value = headers.get(name) ?? 'COPY';
  if (value === 'COPY' || value === 'REPLACE') return value;
  throw new S3Error(
    'InvalidArgument',
    `Unknown ${name === 'x-amz-metadata-directive' ? 'metadata' : 'tagging'} directive.`,
    {
      fields: { ArgumentName: name, ArgumentValue: value },
    },
  );
}

interface Changes {
  readonly source: CopySource;
  readonly attributes: ObjectAttributes | undefined;
  readonly redirect: string | undefined;
  readonly storageClass: string | undefined;
  readonly algorithm: ComputedAlgorithm | undefined;
}

/** @throws S3Error InvalidRequest */
function refuseUnchanged({ bucket, key }: ObjectCall, changes: Changes): void {
  const { source, attributes, redirect, storageClass, algorithm } = changes;
  if (source.bucket !== bucket.name || !source.key.equals(key)) return;
  if (attributes ?? redirect ?? storageClass ?? algorithm) return;
  throw new S3Error(
    'InvalidRequest',
    "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
  );
}

/** A redirect is the target's own, whatever else the copy takes from its source. */
async function withRedirect(
  { core }: ObjectCall,
  args: CopyObjectArgs,
  redirect: string,
): Promise<CopyObjectArgs> {
  const { properties, userMetadata } = await core.objects.head(args.source);
  return {
    ...args,
    attributes: {
      properties: { ...properties, [REDIRECT]: redirect },
      userMetadata,
      ...(args.storageClass !== undefined && { storageClass: args.storageClass }),
    },
  };
}

function copyWithChecksum(
  call: ObjectCall,
  copy: {
    readonly args: CopyObjectArgs;
    readonly bucket: Volume;
    readonly source: CopySource;
    readonly algorithm: ComputedAlgorithm;
  },
): Promise<CopyObjectResult> {
  const { args, bucket, source, algorithm } = copy;
  return withSourceDigests(
    call,
    {
      volume: bucket.id,
      key: source.key,
      precondition: source.precondition,
      algorithm,
      choose: ({ checksum }) =>
        checksum?.algorithm === algorithm && checksum.type === 'FULL_OBJECT' ? 'nothing' : 'all',
    },
    (sourcePrecondition, digests) =>
      call.core.objects.copy({
        ...args,
        sourcePrecondition,
        ...(digests !== undefined && {
          checksum: { algorithm, type: 'FULL_OBJECT', value: digests.checksum },
        }),
      }),
  );
}
