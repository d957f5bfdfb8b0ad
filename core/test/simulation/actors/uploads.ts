/** Uploads in parts, some of them copied, and completed twice; and who looks for those of others. */

import type { ObjectView, StoredPart, UploadId, UploadInfo } from '../../../src/index.ts';
import { Broken } from '../invariants.ts';
import type { ModelUpload } from '../modelUploads.ts';
import { type At, agreeing, frees, md5Of, type Surroundings, unlessAbsent } from './surroundings.ts';

const PART_COUNT_MAX = 3;

export const uploadActions = [upload, upload, look, list];

interface Under extends At {
  readonly upload: UploadId;
}

async function upload(within: Surroundings): Promise<unknown> {
  const at = within.at();
  const { objects } = within.core;
  const userMetadata = { mark: within.mark() };
  const begun = await objects.createUpload({ ...at, properties: {}, userMetadata, initiator: 'me' });
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
    () => modelParts(within.replay.upload(under)),
    () => unlessAbsent(within.core.objects.listParts({ ...under, afterPartNumber: 0, limit: 1000 })),
  );
  const told = page && toldParts(page.parts);
  agreeing(moments, (expected) => {
    if (told !== expected)
      throw new Broken('readsAreCurrent', `an upload has parts ${told}, of the model ${expected}`);
  });
}

export const toldParts = (parts: readonly StoredPart[]): string =>
  parts.map(({ partNumber, md5 }) => `${partNumber} ${Buffer.from(md5).toString('hex')}`).join();

/** There are fewer than ten, so that they sort as text. */
export const modelParts = (upload: ModelUpload | undefined): string | undefined =>
  upload &&
  [...upload.parts]
    .map(([number, { etag }]) => `${number} ${etag}`)
    .toSorted()
    .join();

/** One that anybody began, under way or not, by its key or by another. */
async function look(within: Surroundings): Promise<unknown> {
  const { replay } = within;
  if (replay.uploadsBegun.length === 0) return;
  const { volume, key, upload } = within.pick(replay.uploadsBegun);
  const ref = within.oneIn(4) ? { ...within.at(), upload } : { volume, key, upload };
  await within.idle();
  const { told, expected } = await within.ask(
    () => replay.upload(ref),
    () => unlessAbsent(within.core.objects.getUpload(ref)),
  );
  agreeing(expected, (one) => {
    const [is, wanted] = [told && toldLine(told), one && modelLine(one)];
    if (is !== wanted)
      throw new Broken('readsAreCurrent', `upload ${upload} is said to be ${is}, of the model ${wanted}`);
  });
  return told;
}

type Listing = Parameters<ObjectView['listUploads']>[0];
type Listed = Awaited<ReturnType<ObjectView['listUploads']>>['entries'][number];

/** To its end, page by page: each is of one moment. */
async function list(within: Surroundings): Promise<void> {
  const { volume, key } = within.at();
  const prefix = within.oneIn(2) ? Buffer.alloc(0) : key.subarray(0, within.below(key.length + 1));
  const delimiter = Buffer.from(within.oneIn(2) ? '/' : '');
  const limit = 1 + within.below(4);
  let after: Listing['after'] = within.oneIn(3) ? { key: within.at().key } : undefined;
  for (let truncated = true; truncated; ) {
    await within.idle();
    const asked = { volume, prefix, delimiter, limit, ...(after && { after }) };
    const { told, expected } = await within.ask(
      () => linesOf(within.replay.uploads(volume), asked),
      () => unlessAbsent(within.core.objects.listUploads(asked)),
    );
    const lines = told?.entries.map(entryLine).join('\n');
    agreeing(expected, (all) => {
      const isOther = lines !== all?.slice(0, limit).join('\n');
      if (isOther || told?.truncated !== (all && all.length > limit))
        throw new Broken('readsAreCurrent', `listed were uploads ${lines}, of the model ${all?.join(' ')}`);
    });
    // Gone with its volume.
    if (!told) return;
    ({ truncated } = told);
    const last = told.entries.at(-1);
    after = last?.kind === 'prefix' ? { key: last.prefix } : last;
  }
}

/** Of uploads, in order, and common prefixes. */
function linesOf(uploads: readonly ModelUpload[] | undefined, asked: Listing): readonly string[] | undefined {
  const [prefix, delimiter] = [asked.prefix.toString('latin1'), asked.delimiter.toString('latin1')];
  const lines = new Set<string>();
  for (const upload of uploads ?? []) {
    const key = upload.key.toString('latin1');
    if (!key.startsWith(prefix) || isPassed(upload, asked)) continue;
    const cut = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
    lines.add(cut < 0 ? modelLine(upload) : key.slice(0, cut + delimiter.length));
  }
  return uploads && [...lines];
}

function isPassed({ key, upload }: ModelUpload, { after, delimiter }: Listing): boolean {
  if (!after) return false;
  const order = Buffer.compare(key, after.key);
  if (order < 0) return true;
  if (order === 0) return after.upload === undefined || upload <= after.upload;
  // A common prefix that was given is passed whole.
  const isPrefix = after.upload === undefined && delimiter.length > 0;
  return (
    isPrefix &&
    after.key.subarray(-delimiter.length).equals(delimiter) &&
    key.subarray(0, after.key.length).equals(after.key)
  );
}

const entryLine = (entry: Listed): string =>
  entry.kind === 'prefix' ? entry.prefix.toString('latin1') : toldLine(entry);

export const toldLine = ({ key, upload, initiated, userMetadata: { mark } }: UploadInfo): string =>
  `${key.toString('latin1')} ${upload} ${initiated} ${mark}`;

export const modelLine = ({ key, upload, initiated, mark }: ModelUpload): string =>
  `${key.toString('latin1')} ${upload} ${initiated} ${mark}`;

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
