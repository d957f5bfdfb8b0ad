/** A request's body into the store: every byte in and every promise about it kept, or nothing stored. */
import assert from 'node:assert/strict';
import type { StagedBody } from '@facet/core';
import type { Intake } from '../body/intake.ts';
import type { Digest } from '../checksums/digest.ts';
import type { BytesChecksum } from '../checksums/value.ts';
import type { Call } from '../operation.ts';

export interface StagedUpload {
  /** On stable storage, named by nothing yet: publish it or discard it. */
  readonly staged: StagedBody;
  /** 16 bytes. */
  readonly md5: Buffer;
  readonly checksum: BytesChecksum;
}

/**
 * @param intake one that computes an MD5 and a checksum.
 * @param extra a further digest of the same bytes.
 * @throws S3Error as the intake; FsError NoSpace | Failed
 */
export async function stageBody({ core, body }: Call, intake: Intake, extra?: Digest): Promise<StagedUpload> {
  const writer = core.objects.stage({ lengthBytes: intake.lengthBytes });
  try {
    for await (const bytes of body) {
      for (const piece of intake.push(bytes)) {
        extra?.update(piece);
        await writer.write(piece);
      }
    }
    const { md5, checksum } = intake.end();
    assert(md5 !== undefined && checksum !== undefined, 'the intake was opened without its digests');
    return { md5, checksum, staged: await writer.finish() };
  } catch (error) {
    await writer.abort();
    throw error;
  }
}
