/** A request's body into the store: every byte in and every promise about it kept, or nothing stored. */
import assert from 'node:assert/strict';
import type { BodyWriter, StagedBody } from '@facet/core';
import type { Intake } from '../body/intake.ts';
import type { ComputedAlgorithm } from '../checksums/algorithms.ts';
import type { DigestValues } from '../checksums/bodyDigests.ts';
import type { BytesChecksum } from '../checksums/value.ts';
import type { Call } from '../operation.ts';

export interface StagedUpload {
  /** On stable storage, named by nothing yet: publish it or discard it. */
  readonly staged: StagedBody;
  /** 16 bytes. */
  readonly md5: Buffer;
  readonly checksum: BytesChecksum;
  /** All that were computed. */
  readonly digests: DigestValues;
}

/**
 * @param intake one that asks for an MD5 and a checksum.
 * @param extra a further digest of the same bytes.
 * @throws S3Error as the intake; FsError NoSpace | Failed; Error when the thread that hashes ended
 */
export async function stageBody(
  call: Call,
  intake: Intake,
  extra?: ComputedAlgorithm,
): Promise<StagedUpload> {
  const { core, body, hashing } = call;
  const { lengthBytes } = intake;
  const writer = core.objects.stage({ lengthBytes });
  const algorithms = extra === undefined ? intake.algorithms : new Set([...intake.algorithms, extra]);
  const hashed = hashing.open({ lengthBytes, algorithms, to: writer });
  let finishing: Promise<StagedBody> | undefined;
  try {
    if (hashed.copies) {
      for await (const batch of body.batches()) {
        for (const bytes of batch) {
          for (const piece of intake.push(bytes)) await hashed.update(piece);
        }
        // The client may take its time with the next.
        await hashed.pass();
      }
      // The store syncs the last bytes while the thread hashes them.
      finishing = begun(writer.finish());
    } else {
      for await (const bytes of body) {
        for (const piece of intake.push(bytes)) await hashed.update(piece);
      }
    }
    const digests = await hashed.end();
    const { md5, checksum } = intake.end(digests);
    assert(md5 !== undefined && checksum !== undefined, 'the intake was opened without its digests');
    return { md5, checksum, digests, staged: await (finishing ?? writer.finish()) };
  } catch (error) {
    hashed.abandon();
    await giveUp(call, { writer, finishing });
    throw error;
  }
}

/** Awaited when what goes on beside it is over. */
export function begun<T>(promise: Promise<T>): Promise<T> {
  promise.catch(MET_BELOW);
  return promise;
}

/**
 * What will not be published is given back. Never rejects: the client is to hear why it was not, and recovery finds what
 * could not be.
 */
export async function giveUp(
  { core, log }: Call,
  { writer, finishing }: { readonly writer: BodyWriter; readonly finishing: Promise<StagedBody> | undefined },
): Promise<void> {
  try {
    const staged = await finishing?.catch(MET_BELOW);
    await (staged ? core.objects.discard(staged) : writer.abort());
  } catch (error) {
    log.error({ err: error }, 'bytes of a refused body could not be given back: the next start does it');
  }
}

const MET_BELOW = () => undefined;
