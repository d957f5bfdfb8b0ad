import { existsSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { facet, facetJson, serve, startFacet, stop, temporaryDirectory } from '../facetProcess.ts';
import { noSmallDisk, smallDisk, takeTheRest } from '../smallDisk.ts';
import { environment, FAST, filesBelow, put, report, storeWithObjects } from './store.ts';

describe('what is cut short', () => {
  test('a backup that its own Ctrl-C ends is no error of the server', async () => {
    const data = temporaryDirectory();
    const server = await storeWithObjects(data);
    const to = join(temporaryDirectory(), 'backups');
    const interrupted = startFacet(['backup', '--data', data, '--to', to, '--rate', '1M']);
    await server.wrote('stderr', /a backup begins/);
    interrupted.child.kill('SIGINT');
    expect((await interrupted.ended).code).toBe(1);
    await server.wrote('stderr', /"level":30.*the backup was cancelled/);
    expect(server.stderr()).not.toContain('the backup failed');
    expect((await stop(server)).code).toBe(0);
  });

  test('a server that is killed while it backs up leaves the backups that were there', async () => {
    const data = temporaryDirectory();
    const to = join(temporaryDirectory(), 'backups');
    const server = await storeWithObjects(data);
    const first = await facetJson(report, ['backup', '--data', data, '--to', to, ...FAST]);
    for (let at = 0; at < 4; at += 1) await put(server, `/vol/more${at}`, 'm'.repeat(3_000_000));
    const cut = startFacet(['backup', '--data', data, '--to', to, '--rate', '1M']);
    await server.wrote('stderr', /a backup begins[\s\S]*a backup begins/);
    while (filesBelow(to).length < 12) await new Promise((resolve) => setTimeout(resolve, 20));
    await stop(server, 'SIGKILL');
    expect((await cut.ended).code).toBe(1);
    const back = join(temporaryDirectory(), 'back');
    expect((await facet(['restore', '--from', to, '--data', back])).stdout).toContain(first.id);
    const next = await facet(['backup', '--data', data, '--to', to, ...FAST]);
    expect(next.stdout).toMatch(/\nremoved [0-9.]+ [KM]iB that a backup which was cut short had left\n/);
    expect(next.stdout).toMatch(/\ncopied 1[12]\.[0-9] MiB of data, /);
    const again = join(temporaryDirectory(), 'again');
    expect((await facet(['restore', '--from', to, '--data', again])).code).toBe(0);
  });

  test('a restore that is killed is no store, and one that is interrupted leaves nothing', async () => {
    const data = temporaryDirectory();
    const to = join(temporaryDirectory(), 'backups');
    await stop(await storeWithObjects(data));
    await facet(['backup', '--data', data, '--to', to, ...FAST]);
    const back = join(temporaryDirectory(), 'back');
    const killed = startFacet(['restore', '--from', to, '--data', back]);
    while (!existsSync(join(back, 'meta.restoring'))) await new Promise((resolve) => setTimeout(resolve, 2));
    killed.child.kill('SIGKILL');
    await killed.ended;
    expect(existsSync(join(back, 'meta'))).toBe(false);
    for (const words of [['serve', '--s3', '127.0.0.1:0'], ['volume', 'list'], ['fsck']]) {
      const end = await facet([...words, '--data', back]);
      expect([end.code, end.stderr]).toEqual([1, expect.stringContaining('a restore into it was cut short')]);
    }
    const again = await facet(['restore', '--from', to, '--data', back]);
    expect([again.code, again.stderr]).toEqual([
      1,
      expect.stringContaining(
        'a restore into it was cut short, or is under way. Remove it, and restore again',
      ),
    ]);
    const other = join(temporaryDirectory(), 'other');
    const interrupted = startFacet(['restore', '--from', to, '--data', other]);
    while (!existsSync(join(other, 'meta.restoring'))) await new Promise((resolve) => setTimeout(resolve, 2));
    interrupted.child.kill('SIGINT');
    const end = await interrupted.ended;
    expect([end.code, existsSync(other)]).toEqual([1, false]);
  });

  test.skipIf(noSmallDisk())('a target that is full keeps what it has', async () => {
    const disk = await smallDisk({ megabytes: 24 });
    const data = temporaryDirectory();
    const to = join(disk.path, 'backups');
    const { under } = disk;
    await stop(await storeWithObjects(data));
    const first = await facetJson(report, ['backup', '--data', data, '--to', to, ...FAST], { under });
    const server = await serve({ data, environment });
    for (let at = 0; at < 6; at += 1) await put(server, `/vol/more${at}`, 'm'.repeat(3_000_000));
    await stop(server);
    const before = filesBelow(join(disk.seen, 'backups'));
    const full = await facet(['backup', '--data', data, '--to', to, ...FAST], { under });
    expect([full.code, full.stderr]).toEqual([1, expect.stringContaining('its disk is full')]);
    expect(filesBelow(join(disk.seen, 'backups'))).toEqual(before);
    const left = statfsSync(disk.seen);
    expect(left.bavail * left.bsize).toBeGreaterThan(8 << 20);
    const back = join(temporaryDirectory(), 'back');
    const restored = await facet(['restore', '--from', to, '--data', back], { under });
    expect([restored.code, restored.stdout]).toEqual([0, expect.stringContaining(first.id)]);
    const beside = join(disk.path, 'beside');
    const noRoom = await facet(['restore', '--from', to, '--data', beside], { under });
    expect([noRoom.code, noRoom.stderr]).toEqual([
      1,
      expect.stringMatching(/no room for metadata in .*beside|cannot use .*beside.*: the disk is full/),
    ]);
    expect(existsSync(join(disk.seen, 'beside'))).toBe(false);
    // What others took of it meanwhile does not keep the last backup there.
    takeTheRest(join(disk.seen, 'filler'));
    const removed = await facet(['backup', '--to', to, '--remove', first.id], { under });
    expect([removed.code, removed.stdout]).toEqual([
      0,
      expect.stringMatching(/^removed 1 backup, and 1[12]\.\d MiB of data that none of the others has\n$/),
    ]);
    const none = await facet(['backup', '--to', to, '--check'], { under });
    expect([none.code, none.stderr]).toEqual([3, expect.stringContaining('no backup was ever completed in')]);
  });
});
