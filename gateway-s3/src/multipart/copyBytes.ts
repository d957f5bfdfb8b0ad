/** A part whose source lies in too many pieces to be shared: its bytes are read, and stored anew. */
import type { OpenObject, StagedBody, StoredPart, UploadRef } from '@facet/core';
import type { ComputedAlgorithm } from '../checksums/algorithms.ts';
import { type DigestValues, digestOf } from '../checksums/bodyDigests.ts';
import { S3Error } from '../errors.ts';
import { type DigestedSource, openSource } from '../objects/digestSource.ts';
import { begun, giveUp } from '../objects/stageBody.ts';
import type { Call } from '../operation.ts';

/** S3's own bound. */
const SOURCE_BYTES_MAX = 5 * 1024 ** 3;

/** @throws S3Error PreconditionFailed | InvalidRequest (too long); what `choose` throws; FsError as putPart */
export async function copyBytes(
  call: Call,
  source: DigestedSource,
  part: UploadRef & { readonly partNumber: number },
): Promise<StoredPart> {
  const { objects } = call.core;
  const { algorithm } = source;
  const { object, chosen } = await openSource(call, source);
  try {
    const { start, end } = typeof chosen === 'object' ? chosen : { start: 0, end: object.info.sizeBytes - 1 };
    const lengthBytes = end - start + 1;
    if (lengthBytes > SOURCE_BYTES_MAX) {
      throw new S3Error(
        'InvalidRequest',
        `The specified copy source is larger than the maximum allowable size for a copy source: ${SOURCE_BYTES_MAX}`,
      );
    }
    const { staged, digests } = await stage(call, object, { start, lengthBytes, algorithm });
    const [md5, checksum] = [digestOf(digests, 'MD5'), digestOf(digests, algorithm)];
    return await objects.putPart({ ...part, body: staged, md5, checksum });
  } finally {
    object.close();
  }
}

async function stage(
  call: Call,
  object: OpenObject,
  bytes: { readonly start: number; readonly lengthBytes: number; readonly algorithm: ComputedAlgorithm },
): Promise<{ readonly staged: StagedBody; readonly digests: DigestValues }> {
  const { start, lengthBytes, algorithm } = bytes;
  const range = { start, end: start + lengthBytes - 1 };
  const writer = call.core.objects.stage({ lengthBytes });
  const hashed = call.hashing.open({ lengthBytes, algorithms: new Set(['MD5', algorithm]), to: writer });
  let finishing: Promise<StagedBody> | undefined;
  try {
    if (lengthBytes > 0) {
      for await (const piece of hashed.copies ? object.stream(range) : object.read(range))
        await hashed.update(piece);
    }
    await hashed.pass();
    // The store syncs the last bytes while the thread hashes them.
    finishing = begun(writer.finish());
    return { digests: await hashed.end(), staged: await finishing };
  } catch (error) {
    hashed.abandon();
    await giveUp(call, { writer, finishing });
    throw error;
  }
}
