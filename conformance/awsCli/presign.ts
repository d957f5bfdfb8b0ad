import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { runCommand } from '../runner/command.ts';
import type { Checks } from '../runner/suite.ts';
import type { AwsCli } from './world.ts';

/** By curl, which knows nothing of S3. The body, then the status on a line of its own. */
async function curl(cli: AwsCli, url: string): Promise<{ body: string; status: number }> {
  const trust = cli.server.certificateFile === undefined ? [] : ['--cacert', cli.server.certificateFile];
  const { stdout } = await runCommand('curl', ['--silent', '--write-out', '\n%{http_code}', ...trust, url], {
    timeoutMs: 30_000,
  });
  const end = stdout.lastIndexOf('\n');
  return { body: stdout.slice(0, end), status: Number(stdout.slice(end + 1)) };
}

async function presigned(cli: AwsCli, key: string, ...words: readonly string[]): Promise<string> {
  const bucket = await cli.bucket();
  await cli.aws(['s3', 'cp', '-', `s3://${bucket}/${key}`], { input: 'for everyone' });
  // In the oldest region aws-cli 1 still signs URLs by Signature Version 2.
  const { stdout } = await cli.aws([
    '--region',
    'eu-central-1',
    's3',
    'presign',
    `s3://${bucket}/${key}`,
    ...words,
  ]);
  return stdout.trim();
}

export const presign: Checks<AwsCli> = {
  'a URL that curl can get': async (cli) => {
    assert.deepEqual(await curl(cli, await presigned(cli, 'a b/ö+%.txt')), {
      body: 'for everyone',
      status: 200,
    });
  },

  'a URL that has expired': async (cli) => {
    const url = await presigned(cli, 'key', '--expires-in', '1');
    // Its second passes while the clock stands still for nobody: asked until it is over, at most ten times.
    let answer = await curl(cli, url);
    for (let tries = 0; tries < 10 && answer.status === 200; tries++) {
      await sleep(500);
      answer = await curl(cli, url);
    }
    assert.equal(answer.status, 403);
    assert.match(answer.body, /<Code>AccessDenied<\/Code>/);
  },

  'a URL that was changed': async (cli) => {
    const answer = await curl(cli, (await presigned(cli, 'key')).replace('/key?', '/kex?'));
    assert.equal(answer.status, 403);
    assert.match(answer.body, /<Code>SignatureDoesNotMatch<\/Code>/);
  },
};
