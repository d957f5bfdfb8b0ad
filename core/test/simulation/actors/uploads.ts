/** Uploads in parts, some of them copied, and completed twice. */

import type { UploadId } from '../../../src/index.ts';
import { Broken } from '../invariants.ts';
import { type At, agreeing, frees, md5Of, type Surroundings, unlessAbsent } from './surroundings.ts';

const PART_COUNT_MAX = 3;

export const uploadActions = [upload, upload];

interface Under extends At {
  readonly upload: UploadId;
}

async function upload(within: Surroundings): Promise<unknown> {
  const at = within.at();
  const { objects } = within.core;
  const begun = await objects.createUpload({ ...at, properties: {}, userMetadata: {}, initiator: 'me' });
  const under = { ...at, upload: begun.upload };
  let last: { readonly partNumber: number; readonly etag: string } | undefined;
  for (let count = 1 + within.below(PART_COUNT_MAX); count > 0; count -= 1) {
    const partNumber = 1 + within.below(PART_COUNT_MAX);
    last = within.oneIn(3)
      ? await copyPart(within, under, partNumber)
      : await putPart(within, under, partNumber);
  }
  await mustList(within, under);
  if (!last || within.oneIn(4)) return frees(objects.abortUpload(under));
  return complete(within, under, last);
}

async function putPart(within: Surroundings, under: Under, partNumber: number) {
  const bytes = within.bytes();
  const md5 = md5Of(bytes);
  await within.core.objects.putPart({ ...under, partNumber, md5, body: await within.stage(bytes) });
  return { partNumber, etag: md5.toString('hex') };
}

async function copyPart(within: Surroundings, under: Under, partNumber: number) {
  const source = within.at();
  const md5 = md5Of(Buffer.from(within.mark()));
  const end = within.below(3000);
  const range = within.oneIn(2) ? { range: { start: within.below(end + 1), end } } : {};
  await within.core.objects.copyPart({ ...under, partNumber, md5, source: { ...source, ...range } });
  return { partNumber, etag: md5.toString('hex') };
}

async function mustList(within: Surroundings, under: Under): Promise<void> {
  await within.idle();
  const { told: page, expected: moments } = await within.ask(
    () => [...(within.replay.parts(under.upload) ?? [])].map(([number, { etag }]) => `${number} ${etag}`),
    () => unlessAbsent(within.core.objects.listParts({ ...under, afterPartNumber: 0, limit: 1000 })),
  );
  const told = page?.parts.map(({ partNumber, md5 }) => `${partNumber} ${Buffer.from(md5).toString('hex')}`);
  // Gone with its volume.
  agreeing(moments, (expected) => {
    if (told && told.join() !== expected.toSorted().join())
      throw new Broken(
        'readsAreCurrent',
        `an upload has parts ${told.join()}, of the model ${expected.join()}`,
      );
  });
}

async function complete(
  within: Surroundings,
  under: Under,
  last: { readonly partNumber: number; readonly etag: string },
): Promise<void> {
  // One part only: the least size of those before the last is not for a simulation.
  const digest = md5Of(Buffer.from(within.mark()));
  const args = { ...under, parts: [last], combine: () => ({ etag: { digest, parts: 1 } }) };
  const precondition = within.oneIn(4) ? { precondition: { ifNoneMatch: ['*'] } } : {};
  const { objects } = within.core;
  const first = await objects.completeUpload({ ...args, ...precondition });
  if (within.oneIn(2)) return;
  const again = await unlessAbsent(objects.completeUpload(args));
  // Its volume may be gone.
  if (!again && within.replay.volumes.includes(under.volume))
    throw new Broken(
      'callsAreDoneOnce',
      'an upload was completed, and is not known when it is completed again',
    );
  if (again && again.etag !== first.etag)
    throw new Broken('callsAreDoneOnce', 'an upload was completed twice, with two answers');
}
