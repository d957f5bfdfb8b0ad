import { afterEach, describe, expect, it } from 'vitest';
import type { ExportPolicy, FsErrorCode } from '../../src/index.ts';
import { volumeId } from '../../src/index.ts';
import { decodeExport, encodeExport } from '../../src/meta/records/volume.ts';
import { ENGINES, openRig, type Rig } from '../rig.ts';

let rig: Rig;
let open: Rig | undefined;
afterEach(async () => {
  await open?.close();
  open = undefined;
});

const refused = (code: FsErrorCode, promise: Promise<unknown>) =>
  expect(promise).rejects.toMatchObject({ code });

describe.each(ENGINES)('exports on %s', (engine) => {
  it('are for this machine alone, as the owner, until somebody says otherwise', async () => {
    rig = await openRig(engine);
    open = rig;
    expect(await rig.core.volumes.getExport(rig.volume)).toEqual({
      clients: ['127.0.0.0/8', '::1/128'],
      readOnly: false,
      squash: 'root',
      anonymousUid: 65534,
      anonymousGid: 65534,
      anonymousIsOwner: true,
      securePorts: false,
    });
    await refused('NoSuchVolume', Promise.resolve(rig.core.volumes.getExport(volumeId(77))));
    await refused('NoSuchVolume', rig.core.volumes.setExport(volumeId(77), {}));
    await refused('NoSuchVolume', rig.core.volumes.setExport(volumeId(77), { defaults: {} }));
  });

  it('keep what was set, and what was not follows the volume', async () => {
    rig = await openRig(engine);
    open = rig;
    const { volumes } = rig.core;
    const set: Partial<ExportPolicy> = { clients: ['10.0.0.0/8', 'fd00::/8'], squash: 'none' };
    await volumes.setExport(rig.volume, set);
    await volumes.setExport(rig.volume, { readOnly: true, securePorts: true, anonymousGid: 7 });
    await volumes.setExport(rig.volume, { defaults: { uid: 1000, gid: 100 } });
    expect(await volumes.getExport(rig.volume)).toEqual({
      clients: ['10.0.0.0/8', 'fd00::/8'],
      readOnly: true,
      squash: 'none',
      anonymousUid: 1000,
      anonymousGid: 7,
      securePorts: true,
    });
    await volumes.setExport(rig.volume, { readOnly: false, squash: 'all', clients: [] });
    const later = await volumes.getExport(rig.volume);
    expect(later).toMatchObject({ clients: [], readOnly: false, squash: 'all' });
  });

  it('take the owner as the anonymous user again', async () => {
    rig = await openRig(engine);
    open = rig;
    const { volumes } = rig.core;
    await volumes.setExport(rig.volume, { squash: 'all', anonymousUid: 7, anonymousGid: 8 });
    await volumes.setExport(rig.volume, { anonymousUid: null, defaults: { uid: 1000, gid: 100 } });
    const half = await volumes.getExport(rig.volume);
    expect(half).toMatchObject({ anonymousUid: 1000, anonymousGid: 8 });
    expect(half).not.toHaveProperty('anonymousIsOwner');
    await volumes.setExport(rig.volume, { anonymousGid: null });
    const { policy } = await volumes.setExport(rig.volume, { defaults: { gid: 101 } });
    expect(policy).toMatchObject({ anonymousUid: 1000, anonymousGid: 101, anonymousIsOwner: true });
    expect(policy.squash).toBe('all');
  });

  it('refuse what is no network, no id and no mode', async () => {
    rig = await openRig(engine);
    open = rig;
    const { volumes } = rig.core;
    const before = await volumes.getExport(rig.volume);
    for (const network of [
      '10.0.0.0',
      '10.0.0.0/33',
      '10.0.0/8',
      '::/129',
      'fe80::1%eth0/64',
      '::/08',
      'all',
      '/8',
    ]) {
      await refused('Invalid', volumes.setExport(rig.volume, { clients: [network] }));
    }
    for (const anonymousUid of [-1, 2 ** 32, 0.5]) {
      await refused('Invalid', volumes.setExport(rig.volume, { anonymousUid }));
    }
    await refused('Invalid', volumes.setExport(rig.volume, { defaults: { gid: -1 } }));
    for (const fileMode of [0o10000, 0o4755, 0o2755, 1.5])
      await refused('Invalid', volumes.setExport(rig.volume, { defaults: { fileMode } }));
    await refused('Invalid', volumes.setExport(rig.volume, { defaults: { directoryMode: 0o4755 } }));
    // What is right beside what is wrong is not done either.
    await refused(
      'Invalid',
      volumes.setExport(rig.volume, { readOnly: true, defaults: { fileMode: 0o4755 } }),
    );
    await refused('Invalid', volumes.setExport(rig.volume, { clients: ['all'], defaults: { uid: 7 } }));
    expect(await volumes.getExport(rig.volume)).toEqual(before);
  });

  it('let the root directory follow the owner and mode until it has its own', async () => {
    rig = await openRig(engine);
    open = rig;
    const { volumes, files } = rig.core;
    const root = await files.root({ volume: rig.volume });
    await volumes.setExport(rig.volume, { defaults: { uid: 5, gid: 6, directoryMode: 0o750 } });
    const followed = await files.getattr({ file: root });
    expect(followed).toMatchObject({ uid: 5, gid: 6, mode: 0o750 });
    expect(followed.change).toBeGreaterThan(root.change);
    const caller = { uid: 0, gid: 0, groups: [] };
    await files.setattr({ caller, file: root, changes: { mode: 0o700 } });
    const { volume } = await volumes.setExport(rig.volume, { defaults: { uid: 8, fileMode: 0o640 } });
    expect(volume.defaults).toEqual({ uid: 8, gid: 6, directoryMode: 0o750, fileMode: 0o640 });
    expect((await volumes.find('bucket'))?.defaults).toEqual(volume.defaults);
    expect(await files.getattr({ file: root })).toMatchObject({ uid: 5, gid: 6, mode: 0o700 });
  });

  it('go with their volume', async () => {
    rig = await openRig(engine);
    open = rig;
    const { volumes } = rig.core;
    await volumes.setExport(rig.volume, { readOnly: true });
    await volumes.delete(rig.volume);
    await refused('NoSuchVolume', Promise.resolve(volumes.getExport(rig.volume)));
  });
});

it('an export record reads back as it was written', () => {
  for (const policy of [
    {},
    { clients: [] },
    { clients: ['10.0.0.0/8', '::1/128'], readOnly: false, squash: 'all', anonymousUid: 0 },
    { anonymousGid: 2 ** 32 - 1, securePorts: true, readOnly: true, squash: 'none' },
  ] satisfies Partial<ExportPolicy>[]) {
    expect(decodeExport(encodeExport(policy))).toEqual(policy);
  }
});
