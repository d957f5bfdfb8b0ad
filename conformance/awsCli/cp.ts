import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { randomBytesOf, sha256OfFile, writeRandomFile } from '../runner/randomFile.ts';
import type { Checks } from '../runner/suite.ts';
import type { AwsCli } from './world.ts';

const MIB = 1 << 20;

/** Up from a file, down to another, compared. */
async function thereAndBack(cli: AwsCli, lengthBytes: number): Promise<void> {
  const folder = cli.folder();
  const url = `s3://${await cli.bucket()}/dir/file`;
  const sent = await writeRandomFile(join(folder, 'up'), { lengthBytes, seed: 1 });
  await cli.aws(['s3', 'cp', '--only-show-errors', join(folder, 'up'), url]);
  await cli.aws(['s3', 'cp', '--only-show-errors', url, join(folder, 'down')]);
  assert.equal(await sha256OfFile(join(folder, 'down')), sent);
}

export const cp: Checks<AwsCli> = {
  'a small file there and back': (cli) => thereAndBack(cli, 12_345),
  'no bytes there and back': (cli) => thereAndBack(cli, 0),
  '100 MiB in parts there and back': (cli) => thereAndBack(cli, 100 * MIB),
  '1 GiB in parts there and back, compared by SHA-256': (cli) => thereAndBack(cli, 1024 * MIB),

  'a stream from standard input, and to standard output': async (cli) => {
    const url = `s3://${await cli.bucket()}/stream`;
    const input = Readable.from(randomBytesOf({ lengthBytes: 20 * MIB + 3, seed: 2 }));
    await cli.aws(['s3', 'cp', '-', url], { input });
    const { bytes } = await cli.aws(['s3', 'cp', url, '-']);
    assert.deepEqual(bytes, Buffer.concat([...randomBytesOf({ lengthBytes: 20 * MIB + 3, seed: 2 })]));
  },

  'metadata, content type and storage class': async (cli) => {
    const folder = cli.folder();
    const bucket = await cli.bucket();
    writeFileSync(join(folder, 'page.html'), '<p>');
    await cli.aws([
      's3',
      'cp',
      join(folder, 'page.html'),
      `s3://${bucket}/`,
      '--metadata',
      'a=b',
      '--cache-control',
      'no-cache',
    ]);
    const head = await cli.s3api<Record<string, unknown>>(
      'head-object',
      '--bucket',
      bucket,
      '--key',
      'page.html',
    );
    assert.equal(head['ContentType'], 'text/html');
    assert.equal(head['CacheControl'], 'no-cache');
    assert.deepEqual(head['Metadata'], { a: 'b' });
  },

  'between buckets, small and in parts': async (cli) => {
    const folder = cli.folder();
    const from = await cli.bucket();
    const to = await cli.bucket();
    for (const [name, lengthBytes] of [
      ['small', 100],
      ['parts', 20 * MIB],
    ] as const) {
      const sent = await writeRandomFile(join(folder, name), { lengthBytes, seed: 3 });
      await cli.aws(['s3', 'cp', '--only-show-errors', join(folder, name), `s3://${from}/${name}`]);
      await cli.aws(['s3', 'cp', '--only-show-errors', `s3://${from}/${name}`, `s3://${to}/${name}`]);
      await cli.aws(['s3', 'cp', '--only-show-errors', `s3://${to}/${name}`, join(folder, `${name}-back`)]);
      assert.equal(await sha256OfFile(join(folder, `${name}-back`)), sent);
    }
  },

  'a name that needs encoding': async (cli) => {
    const folder = cli.folder();
    const url = `s3://${await cli.bucket()}/ä b+c%20/(d)&e=f'#g?.txt`;
    writeFileSync(join(folder, 'up'), 'named');
    await cli.aws(['s3', 'cp', join(folder, 'up'), url]);
    await cli.aws(['s3', 'cp', url, join(folder, 'down')]);
    assert.equal(readFileSync(join(folder, 'down'), 'utf8'), 'named');
  },

  'a whole folder, with one pattern left out': async (cli) => {
    const folder = cli.folder();
    const bucket = await cli.bucket();
    for (const name of ['a.txt', 'b.log', 'c.txt']) writeFileSync(join(folder, name), name);
    await cli.aws(['s3', 'cp', '--recursive', '--exclude', '*.log', folder, `s3://${bucket}/all/`]);
    const { stdout } = await cli.aws(['s3', 'ls', '--recursive', `s3://${bucket}/`]);
    assert.deepEqual(stdout.match(/all\/\S+/g), ['all/a.txt', 'all/c.txt']);
  },

  'what is missing is said to be': async (cli) => {
    const bucket = await cli.bucket();
    assert.match(
      await cli.refused('s3', 'cp', `s3://${bucket}/missing`, '-'),
      /\(404\)|NoSuchKey|does not exist/,
    );
  },
};
