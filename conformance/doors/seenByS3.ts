/** What the mount does is what S3 sees on its very next request: GET, HEAD and LIST. */
import assert from 'node:assert/strict';
import type { Checks } from '../runner/suite.ts';
import { runPython, type World } from './world.ts';

/** GET, HEAD and LIST agree that an object is there with these bytes, or, if undefined, that it is not. */
async function expectObject({ objects }: World, key: string, body: string | undefined): Promise<void> {
  const listed = await objects.list(key);
  const head = await objects.send(key, { method: 'HEAD' });
  assert.equal((await objects.get(key))?.toString(), body, `GET ${key}`);
  assert.equal(head.status, body === undefined ? 404 : 200, `HEAD ${key}`);
  if (body !== undefined)
    assert.equal(head.headers.get('content-length'), String(body.length), `HEAD ${key}`);
  assert.equal(listed.includes(key), body !== undefined, `LIST of ${key}: ${listed}`);
}

const cat = (world: World, command: string): Promise<string> => world.mount.run(command);

export const seenByS3: Checks<World> = {
  'create, overwrite, append, truncate': async (world) => {
    const steps: readonly (readonly [command: string, body: string])[] = [
      ['printf first > made', 'first'],
      ['printf other > made', 'other'],
      ['printf THE | dd of=made conv=notrunc status=none', 'THEer'],
      ['printf " and more" >> made', 'THEer and more'],
      ['truncate -s 4 made', 'THEe'],
      ['truncate -s 8 made', 'THEe\0\0\0\0'],
      ['printf end | dd of=made bs=1 seek=10 conv=notrunc status=none', 'THEe\0\0\0\0\0\0end'],
      [': > made', ''],
    ];
    await expectObject(world, 'made', undefined);
    for (const [command, body] of steps) {
      await cat(world, command);
      await expectObject(world, 'made', body);
    }
  },

  'each write that was answered, in the midst of a file that stays open': async (world) => {
    const { mount } = world;
    for (const at of [1, 2, 3]) {
      await runPython(world, [
        'import os',
        'f = os.open("growing", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_SYNC)',
        `os.write(f, b"${at}")`,
        'os.fsync(f)',
      ]);
      await expectObject(world, 'growing', '123'.slice(0, at));
    }
    assert.equal(await mount.run('cat growing'), '123');
  },

  'rename of a file, within a directory, across, and over another': async (world) => {
    await cat(world, 'mkdir -p from to; printf moved > from/a; printf other > to/c');
    await cat(world, 'mv from/a from/b');
    await expectObject(world, 'from/a', undefined);
    await expectObject(world, 'from/b', 'moved');
    await cat(world, 'mv from/b to/b');
    await expectObject(world, 'from/b', undefined);
    await expectObject(world, 'to/b', 'moved');
    await cat(world, 'mv to/b to/c');
    await expectObject(world, 'to/b', undefined);
    await expectObject(world, 'to/c', 'moved');
  },

  'rename of a directory: every key below': async (world) => {
    const { objects } = world;
    for (const key of ['tree/a', 'tree/b/c', 'tree/b/d']) await objects.put(key, key);
    await cat(world, 'mv tree wood');
    assert.deepEqual(
      (await objects.list('wood/')).filter((key) => !key.endsWith('/')),
      ['wood/a', 'wood/b/c', 'wood/b/d'],
    );
    assert.deepEqual(await objects.list('tree'), []);
    await expectObject(world, 'wood/b/c', 'tree/b/c');
    await expectObject(world, 'tree/b/c', undefined);
    await cat(world, 'mkdir into; mv wood/b into/');
    await expectObject(world, 'into/b/d', 'tree/b/d');
    await expectObject(world, 'wood/b/d', undefined);
  },

  'link: one content by two keys, and what is left when one goes': async (world) => {
    const { objects } = world;
    await cat(world, 'printf one > linked; ln linked link');
    await expectObject(world, 'link', 'one');
    assert.equal(await objects.etag('link'), await objects.etag('linked'));
    await cat(world, 'printf two > link');
    await expectObject(world, 'linked', 'two');
    await objects.put('linked', 'three');
    await expectObject(world, 'link', 'three');
    await cat(world, 'rm linked');
    await expectObject(world, 'linked', undefined);
    await expectObject(world, 'link', 'three');
  },

  'remove, mkdir, rmdir, symlink': async (world) => {
    const { objects } = world;
    await cat(world, 'printf x > leaving; rm leaving');
    await expectObject(world, 'leaving', undefined);
    await cat(world, 'mkdir made-directory');
    assert.deepEqual(await objects.list('made-directory'), ['made-directory/']);
    await cat(world, 'rmdir made-directory');
    assert.deepEqual(await objects.list('made-directory'), []);
    await objects.put('pointed-at', 'through the link');
    await cat(world, 'ln -s pointed-at pointing');
    assert.equal(await world.mount.run('cat pointing'), 'through the link');
    await cat(world, 'mkdir -p d/e; printf x > d/e/f; rm -r d');
    assert.deepEqual(await objects.list('d/'), []);
  },
};
