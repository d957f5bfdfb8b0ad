/** Clients by key: what they are told is what there was at one moment, whatever happens meanwhile. */

import type { OpenObject, WritePrecondition } from '../../../src/index.ts';
import { Broken } from '../invariants.ts';
import type { ModelNode } from '../model.ts';
import {
  type Action,
  type At,
  agreeing,
  frees,
  md5Of,
  type Surroundings,
  unlessAbsent,
} from './surroundings.ts';

const SLOW_STEPS_MAX = 150;

/** The more often, the more of them. */
export const objectActions: readonly Action[] = [
  put,
  put,
  put,
  putInto,
  (within) => get(within),
  (within) => get(within),
  (within) => get(within),
  getRange,
  getWhatGoes,
  remove,
  remove,
  removeWhat,
  copy,
  copyChanged,
  list,
  tags,
];

async function put(within: Surroundings): Promise<unknown> {
  const bytes = within.bytes();
  const body = await within.stage(bytes);
  if (within.oneIn(30)) return frees(within.core.objects.discard(body));
  const precondition = within.oneIn(4) ? { precondition: { ifNoneMatch: ['*'] } } : {};
  const at = within.at();
  const mark = within.mark();
  const stored = await within.core.objects.put({
    ...at,
    body,
    etag: { digest: md5Of(bytes), parts: 0 },
    properties: {},
    userMetadata: { mark },
    ...(within.oneIn(3) && { tags: [{ key: 'tag', value: within.mark() }] }),
    ...precondition,
  });
  if (!within.replay.isPut(mark))
    throw new Broken('answersFollowCommits', `a PUT of ${at.key} was answered before it was done`);
  return stored;
}

/** In the place of what was seen, and of nothing else. */
async function putInto(within: Surroundings): Promise<unknown> {
  const at = within.at();
  const precondition = await asSeen(within, at);
  const bytes = within.bytes();
  const body = await within.stage(bytes);
  const etag = { digest: md5Of(bytes), parts: 0 };
  const args = { ...at, body, etag, properties: {}, userMetadata: {} };
  return within.core.objects.put(precondition ? { ...args, precondition } : args);
}

async function asSeen(within: Surroundings, at: At): Promise<WritePrecondition | undefined> {
  await within.idle();
  const { told: head, expected } = await within.ask(
    () => objectAt(within, at),
    () => unlessAbsent(within.core.objects.head(at)),
  );
  agreeing(expected, (one) => mustAgree(at, one, head));
  return head && { ifMatch: [head.etag] };
}

function objectAt(within: Surroundings, { volume, key }: At): Expected {
  if (!within.replay.volumes.includes(volume)) return undefined;
  const object = within.replay.model(volume).object(key);
  // As it is now: it may change while the store is asked.
  return object && { bytes: object.bytes, said: object.said };
}

type Expected = Pick<ModelNode, 'bytes' | 'said'> | undefined;

function mustAgree({ key }: At, expected: Expected, info: OpenObject['info'] | undefined): void {
  if (!expected && info) throw new Broken('readsAreCurrent', `${key} was found, and is not there`);
  if (expected && !info) throw new Broken('readsAreCurrent', `${key} was not found, and is there`);
  if (expected && info) mustSay(`${key}`, expected, info);
}

/** What S3 says of an object is what was said of it last. */
export function mustSay(
  key: string,
  { bytes, said }: Pick<ModelNode, 'bytes' | 'said'>,
  info: OpenObject['info'],
): void {
  const { mark } = info.userMetadata;
  const told = JSON.stringify([info.sizeBytes, mark, info.tagCount]);
  const wanted = JSON.stringify([bytes.length, said.mark, (JSON.parse(said.tags) as unknown[]).length]);
  if (told !== wanted)
    throw new Broken('readsAreCurrent', `of ${key} is said ${told}, of the model ${wanted}`);
  if (said.etag !== undefined && said.etag !== info.etag)
    throw new Broken('readsAreCurrent', `${key} has etag ${info.etag}, of the model ${said.etag}`);
}

/** A reader gets one whole version, whatever happens meanwhile. */
async function get(within: Surroundings, at = within.at()): Promise<void> {
  await within.idle();
  const { told: object, expected } = await open(within, at);
  try {
    const seen = agreeing(expected, (one) => mustAgree(at, one, object?.info));
    if (!object) return;
    // A slow reader: what it reads may be replaced, dropped and given back meanwhile.
    for (let steps = within.below(SLOW_STEPS_MAX); steps > 0; steps -= 1) await within.idle();
    const chunks: Buffer[] = [];
    for await (const chunk of object.read()) chunks.push(Buffer.from(chunk));
    const bytes = Buffer.concat(chunks);
    if (!seen.some((one) => one && bytes.equals(one.bytes)))
      throw new Broken('readsAreCurrent', `of ${at.key} other bytes were read than were there`);
  } finally {
    object?.close();
  }
}

function open(within: Surroundings, at: At) {
  return within.ask(
    () => objectAt(within, at),
    () => unlessAbsent(within.core.objects.open(at)),
  );
}

/** Large enough that its bytes are given back while somebody reads them slowly, if they may be. */
async function getWhatGoes(within: Surroundings): Promise<unknown> {
  const at = within.at();
  const bytes = Buffer.alloc(100_000 + within.below(250_000), `<${within.mark()}>`);
  const body = await within.stage(bytes);
  const etag = { digest: md5Of(bytes), parts: 0 };
  await within.core.objects.put({ ...at, body, etag, properties: {}, userMetadata: {} });
  // Perhaps another process: it must know of what was acknowledged here.
  const reading = within.throughDoor((elsewhere) => get(elsewhere, at));
  const removed = frees(within.core.objects.delete(at));
  await Promise.all([reading, removed]);
  return reading;
}

async function getRange(within: Surroundings): Promise<void> {
  const at = within.at();
  await within.idle();
  const { told: object, expected } = await open(within, at);
  if (!object) return;
  try {
    const length = object.info.sizeBytes;
    if (length === 0) return;
    const start = within.below(length);
    const end = start + within.below(length - start);
    const chunks: Buffer[] = [];
    for await (const chunk of object.stream({ start, end })) chunks.push(Buffer.from(chunk));
    const bytes = Buffer.concat(chunks);
    if (!expected.some((one) => one && bytes.equals(one.bytes.subarray(start, end + 1))))
      throw new Broken(
        'readsAreCurrent',
        `of ${at.key}, ${start} to ${end}, other bytes were read than were there`,
      );
  } finally {
    object.close();
  }
}

function remove(within: Surroundings): Promise<unknown> {
  return frees(within.core.objects.delete(within.at()));
}

async function removeWhat(within: Surroundings): Promise<unknown> {
  const at = within.at();
  const precondition = await asSeen(within, at);
  return precondition && frees(within.core.objects.delete({ ...at, precondition }));
}

function copy(within: Surroundings): Promise<unknown> {
  return within.core.objects.copy({ source: within.at(), target: within.at() });
}

async function copyChanged(within: Surroundings): Promise<unknown> {
  const source = within.at();
  const target = within.oneIn(3) ? source : within.at();
  const attributes = { properties: {}, userMetadata: { mark: within.mark() } };
  const tagged = within.oneIn(2) ? { tags: [{ key: 'tag', value: within.mark() }] } : {};
  const precondition = within.oneIn(3) ? { precondition: { ifNoneMatch: ['*'] } } : {};
  return within.core.objects.copy({ source, target, attributes, ...tagged, ...precondition });
}

/** A page is of one moment. */
async function list(within: Surroundings): Promise<void> {
  const { volume, key } = within.at();
  const prefix = within.oneIn(2) ? Buffer.alloc(0) : key.subarray(0, within.below(key.length + 1));
  const delimiter = Buffer.from(within.oneIn(2) ? '/' : '');
  const limit = 1 + within.below(8);
  const after = within.oneIn(2) ? { after: within.at().key } : {};
  await within.idle();
  if (!within.replay.volumes.includes(volume)) return;
  const { told: listed, expected: pages } = await within.ask(
    () =>
      page(namesOf(within, volume), {
        prefix: prefix.toString('latin1'),
        delimiter: delimiter.toString('latin1'),
        after: after.after?.toString('latin1') ?? '',
      }),
    () => within.core.objects.list({ volume, prefix, delimiter, limit, ...after }),
  );
  const { entries, truncated } = listed;
  const told = entries.map((entry) =>
    (entry.kind === 'object' ? entry.key : entry.prefix).toString('latin1'),
  );
  agreeing(pages, (expected) => {
    const isShort = told.length < limit && !truncated && told.length < expected.length;
    if (isShort || told.join('\n') !== expected.slice(0, told.length).join('\n'))
      throw new Broken('readsAreCurrent', `listed was ${told.join(' ')}, of the model ${expected.join(' ')}`);
  });
}

interface Names {
  readonly keys: readonly string[];
  /** With their slash. */
  readonly directories: readonly string[];
}

/** None of a volume that is gone. */
function namesOf({ replay }: Surroundings, volume: At['volume']): Names {
  if (!replay.volumes.includes(volume)) return { keys: [], directories: [] };
  const model = replay.model(volume);
  return { keys: [...model.objects().keys()], directories: model.directories() };
}

/**
 * Keys and common prefixes, in order. A directory has one as long as it is there, also where nothing in it is an object:
 * files are that are open and have no name any more.
 */
function page(
  { keys, directories }: Names,
  {
    prefix,
    delimiter,
    after,
  }: { readonly prefix: string; readonly delimiter: string; readonly after: string },
): readonly string[] {
  const lines = new Set<string>();
  const isKey = new Set(keys);
  for (const path of [...new Set([...keys, ...directories])].sort()) {
    if (!path.startsWith(prefix)) continue;
    const cut = delimiter === '' ? -1 : path.indexOf(delimiter, prefix.length);
    if (cut < 0 && !isKey.has(path)) continue;
    const line = cut < 0 ? path : path.slice(0, cut + delimiter.length);
    // One that was given is passed whole.
    if (path > after && line !== after) lines.add(line);
  }
  return [...lines];
}

async function tags(within: Surroundings): Promise<unknown> {
  const at = within.at();
  const { objects } = within.core;
  if (within.oneIn(2)) {
    const wanted = within.oneIn(3) ? [] : [{ key: 'tag', value: within.mark() }];
    return objects.setTags({ ...at, tags: wanted });
  }
  await within.idle();
  const { told, expected } = await within.ask(
    () => objectAt(within, at),
    () => unlessAbsent(objects.getTags(at)),
  );
  agreeing(expected, (one) => {
    if (told && one?.said.tags !== JSON.stringify(told))
      throw new Broken(
        'readsAreCurrent',
        `${at.key} has tags ${JSON.stringify(told)}, of the model ${one?.said.tags}`,
      );
  });
  return told;
}
