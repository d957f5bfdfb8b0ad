/** What is kept of hosts that hold locks. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ENGINES, openRig, type Rig } from '../rig.ts';

describe.each(ENGINES)('lock hosts on %s', (engine) => {
  let rig: Rig;
  beforeEach(async () => {
    rig = await openRig(engine);
  });
  afterEach(() => rig.close());

  test('are remembered once each, listed and forgotten', async () => {
    const { lockHosts } = rig.core;
    expect(await lockHosts.list()).toEqual([]);
    const a = { address: '10.0.0.1', name: 'alpha' };
    const odd = { address: '10.0.0.1', name: 'a\0 é' };
    const b = { address: 'fe80::1', name: '' };
    for (const host of [b, a, a, odd]) await lockHosts.remember(host);
    expect(await lockHosts.list()).toEqual([odd, a, b]);
    await lockHosts.forget(a);
    await lockHosts.forget(a);
    expect(await lockHosts.list()).toEqual([odd, b]);
  });

  test('hold what was left of them, until the next life begins', async () => {
    const { lockHosts } = rig.core;
    const a = { address: '10.0.0.1', name: 'alpha' };
    const b = { address: '10.0.0.2', name: 'beta' };
    for (const host of [a, b]) await lockHosts.remember(host);
    const held = { count: 3, digest: Buffer.alloc(16, 7) };
    await lockHosts.leave([{ ...b, held }]);
    expect(await lockHosts.list()).toEqual([{ ...b, held }]);
    await lockHosts.nextState();
    expect(await lockHosts.list()).toEqual([b]);
  });

  test('more of them than one read gives', async () => {
    const hosts = Array.from({ length: 1001 }, (_, n) => ({
      address: `10.1.${n >> 8}.${n & 255}`,
      name: 'n',
    }));
    await Promise.all(hosts.map((host) => rig.core.lockHosts.remember(host)));
    expect(new Set(await rig.core.lockHosts.list())).toEqual(new Set(hosts));
  });

  test('state numbers are odd and grow', async () => {
    const states = [await rig.core.lockHosts.nextState(), await rig.core.lockHosts.nextState()];
    expect(states).toEqual([1, 3]);
  });
});
