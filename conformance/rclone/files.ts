/** copy, sync, check, lsf, cat, delete: on a tree of small files. */
import assert from 'node:assert/strict';
import { rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Checks } from '../runner/suite.ts';
import type { Rclone } from './world.ts';

const TREE = {
  'a.txt': 'a',
  'dir/b.txt': 'bb',
  'dir/deeper/c.txt': 'ccc',
  'dir-b/d.txt': 'dddd',
  "blank name/é+%20 'q' & (p).txt": 'eeeee',
  empty: '',
};

async function names(world: Rclone, remote: string): Promise<string[]> {
  const { stdout } = await world.rclone('lsf', '--recursive', '--files-only', remote);
  return stdout.split('\n').filter(Boolean).sort();
}

export const files: Checks<Rclone> = {
  'copy up, and down into another folder': async (world) => {
    const remote = `${await world.bucket()}/tree`;
    const up = world.folder(TREE);
    const down = world.folder();
    await world.rclone('copy', up, remote);
    assert.deepEqual(await names(world, remote), Object.keys(TREE).sort());
    await world.rclone('copy', remote, down);
    await world.rclone('check', '--download', up, down);
  },

  'check: by hash, by download, and that it finds a difference': async (world) => {
    const remote = await world.bucket();
    const up = world.folder(TREE);
    await world.rclone('copy', up, remote);
    await world.rclone('check', up, remote);
    await world.rclone('check', '--download', up, remote);
    writeFileSync(join(up, 'a.txt'), 'b');
    assert.match((await world.ask('check', up, remote)).stderr, /1 differences found/);
  },

  'sync: changed, new and gone; the times of files come back': async (world) => {
    const remote = await world.bucket();
    const up = world.folder(TREE);
    const when = new Date('2020-02-29T12:34:56Z');
    utimesSync(join(up, 'a.txt'), when, when);
    await world.rclone('sync', up, remote);
    rmSync(join(up, 'dir'), { recursive: true });
    writeFileSync(join(up, 'new.txt'), 'new');
    await world.rclone('sync', up, remote);
    await world.rclone('check', up, remote);
    const { stdout } = await world.rclone('lsl', remote, '--include', 'a.txt');
    assert.match(stdout, /2020-02-29 12:34:56/);
  },

  'sync --checksum: a second time moves nothing': async (world) => {
    const remote = await world.bucket();
    const up = world.folder(TREE);
    await world.rclone('sync', '--checksum', up, remote);
    const later = new Date('2021-01-01');
    utimesSync(join(up, 'a.txt'), later, later);
    const { stderr } = await world.rclone('sync', '--checksum', '--verbose', up, remote);
    assert.match(stderr, /nothing to transfer|Transferred:\s+0 B/);
  },

  'lsf and size: folders, files, sums': async (world) => {
    const remote = await world.bucket();
    await world.rclone('copy', world.folder(TREE), remote);
    const { stdout } = await world.rclone('lsf', remote);
    assert.deepEqual(stdout.split('\n').filter(Boolean).sort(), [
      'a.txt',
      'blank name/',
      'dir-b/',
      'dir/',
      'empty',
    ]);
    assert.match((await world.rclone('size', '--json', remote)).stdout, /"count":6,"bytes":15/);
  },

  'cat: a range, the head, the tail': async (world) => {
    const remote = await world.bucket();
    await world.rclone('copy', world.folder({ digits: '0123456789' }), remote);
    const cat = async (...words: string[]) =>
      (await world.rclone('cat', ...words, `${remote}/digits`)).stdout;
    assert.equal(await cat('--offset', '2', '--count', '3'), '234');
    assert.equal(await cat('--head', '2'), '01');
    assert.equal(await cat('--tail', '2'), '89');
  },

  'touch: an empty file': async (world) => {
    const remote = await world.bucket();
    await world.rclone('touch', `${remote}/touched`);
    assert.deepEqual(await names(world, remote), ['touched']);
  },

  'delete by pattern, deletefile, purge': async (world) => {
    const remote = await world.bucket();
    await world.rclone('copy', world.folder(TREE), remote);
    await world.rclone('delete', '--include', '*.txt', `${remote}/dir`);
    assert.equal((await names(world, remote)).length, 4);
    await world.rclone('deletefile', `${remote}/empty`);
    assert.equal((await names(world, remote)).length, 3);
    await world.rclone('purge', remote);
    assert.match((await world.ask('lsf', remote)).stderr, /directory not found|NoSuchBucket/);
  },
};
