/** Whose death ends a server: that of the shell which npx runs it in, and nobody else's. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { serve, temporaryDirectory } from './facetProcess.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const COMMAND = fileURLToPath(new URL('../bin/facet', import.meta.url));

/** As users run it in the clone, but for the question whether to fetch it. */
const NPX_FACET: readonly string[] = ['npx', '--no', 'facet'];
const PORTS = ['--s3', '127.0.0.1:0', '--admin', '127.0.0.1:0', '--nfs', '127.0.0.1:0'];

/** The environment outside of npm, which may have started these tests. */
const outside = () => Object.entries(process.env).filter(([variable]) => !/^(FACET|npm)_/.test(variable));

/** Starts a server by another program. @returns that program, what the server writes, and its pid */
async function serveUnder(
  program: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<{
  readonly parent: ReturnType<typeof spawn>;
  readonly pid: number;
  readonly written: () => string;
}> {
  const [name = '', ...words] = [...program, 'serve', '--json', '--data', temporaryDirectory(), ...PORTS];
  const parent = spawn(name, words, {
    cwd: ROOT,
    env: { ...Object.fromEntries(outside()), ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let pid: number | undefined;
  onTestFinished(() => {
    if (pid !== undefined && isRunning(pid)) process.kill(pid, 'SIGKILL');
    parent.kill('SIGKILL');
  });
  let written = '';
  for (const stream of [parent.stdout, parent.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      written += chunk;
    });
  }
  await expect.poll(() => written).toMatch(/"pid":\d+,"dataDirectory"/);
  pid = Number(/"pid":(\d+),"dataDirectory"/.exec(written)?.[1]);
  await expect.poll(() => written).toContain('"msg":"serving"');
  return { parent, pid, written: () => written };
}

/** Children, theirs, and so on. */
function descendants(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`)
      .flatMap((task) => readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' '))
      .filter((child) => child !== '')
      .flatMap((child) => [Number(child), ...descendants(Number(child))]);
  } catch {
    return [];
  }
}

/** One that ended and that nobody asked about yet is not. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

test('SIGTERM to npx ends the server it started, and well', async () => {
  const { parent, pid, written } = await serveUnder(NPX_FACET);
  expect(pid).not.toBe(parent.pid);
  parent.kill('SIGTERM');
  await expect.poll(() => isRunning(pid)).toBe(false);
  // What it wrote last may lie in the pipe yet.
  await expect.poll(written).toContain('"msg":"stopped"');
});

test.each([
  ['a shell', {}],
  ['a shell somewhere below npx', { npm_lifecycle_event: 'npx', npm_lifecycle_script: "'facet'" }],
])('a server outlives %s that started it', async (_name, environment) => {
  const { parent, pid, written } = await serveUnder(['sh', '-c', `"$0" "$@"; :`, COMMAND], environment);
  expect(pid).not.toBe(parent.pid);
  parent.kill('SIGKILL');
  // It has a new parent when the kernel has told of the death whoever wanted to know.
  await expect.poll(() => readFileSync(`/proc/${pid}/status`, 'utf8')).not.toMatch(`PPid:\t${parent.pid}\n`);
  const admin = /"admin":{"url":"([^"]+)"/.exec(written())?.[1];
  // By the time it answers it has seen every signal that came before.
  for (let round = 0; round < 3; round += 1) {
    expect((await fetch(`${admin}/health/ready`, { headers: { connection: 'close' } })).status).toBe(200);
  }
  expect(written()).not.toContain('stopping');
});

test('SIGTERM to npx in the first moments of its server ends that, too', async () => {
  const data = temporaryDirectory();
  const [program = '', ...words] = NPX_FACET;
  const npx = spawn(program, [...words, 'serve', '--data', data, ...PORTS], {
    cwd: ROOT,
    env: Object.fromEntries(outside()),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => {
    for (const pid of descendants(npx.pid ?? 0)) process.kill(pid, 'SIGKILL');
    npx.kill('SIGKILL');
  });
  npx.stdout.resume();
  npx.stderr.resume();
  let begun: readonly number[] = [];
  while (begun.length < 2) {
    begun = descendants(npx.pid ?? 0);
    await new Promise(setImmediate);
  }
  npx.kill('SIGTERM');
  await once(npx, 'close');
  await expect.poll(() => begun.filter(isRunning)).toEqual([]);
  await serve({ data });
});

test('a server whose npx shell died before it could look at it ends', async () => {
  const data = temporaryDirectory();
  const shell = spawn('sh', ['-c', '"$0" "$@" & echo $!', COMMAND, 'serve', '--data', data, ...PORTS], {
    cwd: ROOT,
    env: { ...Object.fromEntries(outside()), npm_lifecycle_event: 'npx', npm_lifecycle_script: "'facet'" },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let written = '';
  shell.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    written += chunk;
  });
  onTestFinished(() => {
    const pid = Number.parseInt(written, 10);
    if (isRunning(pid)) process.kill(pid, 'SIGKILL');
  });
  let log = '';
  shell.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    log += chunk;
  });
  await once(shell, 'close');
  expect(written).toMatch(/^\d+\n$/);
  expect(log).toContain('stopped before it served');
  await serve({ data });
});
