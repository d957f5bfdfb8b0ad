/** After a restart: is every acknowledged object there and whole, each unknown one wholly old or wholly new? */
import { textsOf } from '../wire/send.ts';
import { differenceByNfs, isFileName } from './files.ts';
import type { Found, State, Together, Upload } from './ledger.ts';
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
  let faults = 0;
  const tell = (fault: string): void => {
    faults += 1;
    world.onFault(fault);
  };
  const unknown = world.ledger.open();
  const together = world.ledger.together();
  const states = new Map<string, State>();
  const listed = await listAll(world);
  const keys = world.ledger.keys();
  const waiting = [...keys];
  const known = new Set(keys);
  for (const key of listed.keys()) if (!known.has(key)) tell(`${key} is listed, but nobody ever put it`);
  const check = async (): Promise<void> => {
    for (let key = waiting.pop(); key !== undefined; key = waiting.pop()) {
      const state = await verifyKey(world, { key, listed: listed.get(key), tell });
      if (state !== undefined) states.set(key, state);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, check));
  for (const changes of together) verifyTogether(changes, states, tell);
  for (const upload of world.ledger.uploads()) await verifyUpload(world, upload, tell);
  return { keys: keys.length, objects: listed.size, unknown, faults };
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

/** @returns what is there, undefined where that is a fault */
async function verifyKey(
  world: World,
  of: {
    readonly key: string;
    readonly listed: Listed | undefined;
    readonly tell: (fault: string) => void;
  },
): Promise<State | undefined> {
  const { key, listed, tell } = of;
  const { s3, ledger } = world;
  const seen = await look(s3, key).catch((error: unknown) => {
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
  const judgement = ledger.judge(key, found);
  if (judgement.kind === 'right') {
    ledger.record({ t: 'seen', key, state: judgement.state });
    return judgement.state;
  }
  tell(`${key}: found ${describe(found)}, where ${describeAll(judgement.allowed)} was acknowledged or asked`);
  return undefined;
}

/** Of what looks the same before and after nothing is known. */
function verifyTogether(
  { name, changes }: Together,
  states: ReadonlyMap<string, State>,
  tell: (fault: string) => void,
): void {
  const known = changes.filter(
    ({ key, before, after }) => states.has(key) && before?.sha256 !== after?.sha256,
  );
  const made = known.filter(({ key, after }) => states.get(key) === after);
  if (made.length === 0 || made.length === known.length) return;
  const keys = changes.map(({ key }) => key).join(' and ');
  tell(`${keys} (${name}): found changed in part, where all of it or nothing was acknowledged or asked`);
}

function describe(state: Found | State): string {
  if (!state) return 'nothing';
  const { tag, lengthBytes, sha256, etag } = state;
  return `${tag} (${lengthBytes} bytes, sha256 ${sha256.slice(0, 12)}, etag ${etag})`;
}

function describeAll(states: readonly State[]): string {
  return states.map(describe).join(' or ');
}

async function verifyUpload({ s3 }: World, of: Upload, tell: (fault: string) => void): Promise<void> {
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
