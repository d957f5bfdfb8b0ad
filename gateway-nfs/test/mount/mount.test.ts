/** MOUNT v3: paths to handles, who has mounted what, and what there is. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MOUNT, NfsTestClient, OK } from '../nfs/client.ts';
import { RpcTestClient } from '../rpcClient.ts';
import { Out } from '../wire.ts';
import { startWorld, type World } from '../world.ts';

let world: World;
let nfs: NfsTestClient;
beforeAll(async () => {
  world = await startWorld();
  ({ nfs } = world);
});
afterAll(async () => {
  await world.close();
  expect(world.errors).toEqual([]);
});

const DUMP = 2;
const UMNT = 3;
const UMNTALL = 4;
const EXPORT = 5;
const ERR = { NOENT: 2, ACCES: 13, NOTDIR: 20, NAMETOOLONG: 63 } as const;
const AUTH_SYS = 1;

const send = (procedure: number, path?: string, client = nfs) =>
  client.send(MOUNT, procedure, path === undefined ? Buffer.alloc(0) : new Out().opaque(path).bytes());

async function mounts(): Promise<string[]> {
  const answer = await send(DUMP);
  const listed = answer.list((from) => `${from.opaque()} ${from.opaque()}`);
  answer.end();
  return listed;
}

describe('MNT', () => {
  it('gives the root of a volume, for AUTH_SYS', async () => {
    const mounted = await nfs.mount('/vol');
    expect(mounted).toMatchObject({ status: OK, flavors: [AUTH_SYS] });
    expect((await nfs.getattr(mounted.handle)).file).toMatchObject({ type: 2, fsid: BigInt(world.volume) });
  });

  it('takes a path with more slashes, or none before it', async () => {
    for (const path of ['/vol/', '//vol', 'vol', '/vol/.', '/vol/..']) {
      expect((await nfs.mount(path)).handle, path).toEqual(world.root);
    }
  });

  it('gives a directory in a volume, also one that only root may enter', async () => {
    const made = await nfs.mkdir(world.root, 'private', { mode: 0o700 });
    const below = await nfs.mkdir(made.handle ?? Buffer.alloc(0), 'below');
    expect(await nfs.as({ uid: 7 }).mount('/vol/private/below')).toMatchObject({ handle: below.handle });
  });

  it.each([
    ['/', ERR.NOENT],
    ['', ERR.NOENT],
    ['/missing', ERR.NOENT],
    ['/vol/missing', ERR.NOENT],
    ['/vol/@s3=ordinary', ERR.NOENT],
    [`/vol/${'n'.repeat(256)}`, ERR.NAMETOOLONG],
  ])('refuses %j', async (path, status) => {
    expect(await nfs.mount(path)).toMatchObject({ status });
  });

  it('refuses a file, a path past 1024 bytes, and who is not let in', async () => {
    await nfs.create(world.root, 'file');
    expect(await nfs.mount('/vol/file')).toMatchObject({ status: ERR.NOTDIR });
    await expect(nfs.mount(`/${'n'.repeat(1024)}`)).rejects.toThrow('not accepted: 4');
    await world.addVolume('far', { clients: ['192.0.2.0/24'] });
    expect(await nfs.mount('/far')).toMatchObject({ status: ERR.ACCES });
  });
});

it('DUMP lists mounts until UMNT or UMNTALL', async () => {
  await send(UMNTALL);
  await world.addVolume('other');
  await nfs.mount('/vol');
  await nfs.mount('/other');
  await nfs.mount('/vol');
  expect(await mounts()).toEqual(['127.0.0.1 /other', '127.0.0.1 /vol']);
  (await send(UMNT, '/vol')).end();
  expect(await mounts()).toEqual(['127.0.0.1 /other']);
  const rpc = await RpcTestClient.connect(world.port, '127.0.0.3');
  const neighbour = new NfsTestClient(rpc);
  await neighbour.mount('/vol');
  await send(UMNT, '/vol');
  (await send(UMNTALL)).end();
  expect(await mounts()).toEqual(['127.0.0.3 /vol']);
  rpc.close();
});

it('EXPORT lists what the asker may mount, and for whom it is', async () => {
  await world.addVolume('hidden', { clients: ['192.0.2.0/24'] });
  await world.addVolume('shared', { clients: ['127.0.0.0/8', '10.0.0.0/8'] });
  const answer = await send(EXPORT);
  const exported = answer.list((from) => [`${from.opaque()}`, from.list((group) => `${group.opaque()}`)]);
  answer.end();
  expect(exported).toContainEqual(['/shared', ['127.0.0.0/8', '10.0.0.0/8']]);
  expect(exported).toContainEqual(['/vol', ['127.0.0.0/8', '::1/128']]);
  expect(exported.map(([path]) => path)).not.toContain('/hidden');
});

it('NULL answers, other procedures and versions are refused', async () => {
  for (const program of [MOUNT, 100003]) {
    const nothing = await nfs.rpc.call({ program, procedure: 0 });
    expect(nothing.accepted).toBe(0);
    nothing.results.end();
    // PROC_UNAVAIL, and PROG_MISMATCH with the versions there are.
    expect((await nfs.rpc.call({ program, procedure: 22 })).accepted).toBe(3);
    const other = await nfs.rpc.call({ program, version: 2, procedure: 0 });
    expect([other.accepted, other.results.u32(), other.results.u32()]).toEqual([2, 3, 3]);
  }
});
