/** PUT, GET, HEAD, a mix of them and DELETE of objects of one size. */

import { randomBytes } from 'node:crypto';
import type { Operation } from '../../load/closedLoop.ts';
import { sending } from '../../load/drive.ts';
import type { ReadyRequest } from '../../load/request.ts';
import { again, once, type Size, type World } from '../world.ts';

/** Of a hundred of the mix, as warp has it. */
const MIX = { get: 45, head: 30, put: 15, remove: 10 };
const WARM_UP_PUTS = 20_000;
const WARM_UP_BYTES_MAX = 1 << 30;

/** Put to see what they take on the disk. */
const DISK_OBJECTS_MAX = 4096;
const DISK_BYTES = 128 << 20;
const DISK_CONNECTIONS = 16;

const key = (folder: string, at: number): string => `/${folder}/${String(at).padStart(6, '0')}`;

export async function objects(world: World, size: Size, connections: readonly number[]): Promise<void> {
  const { name, bytes } = size;
  const body = randomBytes(bytes);
  const most = Math.max(...connections);
  const count = Math.ceil(Math.min(WARM_UP_PUTS, WARM_UP_BYTES_MAX / bytes));
  const each = (method: string, folder: string) =>
    Array.from({ length: count }, (_, at) =>
      world.ready({ method, path: key(folder, at), ...(method === 'PUT' && { body }) }),
    );
  const few = Math.min(DISK_OBJECTS_MAX, DISK_BYTES / bytes);
  await world.diskUse(size, few, () => world.all(each('PUT', 'disk').slice(0, few), DISK_CONNECTIONS));
  const putsPerSecond = await world.warmUp(each('PUT', 'warm-up'), most);
  const written = Math.floor(Math.min(count, putsPerSecond * world.pace.warmUp * 0.9));
  for (const method of ['GET', 'HEAD', 'DELETE']) {
    await world.warmUp(each(method, 'warm-up').slice(0, Math.max(1, written)), most);
  }

  for (const at of connections) {
    const folder = `${bytes}-${at}`;
    const puts = world.prepare((n) => ({ method: 'PUT', path: key(folder, n), body }), putsPerSecond);
    const put = await world.measure(`PUT ${name}`, at, once(puts));
    world.tell(put);
    const there = Array.from({ length: put.operations }, (_, n) => n);
    const requests = (method: string): ReadyRequest[] =>
      there.map((n) => world.ready({ method, path: key(folder, n) }));
    const gets = requests('GET').map((request) => whole(request, bytes));
    world.tell(await world.measure(`GET ${name}`, at, again(gets)));
    const heads = requests('HEAD').map(sending);
    world.tell(await world.measure(`HEAD ${name}`, at, again(heads)));
    const removes = requests('DELETE');
    let removed = 0;
    if (at > 1) {
      const half = Math.floor(put.operations / 2);
      const more = world.prepare(
        (n) => ({ method: 'PUT', path: key(`${folder}-mix`, n), body }),
        putsPerSecond,
      );
      const mix = mixed({
        gets: gets.slice(half),
        heads: heads.slice(half),
        puts: more,
        removes: removes.slice(0, half),
      });
      world.tell(await world.measure(`mixed ${name}`, at, mix.next));
      removed = mix.removed();
    }
    world.tell(await world.measure(`DELETE ${name}`, at, once(removes.slice(removed))));
  }
}

/** A GET that comes back short would be fast. */
function whole(request: ReadyRequest, bytes: number): Operation {
  const send = sending(request);
  return async (connection) => {
    const got = await send(connection);
    if (got !== bytes) throw new Error(`a GET of ${bytes} bytes had ${got}`);
    return got;
  };
}

function mixed(parts: {
  readonly gets: readonly Operation[];
  readonly heads: readonly Operation[];
  readonly puts: readonly ReadyRequest[];
  readonly removes: readonly ReadyRequest[];
}): { next: () => Operation | undefined; removed: () => number } {
  const [gets, heads] = [again(parts.gets), again(parts.heads)];
  let [turn, put, removed] = [0, 0, 0];
  const next = (): Operation | undefined => {
    // 37 and 100 have no factor in common: each hundred has every number once, well shuffled.
    const draw = (turn * 37) % 100;
    turn += 1;
    if (draw < MIX.get) return gets();
    if (draw < MIX.get + MIX.head) return heads();
    if (draw < MIX.get + MIX.head + MIX.put) {
      const request = parts.puts[put];
      put += 1;
      return request && sending(request);
    }
    const request = parts.removes[removed];
    removed += 1;
    return request && sending(request);
  };
  return { next, removed: () => removed };
}
