/** Owner, mode and time: what aws-cli gives is what `stat` says on the mount, and what the mount changes HEAD says. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Checks } from '../runner/suite.ts';
import type { World } from './world.ts';

const GIVEN = 'file-owner=1000,file-group=100,file-permissions=0100640,file-mtime=1595002920000000007ns';

const stat = async ({ mount }: World, path: string): Promise<string> =>
  (await mount.run(`stat -c '%u %g %a %.9Y' ${path}`)).trim();

async function told({ aws, volume }: World, key: string): Promise<Readonly<Record<string, string>>> {
  const { stdout } = await aws(
    ...['s3api', 'head-object', '--bucket', volume, '--key', key, '--output', 'json'],
  );
  return JSON.parse(stdout).Metadata ?? {};
}

async function copyUp(world: World, key: string, ...more: readonly string[]): Promise<void> {
  const local = join(world.mount.shared, 'local');
  writeFileSync(local, 'from aws-cli');
  await world.aws('s3', 'cp', local, `s3://${world.volume}/${key}`, ...more);
}

export const attributes: Checks<World> = {
  'aws s3 cp --metadata is what stat says': async (world) => {
    await copyUp(world, 'owned', '--metadata', GIVEN);
    assert.equal(await stat(world, 'owned'), '1000 100 640 1595002920.000000007');
    await copyUp(world, 'not-owned', '--metadata', 'file-owner=alice,file-permissions=rw');
    assert.match(await stat(world, 'not-owned'), /^65534 65534 666 /);
    assert.deepEqual(await told(world, 'not-owned'), { 'file-owner': 'alice', 'file-permissions': 'rw' });
  },

  'chmod, chown and touch are what HEAD says': async (world) => {
    const { mount } = world;
    await copyUp(world, 'changed', '--metadata', GIVEN);
    await mount.run('chown 77:88 changed; chmod 2751 changed; touch -d @1234567890.123456789 changed');
    assert.deepEqual(await told(world, 'changed'), {
      'file-owner': '77',
      'file-group': '88',
      'file-permissions': '0102751',
      'file-mtime': '1234567890123456789ns',
    });
    await mount.run('printf more >> changed');
    assert.notEqual((await told(world, 'changed'))['file-mtime'], '1234567890123456789ns');
  },

  'aws s3 mv keeps owner, mode and time': async (world) => {
    const { aws, volume } = world;
    await copyUp(world, 'moving', '--metadata', GIVEN);
    await aws('s3', 'mv', `s3://${volume}/moving`, `s3://${volume}/moved/there`);
    assert.equal(await stat(world, 'moved/there'), '1000 100 640 1595002920.000000007');
  },

  'of what the mount made HEAD tells them where the volume is set so': async (world) => {
    const { mount, facet, volume } = world;
    await mount.run('printf x > made-here; chown 5:6 made-here; chmod 4711 made-here; touch -d @5 made-here');
    await mount.run('ln -sf made-here link-here');
    const set = (whether: string) => facet('volume', 'set', volume, '--posix-metadata', whether);
    await set('on');
    try {
      assert.deepEqual(await told(world, 'made-here'), {
        'file-owner': '5',
        'file-group': '6',
        'file-permissions': '0104711',
        'file-mtime': '5000000000ns',
      });
    } finally {
      await set('off');
    }
    assert.deepEqual(await told(world, 'made-here'), {});
    assert.equal((await told(world, 'link-here'))['file-permissions'], '0120777');
  },
};
