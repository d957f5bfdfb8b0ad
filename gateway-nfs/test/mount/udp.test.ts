/** MOUNT over UDP, by the whole door: a handle that is good over TCP, and no answer much larger than its question. */
import dgram from 'node:dgram';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createNfsDoor, type NfsDoor } from '../../src/door.ts';
import { callRpc, RpcError } from '../../src/rpc/client.ts';
import type { Transport } from '../../src/rpc/program.ts';
import { XdrWriter } from '../../src/xdr/writer.ts';
import { MOUNT, OK } from '../nfs/client.ts';
import { Out } from '../wire.ts';
import { HANDLE_KEY, startWorld, type World, WRITE_VERIFIER } from '../world.ts';

const [MNT, DUMP, UMNT, UMNTALL, EXPORT] = [1, 2, 3, 4, 5] as const;
const [NFS, PORTMAP, GETPORT, UDP] = [100_003, 100_000, 3, 17] as const;
const ACCES = 13;
/** A handle and the flavors; nobody who forges a sender gains more by it. */
const MORE_BYTES_MAX = 40;

let world: World;
let door: NfsDoor;
let ports: { readonly nfs: number; readonly portmap: number };
beforeAll(async () => {
  world = await startWorld();
  door = await createNfsDoor({
    core: world.core,
    log: { error: (fields) => void world.errors.push(fields), warn: () => undefined, info: () => undefined },
    handleKey: HANDLE_KEY,
    writeVerifier: WRITE_VERIFIER,
    roomBytes: async () => 0,
  });
  const address = { host: '127.0.0.1', port: 0 };
  const { port: nfs } = await door.listen(address);
  ports = { nfs, portmap: (await door.servePortmap(address)).port };
});
afterAll(async () => {
  await door.close();
  await world.close();
  expect(world.errors).toEqual([]);
});

function call(procedure: number, more: { program?: number; path?: string; transport?: Transport } = {}) {
  const { program = MOUNT, path, transport = 'udp' } = more;
  const args = new XdrWriter();
  if (path !== undefined) args.text(path);
  const to = { host: '127.0.0.1', port: ports.nfs, transport, timeoutMs: 5000 };
  return callRpc({ ...to, program, version: 3, procedure, args });
}

it('gives the handle that TCP gives', async () => {
  const mounted = await call(MNT, { path: '/vol' });
  expect(mounted.uint32()).toBe(OK);
  expect(mounted.opaque(64)).toEqual(world.root);
  expect((await world.nfs.getattr(world.root)).file).toMatchObject({ type: 2 });
  (await call(0)).end();
  (await call(UMNT, { path: '/vol' })).end();
  (await call(UMNTALL)).end();
  await world.addVolume('far', { clients: ['192.0.2.0/24'] });
  expect((await call(MNT, { path: '/far' })).uint32()).toBe(ACCES);
});

it('tells what is mounted and exported over TCP alone, and serves no files', async () => {
  for (const procedure of [DUMP, EXPORT]) {
    await expect(call(procedure)).rejects.toThrow(RpcError);
    expect((await call(procedure, { transport: 'tcp' })).left).toBeGreaterThan(0);
  }
  await expect(call(0, { program: NFS })).rejects.toThrow(RpcError);
});

it('is found through the port mapper', async () => {
  const portOf = async (program: number, protocol: number) => {
    const args = new XdrWriter().uint32(program).uint32(3).uint32(protocol).uint32(0);
    const to = { host: '127.0.0.1', port: ports.portmap, transport: 'udp', timeoutMs: 5000 } as const;
    return (await callRpc({ ...to, program: PORTMAP, version: 2, procedure: GETPORT, args })).uint32();
  };
  expect(await portOf(MOUNT, UDP)).toBe(ports.nfs);
  expect(await portOf(MOUNT, 6)).toBe(ports.nfs);
  expect(await portOf(NFS, UDP)).toBe(0);
});

it.each([
  ['MNT', MNT, '/vol'],
  ['MNT of nothing', MNT, '/'],
  ['NULL', 0, undefined],
  ['DUMP', DUMP, undefined],
  ['EXPORT', EXPORT, undefined],
  ['UMNTALL', UMNTALL, undefined],
])('%s is answered with little more than it is asked with', async (_name, procedure, path) => {
  const question = new Out()
    .u32(7, 0, 2, MOUNT, 3, procedure, 0, 0, 0, 0)
    .raw(path === undefined ? Buffer.alloc(0) : new Out().opaque(path).bytes())
    .bytes();
  const socket = dgram.createSocket('udp4');
  socket.send(question, ports.nfs, '127.0.0.1');
  const [answer]: Buffer[] = await once(socket, 'message');
  socket.close();
  expect(answer?.length).toBeLessThanOrEqual(question.length + MORE_BYTES_MAX);
});
