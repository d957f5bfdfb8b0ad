/** What a whole object is worth, worked out from its parts and compared with what the client says of it. */
import type { Checksum, Etag, StoredPart } from '@facet/core';
import { compositeChecksum, fullObjectChecksum, multipartEtag } from '../checksums/multipart.ts';
import { formatChecksum, type ObjectChecksum } from '../checksums/value.ts';
import { S3Error } from '../errors.ts';
import { partAlgorithm, type UploadChecksum } from './partChecksum.ts';

export interface Promised {
  readonly upload: UploadChecksum;
  /** `x-amz-checksum-*` of CompleteMultipartUpload: of the whole object. Counts where the upload declared one. */
  readonly expected: ObjectChecksum | undefined;
  /** `x-amz-checksum-type` */
  readonly type: string | undefined;
  /** `x-amz-mp-object-size`, in bytes. */
  readonly size: string | undefined;
}

export interface Combined {
  readonly etag: Etag;
  readonly checksum?: Checksum;
}

/** Pure: it runs within a transaction. @throws S3Error BadDigest | InvalidRequest */
export function combineParts(parts: readonly StoredPart[], promised: Promised): Combined {
  const etag = multipartEtag(parts.map(({ md5 }) => md5));
  const checksum = combineChecksums(parts, promised.upload);
  checkSize(promised, parts);
  checkType(promised);
  checkPromise(promised, checksum, parts.length);
  return checksum === undefined ? { etag } : { etag, checksum };
}

/** Undefined when a part has none: copied from an object that nobody read, in an upload that asked for none. */
function combineChecksums(parts: readonly StoredPart[], upload: UploadChecksum): Checksum | undefined {
  const known: { readonly value: Uint8Array; readonly sizeBytes: number }[] = [];
  for (const { checksum, sizeBytes } of parts) {
    if (checksum === undefined) return undefined;
    known.push({ value: checksum, sizeBytes });
  }
  const algorithm = partAlgorithm(upload);
  return upload.checksum?.type === 'COMPOSITE'
    ? compositeChecksum(
        algorithm,
        known.map(({ value }) => value),
      )
    : fullObjectChecksum(algorithm, known);
}

function checkSize({ size }: Promised, parts: readonly StoredPart[]): void {
  if (size === undefined) return;
  const sizeBytes = parts.reduce((sum, part) => sum + part.sizeBytes, 0);
  if (!/^\d{1,15}$/.test(size)) {
    throw new S3Error('InvalidRequest', 'Value for x-amz-mp-object-size header is invalid.');
  }
  if (Number(size) === sizeBytes) return;
  throw new S3Error(
    'InvalidRequest',
    `The provided 'x-amz-mp-object-size' header value ${size} does not match what was computed: ${sizeBytes}`,
  );
}

function checkType({ upload, type }: Promised): void {
  const ours = upload.checksum?.type;
  if (type === undefined || type === ours) return;
  throw new S3Error(
    'InvalidRequest',
    `The upload was created using the ${ours ?? 'null'} checksum mode. The complete request must use the same checksum mode.`,
  );
}

function checkPromise({ upload, expected }: Promised, computed: Checksum | undefined, parts: number): void {
  if (upload.checksum === undefined || expected === undefined || computed === undefined) return;
  const { checksum, parts: expectedParts } = expected;
  const same =
    checksum.algorithm === computed.algorithm &&
    Buffer.compare(checksum.value, computed.value) === 0 &&
    (expectedParts === undefined || expectedParts === parts);
  if (same) return;
  throw new S3Error(
    'BadDigest',
    `The ${checksum.algorithm} you specified did not match the calculated checksum.`,
    {
      fields: {
        ExpectedDigest: formatChecksum(checksum, expectedParts),
        CalculatedDigest: formatChecksum(computed, parts),
      },
    },
  );
}
