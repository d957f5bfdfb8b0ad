import { type ByteRange, FsError, type StoredPart } from '@facet/core';
import { checksumElementName } from '../checksums/algorithms.ts';
import { formatChecksum } from '../checksums/value.ts';
import { S3Error } from '../errors.ts';
import { xmlReply } from '../http/reply.ts';
import { copyBytes } from '../multipart/copyBytes.ts';
import { partAlgorithm } from '../multipart/partChecksum.ts';
import { readPartNumber, readUploadId, uploadRef } from '../multipart/uploadRef.ts';
import { readCopySource, sourceBucket } from '../objects/copySource.ts';
import { isoDate } from '../objects/dates.ts';
import { type DigestedSource, withSourceDigests } from '../objects/digestSource.ts';
import { quoted } from '../objects/etags.ts';
import { operation } from '../operation.ts';
import { invalidArgument, type S3Request } from '../request.ts';
import { leaf, xmlDocument } from '../xml/write.ts';

const RANGE_HEADER = 'x-amz-copy-source-range';

/** Shares the source's bytes; reads them only where the upload wants a checksum of them, or they lie in too many pieces. @source S3 API Reference, UploadPartCopy */
export const uploadPartCopy = operation({
  level: 'object',
  name: 'UploadPartCopy',
  input: (request: S3Request) => ({
    partNumber: readPartNumber(request),
    source: readCopySource(request.headers),
    range: readCopyRange(request.headers.get(RANGE_HEADER)),
    upload: readUploadId(request),
  }),
  run: async (call, { upload, partNumber, source, range }) => {
    const { objects } = call.core;
    const bucket = await sourceBucket(call, source);
    const ref = uploadRef(call, upload);
    const info = await objects.getUpload(ref);
    const from = { volume: bucket.id, key: source.key, ...(range !== undefined && { range }) };
    const args = { ...ref, partNumber, source: from };
    const algorithm = partAlgorithm(info);
    const { precondition } = source;
    const read: DigestedSource = {
      ...from,
      precondition,
      algorithm,
      choose: ({ sizeBytes }) => {
        if (range !== undefined && range.end >= sizeBytes) throw beyond(range, sizeBytes);
        return range ?? 'all';
      },
    };
    const share = async (): Promise<StoredPart> => {
      if (info.checksum === undefined) return objects.copyPart({ ...args, sourcePrecondition: precondition });
      await objects.checkSharable(args);
      return withSourceDigests(call, read, (sourcePrecondition, digests) =>
        objects.copyPart({ ...args, sourcePrecondition, ...digests }),
      );
    };
    const part = await share().catch((error: unknown) => {
      if (error instanceof FsError && error.code === 'TooMuchAtOnce')
        return copyBytes(call, read, { ...ref, partNumber });
      throw error;
    });
    return xmlReply(
      xmlDocument(
        'CopyPartResult',
        leaf('LastModified', isoDate(part.lastModified)),
        leaf('ETag', quoted(partEtag(part))),
        part.checksum === undefined
          ? ''
          : leaf(
              checksumElementName(algorithm),
              formatChecksum({ type: 'FULL_OBJECT', value: part.checksum }),
            ),
      ),
    );
  },
});

/** `bytes=first-last`, both given: S3 takes no other form here. @throws S3Error InvalidArgument */
function readCopyRange(text: string | undefined): ByteRange | undefined {
  if (text === undefined) return undefined;
  const match = /^bytes=(\d{1,15})-(\d{1,15})$/.exec(text);
  const range = { start: Number(match?.[1]), end: Number(match?.[2]) };
  if (match !== null && range.start <= range.end) return range;
  throw invalidArgument(
    RANGE_HEADER,
    text,
    'The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy',
  );
}

function beyond({ start, end }: ByteRange, sizeBytes: number) {
  return new S3Error('InvalidRange', `Range specified is not valid for source object of size: ${sizeBytes}`, {
    fields: { RangeRequested: `bytes=${start}-${end}`, ActualObjectSize: String(sizeBytes) },
  });
}

function partEtag({ md5 }: StoredPart): string {
  return Buffer.from(md5).toString('hex');
}
