/** libnfs, a client that lives in the program that uses it: `nfs-ls`, `nfs-cp`, `nfs-cat`. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CommandResult, runCommand } from '../runner/command.ts';
import { randomBytesOf } from '../runner/randomFile.ts';
import type { Checks } from '../runner/suite.ts';
import type { Unpacked } from '../tools/debian.ts';
import type { Objects } from './objects.ts';

const COMMAND_MS_MAX = 120_000;
const LARGE_BYTES = (5 << 20) + 13;
const PAGES_OF_NAMES = 3_000;

/** Neither `?` nor `&` in names: in the URLs of libnfs they begin its options. */
const ODD_NAMES = [
  'a blank',
  "é+%20 'q' (p)",
  '日本語',
  'quote " and \\ backslash',
  '-dash',
  'x'.repeat(255),
  'line\nbreak',
  '@s3',
  '.hidden',
  '...',
];

export interface Libnfs {
  readonly objects: Objects;
  readonly scratch: string;
  /** Runs one of its programs; a word that begins with `/` is a path of the volume. */
  run(program: 'nfs-ls' | 'nfs-cp' | 'nfs-cat', ...words: readonly string[]): Promise<CommandResult>;
}

/** A path on this host, as a word for `run`. */
export const local = (path: string): string => `local:${path}`;

export function useLibnfs(options: {
  readonly unpacked: Unpacked;
  readonly port: number;
  readonly volume: string;
  readonly objects: Objects;
  readonly scratch: string;
}): Libnfs {
  const { unpacked, port, volume, objects, scratch } = options;
  const wordOf = (word: string): string => {
    if (word.startsWith('local:')) return word.slice('local:'.length);
    return word.startsWith('/') ? `nfs://127.0.0.1/${volume}${word}?nfsport=${port}&mountport=${port}` : word;
  };
  return {
    objects,
    scratch,
    run: (program, ...words) =>
      runCommand(unpacked.program(program), words.map(wordOf), {
        env: { ...process.env, ...unpacked.environment },
        timeoutMs: COMMAND_MS_MAX,
      }),
  };
}

/** Mode, links, owner, group, size, name: the name may hold anything, so a line is split where the next begins. */
function namesIn(listing: string): string[] {
  return listing
    .split(/^[-dlbcps][-rwxsStT]{9} +\d+ +\d+ +\d+ +\d+ /m)
    .slice(1)
    .map((name) => name.replace(/\n+(?: *\d+ of +\d+ bytes free\.\n)?$/, ''));
}

const large = (): Buffer => Buffer.concat([...randomBytesOf({ lengthBytes: LARGE_BYTES, seed: 3 })]);

export const libnfs: Checks<Libnfs> = {
  'put by S3, listed and read': async ({ objects, run }) => {
    await objects.put('by-s3/small', 'a few bytes\n');
    await objects.put('by-s3/empty', '');
    await objects.put('by-s3/large', large());
    const { stdout } = await run('nfs-ls', '/by-s3');
    assert.deepEqual(namesIn(stdout).sort(), ['empty', 'large', 'small']);
    assert.match(stdout, new RegExp(`^-rw-rw-rw- +1 65534 65534 +${LARGE_BYTES} large$`, 'm'));
    assert.equal((await run('nfs-cat', '/by-s3/small')).stdout, 'a few bytes\n');
    assert.equal((await run('nfs-cat', '/by-s3/empty')).bytes.length, 0);
    assert.ok((await run('nfs-cat', '/by-s3/large')).bytes.equals(large()), 'the large file differs');
  },

  'written by nfs-cp, got by S3': async ({ objects, run, scratch }) => {
    const file = join(scratch, 'to-copy');
    writeFileSync(file, large());
    await run('nfs-cp', local(file), '/copied');
    assert.ok((await objects.get('copied'))?.equals(large()), 'what S3 gets differs');
    assert.ok((await objects.list()).includes('copied'), 'S3 does not list it');
    assert.match((await objects.etag('copied')) ?? '', /^"[0-9a-f]{32}-\d+"$/);
  },

  'nfs-cp from the server, and from the server to itself': async ({ objects, run, scratch }) => {
    await objects.put('source', large());
    const file = join(scratch, 'copied-down');
    await run('nfs-cp', '/source', local(file));
    assert.ok(readFileSync(file).equals(large()), 'what came down differs');
    await run('nfs-cp', '/source', '/twin');
    assert.ok((await objects.get('twin'))?.equals(large()), 'the copy on the server differs');
  },

  'odd names, both ways': async ({ objects, run, scratch }) => {
    const file = join(scratch, 'odd');
    for (const name of ODD_NAMES) {
      await objects.put(`odd/s3/${name}`, name);
      assert.equal((await run('nfs-cat', `/odd/s3/${name}`)).stdout, name);
    }
    assert.deepEqual(namesIn((await run('nfs-ls', '/odd/s3')).stdout).sort(), [...ODD_NAMES].sort());
    await objects.put('odd/nfs/', '');
    for (const name of ODD_NAMES) {
      writeFileSync(file, name);
      await run('nfs-cp', local(file), `/odd/nfs/${name}`);
      assert.equal((await objects.get(`odd/nfs/${name}`))?.toString(), name);
    }
    const wanted = ['', ...ODD_NAMES].map((name) => `odd/nfs/${name}`);
    assert.deepEqual((await objects.list('odd/nfs/')).sort(), wanted.sort());
  },

  'keys that no file can be named, under the escape that the README shows': async ({ objects, run }) => {
    const shown: Readonly<Record<string, string>> = {
      twin1: '@s3file=twin1',
      'twin1/below': 'twin1/below',
      'd1//e': 'd1/@s3=/e',
      '../up': '@s3=../up',
      './here': '@s3=./here',
      '@s3=named': '@s3=@s3=named',
    };
    for (const key of Object.keys(shown)) await objects.put(key, `bytes of ${key}`);
    for (const [key, path] of Object.entries(shown)) {
      assert.equal((await run('nfs-cat', `/${path}`)).stdout, `bytes of ${key}`);
    }
  },

  'a directory of several pages': async ({ objects, run }) => {
    const keys = Array.from({ length: PAGES_OF_NAMES }, (_, at) => `many/name-${at}-${'n'.repeat(at % 90)}`);
    await objects.putMany(keys, (key) => key);
    const { stdout } = await run('nfs-ls', '-R', '/many');
    assert.deepEqual(
      namesIn(stdout)
        .map((name) => `many/${name.replace(/^.*\//, '')}`)
        .sort(),
      [...keys].sort(),
    );
  },

  'an absent file and an absent volume are told as such': async ({ run }) => {
    await assert.rejects(run('nfs-cat', '/absent'), /NFS3ERR_NOENT/);
    await assert.rejects(run('nfs-ls', '/absent/below'), /NOENT/);
  },
};
