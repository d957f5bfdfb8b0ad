/** An ETag changes with every change of data, by either door, and with nothing else; conditions go by it. */
import assert from 'node:assert/strict';
import type { Checks } from '../runner/suite.ts';
import type { World } from './world.ts';

const CHANGES_OF_DATA = [
  'printf X | dd of=tagged conv=notrunc status=none',
  'printf X | dd of=tagged conv=notrunc status=none',
  'printf more >> tagged',
  'truncate -s 3 tagged',
  'truncate -s 30 tagged',
  ': > tagged',
  'printf "the first" > tagged',
];

const NO_CHANGES_OF_DATA = [
  'chmod 600 tagged',
  'chown 77:88 tagged',
  'ln tagged tagged-too',
  'rm tagged-too',
  'touch -a tagged',
  'touch -d 2001-02-03 tagged',
  'cat tagged > /dev/null',
  'mv tagged tagged-elsewhere; mv tagged-elsewhere tagged',
  'mkdir -p aside; mv tagged aside/tagged; mv aside/tagged .',
];

const etagOf = async ({ objects }: World, key: string): Promise<string> => {
  const etag = await objects.etag(key);
  assert.ok(etag !== undefined, `${key} is not there`);
  return etag;
};

export const etags: Checks<World> = {
  'another with every change of data, and no client takes it for an MD5': async (world) => {
    const seen = new Set([await world.objects.put('tagged', 'the first')]);
    for (const command of CHANGES_OF_DATA) {
      await world.mount.run(command);
      const etag = await etagOf(world, 'tagged');
      assert.match(etag, /^"[0-9a-f]{32}-\d+"$/, command);
      assert.ok(!seen.has(etag), `${command}: the ETag was there before`);
      seen.add(etag);
    }
  },

  'the same after chmod, chown, link, rename, times, reading': async (world) => {
    for (const first of ['put by S3', 'written by NFS']) {
      await world.objects.put('tagged', first);
      if (first.endsWith('NFS')) await world.mount.run('printf changed >> tagged');
      const etag = await etagOf(world, 'tagged');
      for (const command of NO_CHANGES_OF_DATA) {
        await world.mount.run(command);
        assert.equal(await etagOf(world, 'tagged'), etag, command);
      }
    }
  },

  'GET, HEAD and LIST tell the same one': async (world) => {
    const { objects, mount } = world;
    await mount.run('printf "a body" > told');
    const etag = await etagOf(world, 'told');
    assert.equal((await objects.send('told')).headers.get('etag'), etag);
    const { text } = await objects.page('prefix=told');
    assert.ok(text.includes(etag.replaceAll('"', '&quot;')) || text.includes(etag), text);
  },

  'conditions see a change by NFS': async (world) => {
    const { objects, mount } = world;
    const before = await objects.put('guarded', 'one');
    const asked = async (name: string, etag: string, method = 'GET') =>
      (
        await objects.send('guarded', {
          method,
          headers: [[name, etag]],
          ...(method === 'PUT' && { body: 'put' }),
        })
      ).status;
    assert.equal(await asked('If-None-Match', before), 304);
    await mount.run('chmod 600 guarded');
    assert.equal(await asked('If-None-Match', before), 304);
    await mount.run('printf two > guarded');
    const after = await etagOf(world, 'guarded');
    assert.equal(await asked('If-None-Match', before), 200);
    assert.equal(await asked('If-Match', before), 412);
    assert.equal(await asked('If-Match', after), 200);
    assert.equal(await asked('If-Match', before, 'PUT'), 412);
    assert.equal((await objects.get('guarded'))?.toString(), 'two');
    assert.equal(await asked('If-Match', after, 'PUT'), 200);
    assert.equal(await mount.run('cat guarded'), 'put');
    await mount.run('rm guarded');
    assert.equal(await asked('If-Match', after, 'PUT'), 404);
    assert.equal(await asked('If-None-Match', '*', 'PUT'), 200);
    await mount.run('rm guarded; printf made > guarded');
    assert.equal(await asked('If-None-Match', '*', 'PUT'), 412);
  },
};
