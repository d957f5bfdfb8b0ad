/** Files by NFS as the soak uses them: each change is written into the ledger before its first call, and after its last. */

import { WrongReply } from '@facet/nfs-client';
import { bytesOf, type Piece, sha256, sliceOf, type Version } from './bodies.ts';
import type { Found, State } from './ledger.ts';
import type { World } from './objects.ts';
import { PutOff, Unanswered } from './unanswered.ts';

/** It is another only where the server was started again in between. */
const COMMITS_MAX = 5;

/** What both doors call the same: it lies in the root. */
export function isFileName(key: string): boolean {
  return !key.includes('/');
}

interface Of {
  readonly op: string;
  readonly key: string;
}

interface Changed extends Of {
  readonly kind: string;
  readonly to: State;
  readonly together?: string;
}

/** @throws Unanswered: then it was made, or it was not; PutOff: it was not */
async function change(
  { ledger, onFault }: World,
  changed: readonly Changed[],
  make: () => Promise<void>,
): Promise<void> {
  for (const one of changed) ledger.record({ t: 'try', ...one });
  try {
    await make();
  } catch (error) {
    if (error instanceof PutOff) for (const { op } of changed) ledger.record({ t: 'no', op });
    if (error instanceof Unanswered || error instanceof PutOff) throw error;
    const [first] = changed;
    return onFault(`${first?.kind} of ${first?.key} (${first?.op}): ${error}`);
  }
  for (const { op } of changed) ledger.record({ t: 'ok', op });
}

function fileVersion(tag: string, pieces: readonly Piece[]): Version {
  const bytes = bytesOf(pieces);
  return { tag, pieces, lengthBytes: bytes.length, sha256: sha256(bytes), etag: '', byNfs: true };
}

/** Where there is none. */
export function create(world: World, { op, key }: Of): Promise<void> {
  const made = { op, key, kind: 'NFS create', to: fileVersion(op, []) };
  return change(world, [made], async () => {
    await world.nfs.create(key);
  });
}

/** Writes over a part of it, or beyond its end, in one call; if that is not to be stable by itself, it is committed. */
export function overwrite(
  world: World,
  {
    op,
    key,
    version,
    start,
    lengthBytes,
    isStable,
  }: Of & {
    readonly version: Version;
    readonly start: number;
    readonly lengthBytes: number;
    readonly isStable: boolean;
  },
): Promise<void> {
  const written = { tag: op, start: 0, lengthBytes };
  const end = start + lengthBytes;
  const behind = { start: end, lengthBytes: Math.max(0, version.lengthBytes - end) };
  const pieces = [
    ...sliceOf(version.pieces, { start: 0, lengthBytes: start }),
    written,
    ...sliceOf(version.pieces, behind),
  ];
  const kind = isStable ? 'NFS write' : 'NFS write and commit';
  return change(world, [{ op, key, kind, to: fileVersion(op, pieces) }], async () => {
    const { nfs } = world;
    const file = await mustFind(world, key);
    const bytes = bytesOf([written]);
    for (let tries = 0; tries < COMMITS_MAX; tries += 1) {
      const writing = nfs.write(file, { offset: start, bytes, isStable });
      const answer = await (tries === 0 ? writing : ofBegun(writing));
      if (isStable) return;
      const verifier = await ofBegun(nfs.commit(file));
      // Another one: the server forgot what was not stable.
      if (answer.isStable || verifier.equals(answer.verifier)) return;
    }
    throw new WrongReply(`${COMMITS_MAX} COMMITs, each with another verifier than its WRITE`);
  });
}

/** Of a change of several calls. That a later one did nothing does not say what became of those before. */
function ofBegun<T>(call: Promise<T>): Promise<T> {
  return call.catch((error: unknown) => {
    throw error instanceof PutOff ? new Unanswered(error.message) : error;
  });
}

export function truncate(
  world: World,
  { op, key, version, lengthBytes }: Of & { readonly version: Version; readonly lengthBytes: number },
): Promise<void> {
  const pieces = sliceOf(version.pieces, { start: 0, lengthBytes });
  return change(world, [{ op, key, kind: 'NFS truncate', to: fileVersion(op, pieces) }], async () =>
    world.nfs.truncate(await mustFind(world, key), lengthBytes),
  );
}

/** Over what is there. The ledger has a change of either name, both of which come at once. */
export function rename(
  world: World,
  { op, key, version, target }: Of & { readonly version: Version; readonly target: string },
): Promise<void> {
  const kind = 'NFS rename';
  const changed = [
    { op: `${op}.from`, key, kind, to: null, together: op },
    { op, key: target, kind, to: version, together: op },
  ];
  return change(world, changed, () => world.nfs.rename(key, target));
}

export function removeFile(world: World, { op, key }: Of): Promise<void> {
  return change(world, [{ op, key, kind: 'NFS remove', to: null }], () => world.nfs.remove(key));
}

async function mustFind({ nfs }: World, key: string): Promise<Buffer> {
  const file = await nfs.find(key);
  if (file === undefined) throw new Error('LOOKUP found nothing');
  return file;
}

/** @returns what is wrong with a file beside what S3 told of it. @throws Unanswered */
export async function differenceByNfs(
  { nfs }: World,
  key: string,
  found: Found,
): Promise<string | undefined> {
  try {
    const file = await nfs.find(key);
    if (file === undefined) return found ? 'NFS finds nothing' : undefined;
    const bytes = await nfs.read(file);
    if (found && bytes.length === found.lengthBytes && sha256(bytes) === found.sha256) return undefined;
    return `NFS reads ${bytes.length} bytes, sha256 ${sha256(bytes).slice(0, 12)}`;
  } catch (error) {
    if (error instanceof WrongReply) return `by NFS, ${error.message}`;
    throw error;
  }
}
