/** Signals other than those that the tests of serving, of npx and of crashes send. */

import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { serve, stop, temporaryDirectory } from './facetProcess.ts';

const ROOT = new URL('../../../', import.meta.url);

test.each(['SIGUSR1', 'SIGUSR2'] as const)('%s does nothing, and opens no debugger', async (signal) => {
  const server = await serve({ data: temporaryDirectory() });
  server.child.kill(signal);
  // Of SIGUSR1 the process is not even told.
  if (signal === 'SIGUSR2') await server.wrote('stderr', /"SIGUSR2","msg":"this signal means nothing here"/);
  expect((await fetch(`${server.serving.admin.url}/health/ready`)).status).toBe(200);
  const end = await stop(server);
  expect(end.code).toBe(0);
  expect(end.stderr).not.toContain('Debugger');
});

test('nor does one that comes before there is anybody to hear it, however the server is started', () => {
  const command = 'packages/server/bin/facet';
  const started = readFileSync(new URL(command, ROOT), 'utf8').match(/exec .*node.*/g);
  expect(started).toEqual([expect.stringContaining(' --disable-sigusr1 ')]);
  const { scripts } = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8'));
  expect(scripts.start).toBe(`exec ${command} serve`);
});

test('a terminal that is closed stops its server as SIGTERM does', async () => {
  const data = temporaryDirectory();
  const ports = '--s3 127.0.0.1:0 --admin 127.0.0.1:0 --nfs off';
  const command = `exec packages/server/bin/facet serve --json --data ${data} ${ports}`;
  // The terminal is gone, for reading and for writing, when this holder of its other end is.
  const terminal = spawn('script', ['--quiet', '--command', command, '/dev/null'], {
    cwd: ROOT,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => {
    terminal.kill('SIGKILL');
  });
  let shown = '';
  terminal.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    shown += chunk;
  });
  await expect.poll(() => shown).toContain('"msg":"serving"');
  const pid = /"pid":(\d+),"dataDirectory"/.exec(shown)?.[1];
  onTestFinished(() => {
    if (existsSync(`/proc/${pid}/fd`)) process.kill(Number(pid), 'SIGKILL');
  });
  expect(existsSync(join(data, 'admin.json'))).toBe(true);
  terminal.kill('SIGKILL');
  await expect.poll(() => existsSync(join(data, 'admin.json'))).toBe(false);
  await stop(await serve({ data }));
});
