/** A file that is removed while it is open lives on under a name of the client's; S3 knows nothing of it. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import type { Checks } from '../runner/suite.ts';
import { fileAppears, runPython, type World } from './world.ts';

const NAMED_BY_S3 = ['.nfs0123456789abcdef01234567', '.nfsX', '.nfs', '.nfs.not'];

export const openRemoved: Checks<World> = {
  'removed while open: not listed, not got; read and written to its end': async (world) => {
    const { mount, objects } = world;
    await objects.put('open/held', 'the bytes');
    await objects.put('open/beside', 'x');
    const [removed, end] = [`${mount.shared}/removed`, `${mount.shared}/end`];
    const holding = runPython(world, [
      'import os, time',
      'held = os.open("open/held", os.O_RDWR)',
      'os.unlink("open/held")',
      'hidden = [n for n in os.listdir("open") if n.startswith(".nfs")]',
      `open(${JSON.stringify(`${removed}.tmp`)}, "w").write(" ".join(hidden))`,
      `os.rename(${JSON.stringify(`${removed}.tmp`)}, ${JSON.stringify(removed)})`,
      `while not os.path.exists(${JSON.stringify(end)}): time.sleep(0.02)`,
      'os.pwrite(held, b"THE", 0); os.fsync(held)',
      'print(os.pread(held, 100, 0).decode(), os.fstat(held).st_size)',
      'os.close(held)',
    ]);
    await fileAppears(removed, holding);
    const hidden = (await mount.run(`cat ${removed}`)).trim();
    assert.match(hidden, /^\.nfs[0-9a-f]+$/);
    // The directory is listed too, since the mount changed it.
    assert.deepEqual(await objects.list('open/'), ['open/', 'open/beside']);
    assert.equal(await objects.get(`open/${hidden}`), undefined);
    assert.equal(await objects.etag(`open/${hidden}`), undefined);
    assert.equal(await objects.get('open/held'), undefined);
    // The name is free for S3 while the client still holds the file.
    await objects.put('open/held', 'another object');
    await writeFile(end, '');
    assert.equal((await holding).trim(), 'THE bytes 9');
    assert.equal(await mount.run('cat open/held'), 'another object');
    assert.equal(
      (await mount.run(`for i in $(seq 100); do test -e open/${hidden} || break; done; ls -A open`)).trim(),
      'beside\nheld',
    );
  },

  'an object that S3 named .nfs…: listed, got, and read by NFS': async ({ mount, objects }) => {
    for (const name of NAMED_BY_S3) await objects.put(`named/${name}`, name);
    assert.deepEqual(await objects.list('named/'), NAMED_BY_S3.map((name) => `named/${name}`).sort());
    for (const name of NAMED_BY_S3) {
      assert.equal((await objects.get(`named/${name}`))?.toString(), name);
      assert.equal(await mount.run(`cat named/${name}`), name);
    }
  },
};
