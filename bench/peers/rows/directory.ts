/** A directory of very many objects: it is listed, and renamed. */

import { randomBytes } from 'node:crypto';
import type { Operation } from '../../load/closedLoop.ts';
import type { ReadyRequest } from '../../load/request.ts';
import { again, type Cell, once, type World } from '../world.ts';
import { copy } from './large.ts';

const FILL_CONNECTIONS = 64;
const FILL_BATCH = 20_000;
const BODY_BYTES = 100;
const PAGE_KEYS = 1000;
const LIST_CONNECTIONS = [1, 16] as const;
const COPY_CONNECTIONS = 16;
/** Copying each object of the directory is ended then, and the time of the rest is reckoned. */
const RENAME_SECONDS_MAX = 10;

const key = (folder: string, at: number): string => `/${folder}/${String(at).padStart(7, '0')}`;

export async function directory(world: World): Promise<void> {
  const count = world.pace.directoryObjects;
  const body = randomBytes(BODY_BYTES);
  for (let from = 0; from < count; from += FILL_BATCH) {
    const batch = Array.from({ length: Math.min(FILL_BATCH, count - from) }, (_, at) =>
      world.ready({ method: 'PUT', path: key('directory', from + at), body }),
    );
    await world.all(batch, FILL_CONNECTIONS);
  }
  const pages = Math.floor(count / PAGE_KEYS);
  const listings = Array.from({ length: pages }, (_, page) => {
    const after = page === 0 ? '' : key('directory', page * PAGE_KEYS - 1).slice(1);
    const query = new URLSearchParams({
      'list-type': '2',
      'max-keys': String(PAGE_KEYS),
      prefix: 'directory/',
    });
    query.set('start-after', after);
    query.sort();
    return listing(world.ready({ method: 'GET', path: `?${query}` }));
  });
  const name = `LIST 1,000 of ${count.toLocaleString('en')}`;
  await world.measure(name, 1, again(listings), world.pace.warmUp);
  for (const connections of LIST_CONNECTIONS) {
    world.tell(await world.measure(name, connections, again(listings)));
  }
  world.tell(await rename(world, renameRow(count), count));
}

export const renameRow = (count: number): string => `rename of a directory of ${count.toLocaleString('en')}`;

/** A page that has fewer keys would be fast. */
function listing(request: ReadyRequest): Operation {
  return async (connection) => {
    const answer = await connection.send(request, true);
    const keys = /<KeyCount>(\d+)</.exec(answer.body?.toString() ?? '')?.[1];
    if (answer.status !== 200 || keys !== String(PAGE_KEYS)) {
      throw new Error(`a listing was answered ${answer.status}, with ${keys} keys`);
    }
    return answer.bodyBytes;
  };
}

async function rename(world: World, row: string, count: number): Promise<Cell> {
  const { renameDirectory } = world.running;
  if (renameDirectory === undefined) return byCopies(world, row, count);
  let [from, to] = ['directory', 'renamed'];
  const there: Operation = async () => {
    await renameDirectory(from, to);
    [from, to] = [to, from];
    return 0;
  };
  await world.measure(row, 1, again([there]), world.pace.warmUp);
  return world.measure(row, 1, again([there]));
}

/** As clients of S3 rename: each object is copied, and then deleted. */
async function byCopies(world: World, row: string, count: number): Promise<Cell> {
  let copied = 0;
  const next = (): Operation | undefined => {
    if (copied === count) return undefined;
    copied += 1;
    return copy(world, key('directory', copied - 1), key('renamed', copied - 1));
  };
  const copying = await world.measure(row, COPY_CONNECTIONS, next, RENAME_SECONDS_MAX);
  const requests = Array.from({ length: copied }, (_, at) =>
    world.ready({ method: 'DELETE', path: key('directory', at) }),
  );
  const deleting = await world.measure(row, COPY_CONNECTIONS, once(requests), RENAME_SECONDS_MAX);
  const seconds = count / copying.operationsPerSecond + count / deleting.operationsPerSecond;
  return {
    ...copying,
    // One rename at a time, however many copies that takes.
    connections: 1,
    operations: 1,
    operationsPerSecond: 1 / seconds,
    bytesPerSecond: 0,
    p50: seconds * 1000,
    p99: seconds * 1000,
    cpuMicrosPerOperation: count * (copying.cpuMicrosPerOperation + deleting.cpuMicrosPerOperation),
    flushesPerOperation: count * (copying.flushesPerOperation + deleting.flushesPerOperation),
    ...(copied < count && { scaled: true as const }),
  };
}
