/** Who may mount what, and as whom: networks, ports, squash, read-only. */
import type { ExportPolicy } from '@facet/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { admits } from '../../src/exports/admission.ts';
import { callerOf } from '../../src/exports/squash.ts';
import { FileHandles } from '../../src/nfs/handles.ts';
import { ERR, NfsTestClient, OK } from '../nfs/client.ts';
import { RpcTestClient } from '../rpcClient.ts';
import { HANDLE_KEY, startWorld, type World } from '../world.ts';

const POLICY: ExportPolicy = {
  clients: ['127.0.0.0/8', '::1/128'],
  readOnly: false,
  squash: 'root',
  anonymousUid: 65534,
  anonymousGid: 65533,
  securePorts: false,
};

describe('admits', () => {
  it.each([
    ['127.0.0.1', ['127.0.0.0/8'], true],
    ['128.0.0.1', ['127.0.0.0/8'], false],
    ['10.1.255.255', ['10.1.0.0/16'], true],
    ['10.2.0.0', ['10.1.0.0/16'], false],
    ['10.1.2.3', ['10.1.2.3/32'], true],
    ['10.1.2.4', ['10.1.2.3/32'], false],
    ['192.0.2.1', ['0.0.0.0/0'], true],
    ['::1', ['0.0.0.0/0'], false],
    ['192.0.2.1', ['::/0'], false],
    ['::1', ['::1/128'], true],
    ['fd00:1::5', ['fd00::/8'], true],
    ['fe80::5', ['fd00::/8'], false],
    ['fe80::5%eth0', ['fe80::/10'], true],
    ['10.9.9.9', ['fd00::/8', '10.0.0.0/8'], true],
    ['10.9.9.9', [], false],
  ])('%s from %j: %s', (address, clients, expected) => {
    expect(admits({ ...POLICY, clients }, { address, port: 50_000 })).toBe(expected);
  });

  it('asked again, and for more addresses than are remembered', () => {
    const near = { ...POLICY, clients: ['10.0.0.0/8'] };
    const far = { ...POLICY, clients: ['192.0.2.0/24'] };
    const wrong: string[] = [];
    for (let number = 0; number < 5000; number += 1) {
      const isNear = number % 2 === 0;
      const address = isNear ? `10.0.${number % 250}.${number % 199}` : `192.0.2.${number % 250}`;
      const peer = { address, port: 50_000 };
      for (let again = 0; again < 2; again += 1) {
        if (admits(near, peer) !== isNear || admits(far, peer) === isNear) wrong.push(address);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('only ports of root, when told', () => {
    const policy = { ...POLICY, securePorts: true };
    expect(admits(policy, { address: '127.0.0.1', port: 1023 })).toBe(true);
    expect(admits(policy, { address: '127.0.0.1', port: 1024 })).toBe(false);
  });
});

describe('callerOf', () => {
  const sys = (uid: number, gid: number, groups: readonly number[] = []) =>
    ({ flavor: 'sys', machine: 'm', uid, gid, groups }) as const;
  const anonymous = { uid: 65534, gid: 65533, groups: [] };

  it.each([
    ['none', sys(0, 0, [0, 5]), { uid: 0, gid: 0, groups: [0, 5] }],
    ['root', sys(0, 0, [0, 5]), { uid: 65534, gid: 65533, groups: [65533, 5] }],
    ['root', sys(7, 0, [8]), { uid: 7, gid: 65533, groups: [8] }],
    ['root', sys(7, 8, [9]), { uid: 7, gid: 8, groups: [9] }],
    ['all', sys(7, 8, [9]), anonymous],
    ['none', { flavor: 'none' } as const, anonymous],
  ] as const)('squash %s of %j', (squash, credential, caller) => {
    expect(callerOf({ ...POLICY, squash }, credential)).toEqual(caller);
  });
});

describe('through the door', () => {
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

  const NONE = Buffer.alloc(0);

  it('squashes root to the owner of the volume, unless told otherwise', async () => {
    await world.addVolume('squashed');
    const { handle: root } = await nfs.mount('/squashed');
    const made = await world.admin.create(root, 'f');
    expect(made.file).toMatchObject({ uid: 65534, gid: 65534 });
    expect((await nfs.as({ uid: 5, gid: 6 }).create(root, 'g')).file).toMatchObject({ uid: 5, gid: 6 });
    expect((await nfs.as(null).create(root, 'h')).file).toMatchObject({ uid: 65534 });
  });

  it('refuses every change on a read-only export, with attributes', async () => {
    const volume = await world.addVolume('frozen', { squash: 'none' });
    const { handle: root } = await nfs.mount('/frozen');
    const { handle: file = NONE } = await nfs.create(root, 'f', {
      kind: 'unchecked',
      attributes: { size: 3 },
    });
    await world.core.volumes.setExport(volume, { readOnly: true });
    const wcc = { after: { fsid: BigInt(volume) } };
    for (const refused of [
      await nfs.setattr(file, { mode: 0 }),
      await nfs.write(file, 0, 'x'),
      await nfs.create(root, 'g'),
      await nfs.mkdir(root, 'g'),
      await nfs.symlink(root, 'g', 'x'),
      await nfs.mknod(root, 'g', { type: 7 }),
      await nfs.remove(root, 'f'),
      await nfs.rmdir(root, 'f'),
      await nfs.link(file, root, 'g'),
    ]) {
      expect(refused).toMatchObject({ status: ERR.ROFS, wcc });
    }
    expect(await nfs.rename([root, 'f'], [root, 'g'])).toMatchObject({
      status: ERR.ROFS,
      from: wcc,
      to: wcc,
    });
    expect(await nfs.access(file, 0x3f)).toMatchObject({ granted: 1 });
    expect(await nfs.access(root, 0x3f)).toMatchObject({ granted: 3 });
    expect(await nfs.read(file, 0, 3)).toMatchObject({ status: OK, count: 3 });
    expect(await nfs.commit(file)).toMatchObject({ status: OK });
  });

  it('shuts out other networks, also who has a handle, and tells them nothing', async () => {
    const volume = await world.addVolume('near', { clients: ['127.0.0.1/32'] });
    const { handle: root } = await nfs.mount('/near');
    const rpc = await RpcTestClient.connect(world.port, '127.0.0.2');
    const far = new NfsTestClient(rpc);
    expect(await far.mount('/near')).toMatchObject({ status: ERR.ACCES });
    expect(await far.getattr(root)).toMatchObject({ status: ERR.ACCES });
    expect(await far.lookup(root, 'x')).toEqual({
      status: ERR.ACCES,
      handle: NONE,
      file: undefined,
      directory: undefined,
    });
    await world.core.volumes.setExport(volume, { clients: ['127.0.0.2/32'] });
    expect(await far.getattr(root)).toMatchObject({ status: OK });
    expect(await nfs.getattr(root)).toMatchObject({ status: ERR.ACCES });
    rpc.close();
  });

  it('keeps one call from reaching through one volume into another', async () => {
    await world.addVolume('closed', { clients: ['192.0.2.0/24'] });
    const { volumes, files } = world.core;
    const closed = await volumes.find('closed');
    const root = closed && (await files.root({ volume: closed.id }));
    const handle = root ? new FileHandles(HANDLE_KEY).encode(root) : NONE;
    await nfs.create(world.root, 'f');
    expect(await nfs.rename([world.root, 'f'], [handle, 'f'])).toEqual({
      status: ERR.ACCES,
      from: { before: undefined, after: undefined },
      to: { before: undefined, after: undefined },
    });
  });
});
