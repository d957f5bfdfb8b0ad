/** After a restart: is every acknowledged object there and whole, each unknown one wholly old or wholly new? */
import { textsOf } from '../wire/send.ts';
import { differenceByNfs, isFileName } from './files.ts';
import { changedInPart, describe, wrongState } from './findings.ts';
import type { Found, State, Upload } from './ledger.ts';
import { BUCKET, look, pathOf, told, type World } from './objects.ts';
import { Unanswered } from './unanswered.ts';

const KEYS_PER_PAGE = 100;
const AT_ONCE = 6;

interface Listed {
  readonly etag: string;
  readonly lengthBytes: number;
}

export interface Verified {
  readonly keys: number;
  readonly objects: number;
  /** Requests in flight when the server died. */
  readonly unknown: number;
  readonly faults: number;
}

/** @throws Unanswered when the server is not there to list */
export async function verify(world: World): Promise<Verified> {
  const { ledger } = world;
  let faults = 0;
  const tell = (fault: string): void => {
    faults += 1;
    world.onFault(fault);
  };
  const unknown = ledger.open();
  const together = ledger.together();
  const { found, objects } = await readAll(world, tell);
  const states = new Map<string, State>();
  for (const [key, one] of found) {
    const judgement = ledger.judge(key, one);
    if (judgement.kind === 'wrong') tell(wrongState(key, { found: one, allowed: judgement.allowed }));
    else {
      const { state } = judgement;
      ledger.record({ t: 'seen', key, state });
      states.set(key, state);
    }
  }
  for (const changes of together) {
    const fault = changedInPart(changes, states);
    if (fault !== undefined) tell(fault);
  }
  for (const upload of ledger.uploads()) await verifyUpload(world, upload, tell);
  return { keys: ledger.keys().length, objects, unknown, faults };
}

interface ReadAll {
  /** By key, of all that the ledger knows. What could not be read is not there. */
  readonly found: ReadonlyMap<string, Found>;
  /** So many are listed. */
  readonly objects: number;
}

/**
 * Reads all objects by both doors.
 * @param tell is told where these do not agree, and of what nobody put there
 * @throws Unanswered when the server is not there to list
 */
export async function readAll(world: World, tell: (fault: string) => void): Promise<ReadAll> {
  const listed = await listAll(world);
  const keys = world.ledger.keys();
  const waiting = [...keys];
  const known = new Set(keys);
  for (const key of listed.keys()) if (!known.has(key)) tell(`${key} is listed, but nobody ever put it`);
  const found = new Map<string, Found>();
  const read = async (): Promise<void> => {
    for (let key = waiting.pop(); key !== undefined; key = waiting.pop()) {
      const one = await readKey(world, { key, listed: listed.get(key), tell });
      if (one !== undefined) found.set(key, one);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, read));
  return { found, objects: listed.size };
}

async function listAll({ s3 }: World): Promise<Map<string, Listed>> {
  const listed = new Map<string, Listed>();
  let token = '';
  do {
    const after = token === '' ? '' : `&continuation-token=${encodeURIComponent(token)}`;
    const reply = await s3.send({ path: `/${BUCKET}?list-type=2&max-keys=${KEYS_PER_PAGE}${after}` });
    if (reply.status !== 200) throw new Error(`ListObjectsV2 was answered ${told(reply)}`);
    const text = reply.body.toString('utf8');
    const [names, etags, sizes] = ['Key', 'ETag', 'Size'].map((name) => textsOf(text, name));
    for (const [at, key] of (names ?? []).entries()) {
      const etag = (etags?.[at] ?? '').replaceAll('"', '');
      listed.set(key, { etag, lengthBytes: Number(sizes?.[at]) });
    }
    token = textsOf(text, 'NextContinuationToken')[0] ?? '';
  } while (token !== '');
  return listed;
}

/** @returns what is there, undefined where it can not be read */
async function readKey(
  world: World,
  of: {
    readonly key: string;
    readonly listed: Listed | undefined;
    readonly tell: (fault: string) => void;
  },
): Promise<Found | undefined> {
  const { key, listed, tell } = of;
  const seen = await look(world.s3, key).catch((error: unknown) => {
    // An answer that ends too early is what damage looks like that is met half way.
    if (error instanceof Unanswered)
      return { kind: 'broken' as const, reason: `broke off: ${error.message}` };
    throw error;
  });
  if (seen.kind === 'broken') {
    tell(`${key}: ${seen.reason}`);
    return undefined;
  }
  const { found } = seen;
  if (found?.etag !== listed?.etag || found?.lengthBytes !== listed?.lengthBytes) {
    tell(`${key}: listed as ${JSON.stringify(listed)}, HEAD says ${JSON.stringify(found)}`);
  }
  if (isFileName(key)) {
    const difference = await differenceByNfs(world, key, found);
    if (difference !== undefined) tell(`${key}: ${difference}, S3 found ${describe(found)}`);
  }
  return found;
}

export async function verifyUpload({ s3 }: World, of: Upload, tell: (fault: string) => void): Promise<void> {
  if (of.closing !== undefined) return;
  const reply = await s3.send({ path: pathOf(of.key, `?uploadId=${of.upload}`) });
  if (reply.status !== 200) return tell(`the upload to ${of.key}: ListParts was answered ${told(reply)}`);
  const text = reply.body.toString('utf8');
  const etags = textsOf(text, 'ETag');
  const listed = new Map(textsOf(text, 'PartNumber').map((number, at) => [Number(number), etags[at]]));
  for (const { partNumber, etag } of of.parts.values()) {
    if (listed.get(partNumber)?.replaceAll('"', '') !== etag) {
      tell(
        `the upload to ${of.key}: part ${partNumber} was acknowledged, and ${listed.get(partNumber)} is there`,
      );
    }
  }
}
