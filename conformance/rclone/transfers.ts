/** Large files in parts, and what rclone checks about them. */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { sha256OfFile, writeRandomFile } from '../runner/randomFile.ts';
import type { Checks } from '../runner/suite.ts';
import type { Rclone } from './world.ts';

const MIB = 1 << 20;
const LARGE = { lengthBytes: 60 * MIB + 11, seed: 7 };
const IN_PARTS = ['--s3-upload-cutoff', '8Mi', '--s3-chunk-size', '8Mi', '--s3-upload-concurrency', '4'];

export const transfers: Checks<Rclone> = {
  '60 MiB in parts there and back, by several streams': async (world) => {
    const folder = world.folder();
    const remote = await world.bucket();
    const sent = await writeRandomFile(join(folder, 'large'), LARGE);
    await world.rclone('copyto', ...IN_PARTS, join(folder, 'large'), `${remote}/large`);
    await world.rclone(
      'copyto',
      '--multi-thread-cutoff',
      '8Mi',
      '--multi-thread-streams',
      '4',
      `${remote}/large`,
      join(folder, 'down'),
    );
    assert.equal(await sha256OfFile(join(folder, 'down')), sent);
    // rclone keeps the MD5 of what it sends in parts as metadata: the ETag is none.
    await world.rclone('check', folder, remote, '--include', 'large');
  },

  '60 MiB in one request': async (world) => {
    const folder = world.folder();
    const remote = await world.bucket();
    const sent = await writeRandomFile(join(folder, 'large'), LARGE);
    await world.rclone('copyto', '--s3-upload-cutoff', '100Mi', join(folder, 'large'), `${remote}/large`);
    await world.rclone('copyto', `${remote}/large`, join(folder, 'down'));
    assert.equal(await sha256OfFile(join(folder, 'down')), sent);
  },

  '500 small files by 16 at once': async (world) => {
    const tree = Object.fromEntries(
      Array.from({ length: 500 }, (_, at) => [`d${at % 7}/f${at}`, `file ${at}`]),
    );
    const folder = world.folder(tree);
    const remote = await world.bucket();
    await world.rclone('copy', '--transfers', '16', '--checkers', '16', folder, remote);
    await world.rclone('check', '--checkers', '16', folder, remote);
  },
};
