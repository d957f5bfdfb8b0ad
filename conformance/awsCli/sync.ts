import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Checks } from '../runner/suite.ts';
import type { AwsCli } from './world.ts';

const TREE = {
  'a.txt': 'a',
  'dir/b.txt': 'bb',
  'dir/deeper/c.txt': 'ccc',
  'dir-b/d.txt': 'dddd',
  'blank name/é.txt': 'eeeee',
};

function writeTree(folder: string, tree: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(tree)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

function readTree(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return Object.fromEntries(
    names.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [path.slice(folder.length + 1), readFileSync(path, 'utf8')];
    }),
  );
}

export const sync: Checks<AwsCli> = {
  'up, then down into another folder': async (cli) => {
    const [up, down] = [cli.folder(), cli.folder()];
    const url = `s3://${await cli.bucket()}/tree`;
    writeTree(up, TREE);
    await cli.aws(['s3', 'sync', up, url]);
    await cli.aws(['s3', 'sync', url, down]);
    assert.deepEqual(readTree(down), TREE);
  },

  'a second time moves nothing': async (cli) => {
    const up = cli.folder();
    const url = `s3://${await cli.bucket()}/tree`;
    writeTree(up, TREE);
    await cli.aws(['s3', 'sync', up, url]);
    assert.equal((await cli.aws(['s3', 'sync', up, url])).stdout, '');
    assert.equal((await cli.aws(['s3', 'sync', '--delete', url, up])).stdout, '');
  },

  'up with --delete: changed, new and gone': async (cli) => {
    const [up, down] = [cli.folder(), cli.folder()];
    const url = `s3://${await cli.bucket()}/tree`;
    writeTree(up, TREE);
    await cli.aws(['s3', 'sync', up, url]);
    rmSync(join(up, 'dir'), { recursive: true });
    writeTree(up, { 'a.txt': 'changed', 'new/f.txt': 'f' });
    const { stdout } = await cli.aws(['s3', 'sync', '--delete', up, url]);
    assert.equal(stdout.match(/^delete:/gm)?.length, 2);
    await cli.aws(['s3', 'sync', url, down]);
    assert.deepEqual(readTree(down), readTree(up));
  },

  'down with --delete: changed, new and gone': async (cli) => {
    const [up, down] = [cli.folder(), cli.folder()];
    const url = `s3://${await cli.bucket()}/tree`;
    writeTree(up, TREE);
    await cli.aws(['s3', 'sync', up, url]);
    writeTree(down, { 'a.txt': 'other', 'stray.txt': 'gone soon' });
    const longAgo = new Date('2001-01-01');
    utimesSync(join(down, 'a.txt'), longAgo, longAgo);
    await cli.aws(['s3', 'sync', '--delete', url, down]);
    assert.deepEqual(readTree(down), TREE);
  },

  'between buckets': async (cli) => {
    const [up, down] = [cli.folder(), cli.folder()];
    const [from, to] = [`s3://${await cli.bucket()}`, `s3://${await cli.bucket()}`];
    writeTree(up, TREE);
    await cli.aws(['s3', 'sync', up, from]);
    await cli.aws(['s3', 'sync', from, to]);
    await cli.aws(['s3', 'sync', to, down]);
    assert.deepEqual(readTree(down), TREE);
  },
};
