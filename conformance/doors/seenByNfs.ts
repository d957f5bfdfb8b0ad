/** What S3 does is what the mount sees on its very next call. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import type { Checks } from '../runner/suite.ts';
import { sha256Hex } from '../wire/sigv4.ts';
import { fileAppears, quoted, runPython, type World } from './world.ts';

const LARGE = Buffer.alloc(3 << 20, 'a line whose length is no power of two\n');

export const seenByNfs: Checks<World> = {
  'PUT, of every size: there, with its bytes': async ({ mount, objects }) => {
    for (const [name, body] of Object.entries({ empty: '', small: 'small', large: LARGE })) {
      await mount.run(`test ! -e put-${name}`);
      await objects.put(`put-${name}`, body);
      const told = await mount.run(`stat -c %s put-${name}; sha256sum < put-${name}`);
      assert.deepEqual(told.split(/\s+/).slice(0, 2), [String(body.length), sha256Hex(body)]);
    }
  },

  'PUT over it: other bytes, the same file': async ({ mount, objects }) => {
    await objects.put('over', 'first');
    await mount.run('ln over over-link; chmod 640 over; chown 1234:5678 over');
    const before = await mount.run('stat -c "%i %a %u %g" over');
    for (const body of ['second, and longer', 's', LARGE, '']) {
      await objects.put('over', body);
      const sums = await mount.run('sha256sum < over; sha256sum < over-link; stat -c %s over');
      const sum = sha256Hex(body);
      assert.deepEqual(sums.split(/[\s-]+/).slice(0, 3), [sum, sum, String(body.length)]);
    }
    assert.equal(await mount.run('stat -c "%i %a %u %g" over'), before);
  },

  'PUT below directories that were not: they are there': async ({ mount, objects }) => {
    await objects.put('new/deep/er', 'x');
    assert.equal((await mount.run('find new | sort')).trim(), 'new\nnew/deep\nnew/deep/er');
    await objects.put('new/deep/other', 'x');
    assert.equal((await mount.run('ls new/deep')).trim(), 'er\nother');
  },

  'DELETE: gone, and with it directories that only it made': async ({ mount, objects }) => {
    await objects.put('gone/a', 'x');
    await objects.put('gone/b', 'x');
    assert.equal((await mount.run('ls gone')).trim(), 'a\nb');
    await objects.remove('gone/a');
    assert.equal((await mount.run('ls gone; test ! -e gone/a')).trim(), 'b');
    await objects.remove('gone/b');
    assert.equal((await mount.run('ls -A | grep -x gone || true')).trim(), '');
  },

  'CopyObject: the same bytes, which a write to the copy parts': async ({ mount, objects }) => {
    await objects.put('source', LARGE);
    const copied = await objects.send('copy-of', {
      method: 'PUT',
      headers: [['x-amz-copy-source', '/doors/source']],
    });
    assert.equal(copied.status, 200);
    assert.equal((await mount.run('cmp source copy-of && echo same')).trim(), 'same');
    await mount.run('echo changed > copy-of');
    assert.ok((await objects.get('source'))?.equals(LARGE), 'a write to the copy changed its source');
  },

  'a handle that is open while S3 replaces: the same file, the new bytes': async (world) => {
    const { mount, objects } = world;
    await objects.put('held', 'the first bytes');
    const flag = `${mount.shared}/replaced`;
    const reading = runPython(world, [
      'import os, time',
      'held = os.open("held", os.O_RDONLY)',
      'first = os.read(held, 100)',
      'inode = os.fstat(held).st_ino',
      `open(${JSON.stringify(`${flag}.read`)}, "w").close()`,
      `while not os.path.exists(${JSON.stringify(flag)}): time.sleep(0.02)`,
      'after = os.pread(held, 100, 0)',
      'same = os.fstat(held).st_ino == inode == os.stat("held").st_ino',
      'print(first.decode(), after.decode(), same, os.fstat(held).st_size, sep="|")',
    ]);
    await fileAppears(`${flag}.read`, reading);
    await objects.put('held', 'the second bytes are more');
    await writeFile(flag, '');
    assert.equal((await reading).trim(), 'the first bytes|the second bytes are more|True|25');
  },

  'a handle that is open while S3 deletes is stale, and so is told': async (world) => {
    const { mount, objects } = world;
    await objects.put('deleted', 'bytes');
    const flag = `${mount.shared}/deleted`;
    const reading = runPython(world, [
      'import os, time, errno',
      'held = os.open("deleted", os.O_RDONLY)',
      `open(${JSON.stringify(`${flag}.read`)}, "w").close()`,
      `while not os.path.exists(${JSON.stringify(flag)}): time.sleep(0.02)`,
      'try: print(os.pread(held, 100, 0))',
      'except OSError as error: print(errno.errorcode[error.errno])',
    ]);
    await fileAppears(`${flag}.read`, reading);
    await objects.remove('deleted');
    await writeFile(flag, '');
    assert.equal((await reading).trim(), 'ESTALE');
  },

  'names of S3 that no file can have': async ({ mount, objects }) => {
    await objects.put('twin', 'the file');
    await objects.put('twin/below', 'below');
    assert.equal(await mount.run(`cat ${quoted('@s3file=twin')} twin/below`), 'the filebelow');
    await objects.put('held/', 'of the directory');
    await objects.put('held/beside', 'x');
    assert.equal(await mount.run(`ls held; cat ${quoted('held/@s3=')}`), '@s3=\nbeside\nof the directory');
    await mount.run(`printf changed > ${quoted('held/@s3=')}`);
    assert.equal((await objects.get('held/'))?.toString(), 'changed');
    await mount.run(`mv ${quoted('held/@s3=')} held/plain`);
    assert.equal((await objects.get('held/'))?.toString(), '');
    assert.equal((await objects.get('held/plain'))?.toString(), 'changed');
    await mount.run(`mv held/plain ${quoted('held/@s3=')}`);
    assert.equal((await objects.get('held/'))?.toString(), 'changed');
  },
};
