/** mv, rm, ls, mb and rb. */
import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Checks } from '../runner/suite.ts';
import type { AwsCli } from './world.ts';

async function fill(cli: AwsCli, ...keys: readonly string[]): Promise<string> {
  const bucket = await cli.bucket();
  for (const key of keys) await cli.aws(['s3', 'cp', '-', `s3://${bucket}/${key}`], { input: key });
  return bucket;
}

/** Names in the order that `ls` prints them. */
async function list(cli: AwsCli, url: string, ...words: readonly string[]): Promise<string[]> {
  const { stdout } = await cli.aws(['s3', 'ls', url, ...words], { allowed: [1] });
  return Array.from(stdout.matchAll(/^(?:.{19} +\d+| +PRE) (.*)$/gm), ([, name = '']) => name);
}

export const objects: Checks<AwsCli> = {
  'mv: from a file, within the store, to a file': async (cli) => {
    const folder = cli.folder();
    const bucket = await cli.bucket();
    writeFileSync(join(folder, 'file'), 'moved');
    await cli.aws(['s3', 'mv', join(folder, 'file'), `s3://${bucket}/one`]);
    assert.equal(existsSync(join(folder, 'file')), false);
    await cli.aws(['s3', 'mv', `s3://${bucket}/one`, `s3://${bucket}/dir/two`]);
    assert.deepEqual(await list(cli, `s3://${bucket}`, '--recursive'), ['dir/two']);
    await cli.aws(['s3', 'mv', `s3://${bucket}/dir/two`, join(folder, 'back')]);
    assert.deepEqual(await list(cli, `s3://${bucket}`, '--recursive'), []);
    assert.equal(existsSync(join(folder, 'back')), true);
  },

  'mv --recursive: a folder': async (cli) => {
    const bucket = await fill(cli, 'old/a', 'old/b/c', 'older');
    await cli.aws(['s3', 'mv', '--recursive', `s3://${bucket}/old/`, `s3://${bucket}/new/`]);
    assert.deepEqual(await list(cli, `s3://${bucket}`, '--recursive'), ['new/a', 'new/b/c', 'older']);
  },

  'rm: one, and what is not there': async (cli) => {
    const bucket = await fill(cli, 'a', 'ab');
    await cli.aws(['s3', 'rm', `s3://${bucket}/a`]);
    await cli.aws(['s3', 'rm', `s3://${bucket}/never`]);
    assert.deepEqual(await list(cli, `s3://${bucket}`), ['ab']);
  },

  'rm --recursive: a folder, then everything': async (cli) => {
    const bucket = await fill(cli, 'a', 'a/b', 'a/c/d', 'ab', 'e f+g');
    await cli.aws(['s3', 'rm', '--recursive', `s3://${bucket}/a/`]);
    assert.deepEqual(await list(cli, `s3://${bucket}`), ['a', 'ab', 'e f+g']);
    await cli.aws(['s3', 'rm', '--recursive', `s3://${bucket}`]);
    assert.deepEqual(await list(cli, `s3://${bucket}`), []);
    await cli.aws(['s3', 'rb', `s3://${bucket}`]);
  },

  'rb --force: a bucket with everything in it': async (cli) => {
    const bucket = await fill(cli, 'a', 'a/b');
    assert.match(await cli.refused('s3', 'rb', `s3://${bucket}`), /BucketNotEmpty/);
    await cli.aws(['s3', 'rb', '--force', `s3://${bucket}`]);
    assert.match(await cli.refused('s3', 'ls', `s3://${bucket}`), /NoSuchBucket/);
  },

  'ls: buckets, folders, sizes and sums': async (cli) => {
    const bucket = await fill(cli, 'a/1', 'a/2', 'b', 'c/d/e', 'ü');
    assert.match((await cli.aws(['s3', 'ls'])).stdout, new RegExp(` ${bucket}$`, 'm'));
    assert.deepEqual(await list(cli, `s3://${bucket}`), ['a/', 'c/', 'b', 'ü']);
    assert.deepEqual(await list(cli, `s3://${bucket}/a/`), ['1', '2']);
    const { stdout } = await cli.aws(['s3', 'ls', '--recursive', '--summarize', `s3://${bucket}`]);
    assert.match(stdout, /Total Objects: 5\n\s*Total Size: 14/);
  },

  'ls: pages of 2': async (cli) => {
    const keys = ['a', 'b', 'c/d', 'e', 'f'];
    const bucket = await fill(cli, ...keys);
    assert.deepEqual(await list(cli, `s3://${bucket}`, '--recursive', '--page-size', '2'), keys);
  },
};
