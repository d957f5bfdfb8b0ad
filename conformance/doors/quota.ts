/** A quota holds by both doors at once, to the byte, and what one frees the other may fill. */
import assert from 'node:assert/strict';
import type { Checks } from '../runner/suite.ts';
import { fileAppears, runPython, type World } from './world.ts';

const BODY_BYTES = 64 << 10;
/** Of bodies, besides what is there. */
const ROOM = 40;
const TRIES = 60;

/** What the volume holds. */
const usedBytes = async ({ objects }: World): Promise<number> => {
  let bytes = 0;
  for (const key of await objects.list()) {
    const { headers } = await objects.send(key, { method: 'HEAD' });
    bytes += Number(headers.get('content-length'));
  }
  return bytes;
};

export const quota: Checks<World> = {
  'PUTs against writes on a mount: as many as fit, and no more': async (world) => {
    const { mount, objects, facet, volume, tell } = world;
    for (const key of await objects.list()) await objects.remove(key);
    await mount.run('rm -rf ./* ; mkdir filled');
    await objects.put('filled/by-s3', '');
    const before = await usedBytes(world);
    await facet('volume', 'set', volume, '--quota', String(before + ROOM * BODY_BYTES));
    const begun = `${mount.shared}/filling-begun`;
    const writing = runPython(world, [
      'import os, errno',
      `open(${JSON.stringify(begun)}, "w").close()`,
      'won = 0',
      `for at in range(${TRIES}):`,
      '    try:',
      '        f = os.open(f"filled/nfs-{at}", os.O_CREAT | os.O_WRONLY)',
      '        try:',
      `            os.write(f, b"n" * ${BODY_BYTES}); os.fsync(f); won += 1`,
      '        finally: os.close(f)',
      '    except OSError as error:',
      '        assert error.errno == errno.EDQUOT, error',
      'print(won)',
    ]);
    await fileAppears(begun, writing);
    let put = 0;
    for (let at = 0; at < TRIES; at++) {
      const { status, code } = await objects.send(`filled/s3-${at}`, {
        method: 'PUT',
        body: Buffer.alloc(BODY_BYTES, 's'),
      });
      if (status === 200) put += 1;
      else assert.deepEqual([status, code], [403, 'QuotaExceeded']);
    }
    const written = Number(await writing);
    tell(`of ${ROOM} bodies that fit S3 put ${put}, NFS wrote ${written}`);
    assert.equal(put + written, ROOM);
    assert.equal(await usedBytes(world), before + ROOM * BODY_BYTES);
    assert.match(await mount.run('df -k --output=avail . | tail -1'), /^\s*0\s*$/);
    await objects.remove('filled/s3-0');
    await mount.run('rm -f filled/nfs-0');
    await facet('volume', 'set', volume, '--quota', 'none');
    await objects.put('filled/more', Buffer.alloc(4 * BODY_BYTES));
  },
};
