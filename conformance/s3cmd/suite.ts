/** s3cmd, which signs and lists in ways of its own. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommandFailed, type CommandResult, runCommand } from '../runner/command.ts';
import { sha256OfFile, writeRandomFile } from '../runner/randomFile.ts';
import { type Checks, runChecks, type Suite } from '../runner/suite.ts';
import type { Server } from '../server/launch.ts';
import { installPython } from '../tools/python.ts';

const MIB = 1 << 20;
const COMMAND_MS_MAX = 300_000;

interface S3cmd {
  s3cmd(...words: readonly string[]): Promise<CommandResult>;
  /** What it says when it fails. */
  refused(...words: readonly string[]): Promise<string>;
  folder(): string;
  /** `s3://bucket`, made now. */
  bucket(): Promise<string>;
}

function makeWorld(options: {
  readonly program: string;
  readonly server: Server;
  readonly scratch: string;
}): S3cmd {
  const { program, server, scratch } = options;
  const { accessKeyId, secretAccessKey } = server.accounts.main;
  const address = `${server.endpoint.host}:${server.endpoint.port}`;
  const configuration = join(scratch, 's3cfg');
  writeFileSync(
    configuration,
    [
      '[default]',
      `access_key = ${accessKeyId}`,
      `secret_key = ${secretAccessKey}`,
      `host_base = ${address}`,
      // No %(bucket)s in it: path-style.
      `host_bucket = ${address}`,
      'use_https = False',
      '',
    ].join('\n'),
  );
  let made = 0;
  const s3cmd = (...words: readonly string[]): Promise<CommandResult> =>
    runCommand(program, ['--config', configuration, '--no-progress', ...words], {
      timeoutMs: COMMAND_MS_MAX,
    });
  return {
    s3cmd,
    refused: async (...words) => {
      try {
        await s3cmd(...words);
      } catch (error) {
        if (error instanceof CommandFailed) return error.message;
        throw error;
      }
      throw new Error(`s3cmd ${words.join(' ')} succeeded`);
    },
    folder: () => {
      made += 1;
      const folder = join(scratch, `s3cmd-${made}`);
      mkdirSync(folder);
      return folder;
    },
    bucket: async () => {
      made += 1;
      const url = `s3://s3cmd-${made}`;
      await s3cmd('mb', url);
      return url;
    },
  };
}

async function names({ s3cmd }: S3cmd, url: string): Promise<string[]> {
  const { stdout } = await s3cmd('ls', '--recursive', `${url}/`);
  return Array.from(stdout.matchAll(/s3:\/\/[^/]+\/(.*)$/gm), ([, name = '']) => name);
}

const checks: Checks<S3cmd> = {
  'put, get, ls, del': async (world) => {
    const folder = world.folder();
    const url = await world.bucket();
    writeFileSync(join(folder, 'up'), 'bytes');
    await world.s3cmd('put', join(folder, 'up'), `${url}/dir/ä b+c.txt`);
    await world.s3cmd('get', `${url}/dir/ä b+c.txt`, join(folder, 'down'));
    assert.equal(readFileSync(join(folder, 'down'), 'utf8'), 'bytes');
    assert.match((await world.s3cmd('ls', url)).stdout, /DIR .*\/dir\//);
    assert.deepEqual(await names(world, url), ['dir/ä b+c.txt']);
    await world.s3cmd('del', `${url}/dir/ä b+c.txt`);
    assert.deepEqual(await names(world, url), []);
    await world.s3cmd('rb', url);
  },

  'put and get of 40 MiB in parts': async (world) => {
    const folder = world.folder();
    const url = await world.bucket();
    const sent = await writeRandomFile(join(folder, 'up'), { lengthBytes: 40 * MIB + 1, seed: 4 });
    await world.s3cmd('put', '--multipart-chunk-size-mb=15', join(folder, 'up'), `${url}/large`);
    await world.s3cmd('get', `${url}/large`, join(folder, 'down'));
    assert.equal(await sha256OfFile(join(folder, 'down')), sent);
  },

  'sync up with --delete-removed, and down': async (world) => {
    const [up, down] = [world.folder(), world.folder()];
    const url = await world.bucket();
    for (const name of ['a', 'b', 'c']) writeFileSync(join(up, name), name);
    await world.s3cmd('sync', `${up}/`, `${url}/tree/`);
    writeFileSync(join(up, 'a'), 'changed');
    await runCommand('rm', [join(up, 'b')], { timeoutMs: 5_000 });
    await world.s3cmd('sync', '--delete-removed', `${up}/`, `${url}/tree/`);
    assert.deepEqual(await names(world, url), ['tree/a', 'tree/c']);
    await world.s3cmd('sync', `${url}/tree/`, `${down}/`);
    assert.equal(readFileSync(join(down, 'a'), 'utf8'), 'changed');
  },

  'cp and mv': async (world) => {
    const folder = world.folder();
    const url = await world.bucket();
    writeFileSync(join(folder, 'up'), 'bytes');
    await world.s3cmd('put', join(folder, 'up'), `${url}/one`);
    await world.s3cmd('cp', `${url}/one`, `${url}/two`);
    await world.s3cmd('mv', `${url}/two`, `${url}/dir/three`);
    assert.deepEqual(await names(world, url), ['dir/three', 'one']);
  },

  'info, of a bucket and of an object': async (world) => {
    const folder = world.folder();
    const url = await world.bucket();
    writeFileSync(join(folder, 'up.txt'), 'bytes');
    await world.s3cmd('put', '--add-header=x-amz-meta-colour:blue', join(folder, 'up.txt'), `${url}/up.txt`);
    const { stdout } = await world.s3cmd('info', `${url}/up.txt`);
    assert.match(stdout, /File size:\s+5/);
    assert.match(stdout, /MD5 sum:\s+4b3a6218bb3e3a7303e8a171a60fcf92/);
    assert.match(stdout, /x-amz-meta-colour:\s+blue/);
    assert.match((await world.s3cmd('info', url)).stdout, /Location:/);
  },

  'setacl: private is how it is; public is refused': async (world) => {
    const folder = world.folder();
    const url = await world.bucket();
    writeFileSync(join(folder, 'up'), 'bytes');
    await world.s3cmd('put', join(folder, 'up'), `${url}/key`);
    await world.s3cmd('setacl', '--acl-private', `${url}/key`);
    assert.match(await world.refused('setacl', '--acl-public', `${url}/key`), /501|NotImplemented/);
  },

  'del --recursive, and du': async (world) => {
    const folder = world.folder();
    const url = await world.bucket();
    for (const name of ['a', 'b', 'c']) writeFileSync(join(folder, name), name.repeat(100));
    await world.s3cmd('put', '--recursive', `${folder}/`, `${url}/dir/`);
    assert.match((await world.s3cmd('du', url)).stdout, /^\s*300\s+3 objects/);
    await world.s3cmd('del', '--recursive', '--force', `${url}/dir/`);
    assert.deepEqual(await names(world, url), []);
  },

  'signurl is by Signature Version 2, which is refused by name': async (world) => {
    const url = await world.bucket();
    const { stdout } = await world.s3cmd('signurl', `${url}/key`, '+60');
    const answer = await fetch(stdout.trim());
    assert.equal(answer.status, 400);
    assert.match(await answer.text(), /Please use AWS4-HMAC-SHA256/);
  },
};

export const s3cmdSuite: Suite = {
  name: 's3cmd',
  run: async function* (stage) {
    const python = await installPython(stage);
    const { scratch } = stage;
    yield* runChecks(
      checks,
      makeWorld({ program: python.program('s3cmd'), server: await stage.http(), scratch }),
    );
  },
};
