/** Very many empty files, made by both doors at once: what a directory of a million names begins with. */
import { posix } from 'node:path';
import { handleFound, NO_ATTRIBUTES, place, RpcConnection, words } from '@facet/nfs-client';
import type { Objects } from './objects.ts';
import type { TwoDoors } from './server.ts';

const CLIENT = '127.0.3.10';
/** The server commits together what is on its way together. CREATE is for most of them: a PUT costs twice as much. */
const CONNECTIONS = 4;
const CALLS_AT_ONCE = 64;
const GUARDED = Buffer.concat([words(1), NO_ATTRIBUTES]);

/** In the order of the keys, but for the first of each directory: that is PUT first, and makes the directory. */
export async function fill(
  { server, volume, objects }: { server: TwoDoors; volume: string; objects: Objects },
  keys: readonly string[],
): Promise<void> {
  const firsts = new Map<string, string>();
  for (const key of keys) {
    const directory = posix.dirname(key);
    if (!firsts.has(directory)) firsts.set(directory, key);
  }
  await objects.putMany(firsts.values(), () => '');
  const made = new Set(firsts.values());
  const left = keys.values().filter((key) => !made.has(key));

  const handles = new Map<string, Buffer>();
  let xid = 1_000;
  const lookUp = await RpcConnection.open({ port: server.nfsPort, localAddress: CLIENT });
  const root = await lookUp.mount(`/${volume}`);
  for (const directory of firsts.keys()) {
    let handle = root;
    for (const segment of directory.split('/')) {
      const call = { xid: xid++, procedure: 'LOOKUP', args: place(handle, segment) } as const;
      handle = handleFound(await lookUp.call(call));
    }
    handles.set(directory, handle);
  }
  lookUp.close();

  const calls = left.map((key) => {
    const parent = handles.get(posix.dirname(key)) ?? root;
    const args = Buffer.concat([place(parent, posix.basename(key)), GUARDED]);
    return { xid: xid++, procedure: 'CREATE', args } as const;
  });
  const createSome = async (): Promise<void> => {
    const connection = await RpcConnection.open({ port: server.nfsPort, localAddress: CLIENT });
    try {
      await connection.callAll(calls, CALLS_AT_ONCE);
    } finally {
      connection.close();
    }
  };
  const creating = Array.from({ length: CONNECTIONS }, createSome);
  await Promise.all([objects.putMany(left, () => ''), ...creating]);
}
