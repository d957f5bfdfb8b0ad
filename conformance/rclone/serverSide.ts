/** Copies and moves that do not pass through rclone. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { writeRandomFile } from '../runner/randomFile.ts';
import type { Checks } from '../runner/suite.ts';
import type { Rclone } from './world.ts';

const MIB = 1 << 20;

async function twoBuckets(world: Rclone): Promise<readonly [from: string, to: string]> {
  return [await world.bucket(), await world.bucket()];
}

export const serverSide: Checks<Rclone> = {
  'copy between buckets': async (world) => {
    const [from, to] = await twoBuckets(world);
    await world.rclone('copy', world.folder({ 'a b+é.txt': '1', 'd/c.txt': '2' }), from);
    const { stderr } = await world.rclone('copy', '--verbose', from, to);
    assert.match(stderr, /Copied \(server-side copy\)/);
    await world.rclone('check', from, to);
  },

  'copy in parts': async (world) => {
    const [from, to] = await twoBuckets(world);
    const folder = world.folder();
    await writeRandomFile(join(folder, 'large'), { lengthBytes: 25 * MIB, seed: 9 });
    await world.rclone('copy', folder, from);
    await world.rclone('copy', '--s3-copy-cutoff', '8Mi', from, to);
    await world.rclone('check', '--download', folder, to);
  },

  'move between folders and buckets': async (world) => {
    const [from, to] = await twoBuckets(world);
    const folder = world.folder({ a: '1', 'b/c': '2' });
    await world.rclone('copy', folder, `${from}/old`);
    await world.rclone('move', `${from}/old`, `${from}/new`);
    await world.rclone('move', `${from}/new`, to);
    await world.rclone('check', folder, to);
    assert.equal((await world.rclone('lsf', '--recursive', '--files-only', from)).stdout, '');
  },

  'moveto: one file to another name': async (world) => {
    const [remote] = await twoBuckets(world);
    await world.rclone('copy', world.folder({ a: '1' }), remote);
    await world.rclone('moveto', `${remote}/a`, `${remote}/x/y/z`);
    assert.equal((await world.rclone('lsf', '--recursive', '--files-only', remote)).stdout, 'x/y/z\n');
  },
};
