/** A call that is sent again gets its first answer, whatever other hosts behind the same address do meanwhile. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { clientOf } from '../../src/nfs/client.ts';
import { RpcTestClient, type Who } from '../rpcClient.ts';
import { Out } from '../wire.ts';
import { startWorld, type World } from '../world.ts';
import { ERR, OK } from './client.ts';

const NFS = 100_003;
const [CREATE, REMOVE] = [8, 12] as const;
/** So many calls of a host are kept. */
const RING = 1024;

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(async () => {
  await world.close();
  expect(world.errors).toEqual([]);
});

const clientNamed = (machine: string, address = '10.0.0.1') =>
  clientOf({
    peer: { address, port: 700 },
    credential: { flavor: 'sys', machine, uid: 0, gid: 0, groups: [] },
  });

async function call(rpc: RpcTestClient, who: Who, ask: { procedure: number; name: string; xid: number }) {
  const { procedure, name, xid } = ask;
  const args = new Out().opaque(world.root).opaque(name);
  // Unchecked, and nothing set.
  if (procedure === CREATE) args.u32(0, 0, 0, 0, 0, 0, 0);
  const { results } = await rpc.call({ program: NFS, procedure, args: args.bytes(), who, xid });
  return results.u32();
}

it('also by another connection, after another host used the same ids', async () => {
  const [one, other] = [
    { uid: 1000, machine: 'one' },
    { uid: 1000, machine: 'other' },
  ];
  expect(clientNamed('one')).not.toBe(clientNamed('other'));
  const first = await RpcTestClient.connect(world.port);
  expect(await call(first, one, { procedure: CREATE, name: 'file', xid: 77 })).toBe(OK);
  expect(await call(first, one, { procedure: REMOVE, name: 'file', xid: 78 })).toBe(OK);
  const beside = await RpcTestClient.connect(world.port);
  expect(await call(beside, other, { procedure: CREATE, name: 'theirs', xid: 78 + RING })).toBe(OK);
  first.close();
  const again = await RpcTestClient.connect(world.port);
  expect(await call(again, one, { procedure: REMOVE, name: 'file', xid: 78 })).toBe(OK);
  // Another call of the same id is another call.
  expect(await call(again, one, { procedure: REMOVE, name: 'gone', xid: 78 })).toBe(ERR.NOENT);
  again.close();
  beside.close();
});

it('of an address there are so many at most, whatever its hosts call themselves', () => {
  const rings = new Set(Array.from({ length: 5000 }, (_, at) => clientNamed(`host-${at}`)));
  expect(rings.size).toBe(64);
  expect(clientNamed('one', '10.0.0.2')).not.toBe(clientNamed('one'));
  const nameless = { peer: { address: '10.0.0.1', port: 700 }, credential: { flavor: 'none' } } as const;
  expect(clientOf(nameless)).toBe('10.0.0.1');
});
