/**
 * Copies move no bytes; but a checksum that nobody computed yet needs them read, once. The copy is then made on the
 * condition that the source is still what was read.
 */
import assert from 'node:assert/strict';
import { type ByteRange, FsError, type ObjectInfo, type OpenObject, type VolumeId } from '@facet/core';
import type { ComputedAlgorithm } from '../checksums/algorithms.ts';
import { digestOf } from '../checksums/bodyDigests.ts';
import { S3Error } from '../errors.ts';
import type { Call } from '../operation.ts';
import { checkSource, type SourcePrecondition } from './copySource.ts';

/** How often a source may change under a copy before the client is told to try again. */
const ATTEMPTS_MAX = 4;

export interface DigestedSource {
  readonly volume: VolumeId;
  readonly key: Buffer;
  readonly precondition: SourcePrecondition;
  readonly algorithm: ComputedAlgorithm;
  /** The bytes to read; `nothing` when what is known of the source serves. May throw. */
  readonly choose: (info: ObjectInfo) => 'nothing' | 'all' | ByteRange;
}

/** To be closed. @throws S3Error PreconditionFailed; what its `choose` throws; FsError NoEntry */
export async function openSource(
  { core }: Call,
  source: Pick<DigestedSource, 'volume' | 'key' | 'precondition' | 'choose'>,
): Promise<{ readonly object: OpenObject; readonly chosen: ReturnType<DigestedSource['choose']> }> {
  const { volume, key, precondition } = source;
  let chosen: ReturnType<DigestedSource['choose']> | undefined;
  const object = await core.objects.open({
    volume,
    key,
    choose: ({ info }) => {
      checkSource(precondition, info);
      chosen = source.choose(info);
      return chosen;
    },
  });
  assert(chosen !== undefined, 'what is opened was chosen');
  return { object, chosen };
}

export interface SourceDigests {
  readonly md5: Buffer;
  readonly checksum: Uint8Array;
}

/**
 * Calls `copy` with the digests of the bytes that `choose` chose, and a precondition that holds it to them.
 * @throws S3Error PreconditionFailed | OperationAborted (the source kept changing); what `copy` throws
 */
export async function withSourceDigests<T>(
  call: Call,
  source: DigestedSource,
  copy: (precondition: SourcePrecondition, digests: SourceDigests | undefined) => Promise<T>,
): Promise<T> {
  const { core, hashing } = call;
  const { volume, key, algorithm } = source;
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const { object, chosen } = await openSource(call, source);
    const { etag } = object.info;
    try {
      const digests = chosen === 'nothing' ? undefined : await digest(object, { chosen, algorithm, hashing });
      return await copy({ ifMatch: [etag] }, digests);
    } catch (error) {
      if (!(error instanceof FsError) || error.code !== 'PreconditionFailed') throw error;
      const now = await core.objects.head({ volume, key });
      // Still the same source: it was the condition on the target that did not hold.
      if (now.etag === etag) throw error;
    } finally {
      object.close();
    }
  }
  throw new S3Error('OperationAborted', 'The copy source changed while it was read. Try again.');
}

async function digest(
  object: OpenObject,
  asked: {
    readonly chosen: 'all' | ByteRange;
    readonly algorithm: ComputedAlgorithm;
    readonly hashing: Call['hashing'];
  },
): Promise<SourceDigests> {
  const { chosen, algorithm, hashing } = asked;
  const lengthBytes = chosen === 'all' ? object.info.sizeBytes : chosen.end - chosen.start + 1;
  const hashed = hashing.open({ lengthBytes, algorithms: new Set(['MD5', algorithm]) });
  try {
    const pieces = lengthBytes === 0 ? [] : object.stream(chosen === 'all' ? undefined : chosen);
    for await (const piece of pieces) await hashed.update(piece);
    const digests = await hashed.end();
    return { md5: digestOf(digests, 'MD5'), checksum: digestOf(digests, algorithm) };
  } catch (error) {
    hashed.abandon();
    throw error;
  }
}
