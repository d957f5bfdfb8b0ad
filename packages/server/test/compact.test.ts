import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay, setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { facet, type RunningServer, serve, startFacet, stop, temporaryDirectory } from './facetProcess.ts';
import { presign } from './presign.ts';

const ROOT = { accessKeyId: 'ROOTKEY1', secretAccessKey: 'ROOTSECRET1' };
const environment = {
  FACET_ROOT_ACCESS_KEY: ROOT.accessKeyId,
  FACET_ROOT_SECRET_KEY: ROOT.secretAccessKey,
};
const AT_ONCE = 16;
/** Packed, and three of four apart from the next that is kept by less than what is punched. */
const OBJECT_BYTES = 16_000;
const KEPT_EVERY = 4;

async function request(
  server: RunningServer,
  method: 'GET' | 'PUT' | 'DELETE',
  path: string,
  body?: string,
): Promise<string> {
  const url = presign(method, `${server.serving.s3.url}${path}`, ROOT);
  const response = await fetch(url, { method, ...(body === undefined ? {} : { body }) });
  expect(response.status).toBeLessThan(300);
  return response.text();
}

const bodyOf = (i: number): string => `<${i}>`.repeat(OBJECT_BYTES).slice(0, OBJECT_BYTES);

async function each(count: number, work: (i: number) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < count; from += AT_ONCE) {
    const length = Math.min(AT_ONCE, count - from);
    await Promise.all(Array.from({ length }, (_, at) => work(from + at)));
  }
}

const PROCESSES = [
  ['one process', []],
  ['several', ['--workers', '2']],
] as const;

/** Objects, most of which were deleted. Served anew: what they lie in is sealed. */
async function thinned(data: string, count: number, flags: readonly string[] = []): Promise<RunningServer> {
  const server = await serve({ data, environment, flags });
  await request(server, 'PUT', '/vol');
  await each(count, (i) => request(server, 'PUT', `/vol/${i}`, bodyOf(i)));
  await each(count, async (i) => i % KEPT_EVERY > 0 && request(server, 'DELETE', `/vol/${i}`));
  expect((await stop(server)).code).toBe(0);
  return serve({ data, environment, flags });
}

async function mustHold(server: RunningServer, count: number): Promise<void> {
  await each(Math.ceil(count / KEPT_EVERY), async (i) => {
    expect(await request(server, 'GET', `/vol/${i * KEPT_EVERY}`)).toBe(bodyOf(i * KEPT_EVERY));
  });
}

function extentBytes(data: string): number {
  const folder = join(data, 'extents');
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.seg'))
    .reduce((sum, name) => sum + statSync(join(folder, name)).blocks * 512, 0);
}

/** Since the server was started, by itself or because it was asked; NaN as long as who knows has not answered. */
async function movedExtents({ serving }: RunningServer): Promise<number> {
  const metrics = await (await fetch(`${serving.admin.url}/metrics`)).text();
  return Number(/^facet_compactor_extents_total\{.*outcome="moved".*\} (\d+)$/m.exec(metrics)?.[1]);
}

async function mustBeWhole(data: string): Promise<void> {
  const checked = await facet(['fsck', '--full', '--data', data]);
  expect([checked.code, checked.stdout]).toEqual([0, expect.stringContaining('no damage')]);
}

test.each(PROCESSES)('gives back what was deleted, while the store is served by %s', async (_, flags) => {
  const data = temporaryDirectory();
  const count = 600;
  const server = await thinned(data, count, flags);
  const before = extentBytes(data);
  const kept = (count / KEPT_EVERY) * OBJECT_BYTES;
  expect(before).toBeGreaterThan(2 * kept);
  const ran = await facet(['compact', '--data', data]);
  expect([ran.code, ran.stderr]).toEqual([0, '']);
  expect(ran.stdout).toMatch(
    /^moved .+ in \d+ extents out of \d+ segments?\nextents take 2\.3 MiB of the disk, .+ before\n$/,
  );
  // On a slow machine the background, which looks every ten seconds, may have come first to some of it.
  await expect.poll(() => movedExtents(server)).toBe(count / KEPT_EVERY);
  expect(extentBytes(data)).toBeLessThan(1.1 * kept);
  await mustHold(server, count);
  expect((await stop(server)).code).toBe(0);
  await mustBeWhole(data);
  const again = await facet(['compact', '--data', data, '--json']);
  expect(JSON.parse(again.stdout)).toMatchObject({ segments: 0, movedBytes: 0, damaged: 0, complete: true });
});

test.each(PROCESSES)('kill -9 in the middle of it loses nothing that %s had', async (_, flags) => {
  const data = temporaryDirectory();
  const count = 1200;
  let server = await thinned(data, count, flags);
  const kept = (count / KEPT_EVERY) * OBJECT_BYTES;
  for (const moment of [1, 2, 3]) {
    const running = startFacet(['compact', '--data', data, '--rate', '1M']);
    await server.wrote('stderr', /a compaction begins/);
    // A batch is a second of that rate.
    await delay(400 * moment);
    server.child.kill('SIGKILL');
    await server.ended;
    expect((await running.ended).code).toBe(1);
    server = await serve({ data, environment, flags });
    await mustHold(server, count);
  }
  expect((await facet(['compact', '--data', data])).code).toBe(0);
  expect(extentBytes(data)).toBeLessThan(1.2 * kept);
  await mustHold(server, count);
  expect((await stop(server)).code).toBe(0);
  await mustBeWhole(data);
});

test('the metadata’s file is written anew at rest only, and is shorter', async () => {
  const data = temporaryDirectory();
  const count = 400;
  const server = await thinned(data, count);
  const refused = await facet(['compact', '--metadata', '--data', data]);
  expect(refused.code).toBe(5);
  expect(refused.stderr).toContain('the metadata is written anew at rest only, so stop that first');
  // What the journal holds is part of it.
  server.child.kill('SIGKILL');
  await server.ended;
  const size = (): number => statSync(join(data, 'meta', 'data.mdb')).size;
  const before = size();
  const ran = await facet(['compact', '--metadata', '--data', data]);
  expect([ran.code, ran.stderr]).toEqual([0, '']);
  expect(ran.stdout).toMatch(/^metadata takes .* for \d+ entries, .* before\n$/);
  expect(size()).toBeLessThan(before / 2);
  await mustBeWhole(data);
  const served = await serve({ data, environment });
  await mustHold(served, count);
  await request(served, 'PUT', '/vol/new', 'new');
  served.child.kill('SIGKILL');
  await served.ended;
  const after = await serve({ data, environment });
  expect(await request(after, 'GET', '/vol/new')).toBe('new');
  await mustHold(after, count);
});

test('kill -9 while the metadata is written anew leaves one or the other', async () => {
  const data = temporaryDirectory();
  const count = 300;
  await stop(await thinned(data, count));
  const isThere = (): boolean => existsSync(join(data, 'meta', 'compact.new'));
  let cutOff = 0;
  for (let delayMs = 0; delayMs < 6; delayMs += 1) {
    const running = startFacet(['compact', '--metadata', '--data', data]);
    while (!isThere() && running.child.exitCode === null) await setImmediate();
    await delay(delayMs);
    running.child.kill('SIGKILL');
    await running.ended;
    if (isThere()) cutOff += 1;
    // Opening the store removes what is left.
    await mustBeWhole(data);
    expect(isThere()).toBe(false);
  }
  expect(cutOff).toBeGreaterThan(0);
  const server = await serve({ data, environment });
  await mustHold(server, count);
});

test('its words are checked', async () => {
  const data = temporaryDirectory();
  const slow = await facet(['compact', '--rate', '1000', '--data', data]);
  expect([slow.code, slow.stdout]).toEqual([2, '']);
  expect(slow.stderr).toContain('It must be 1M at least.');
  const both = await facet(['compact', '--rate', '1M', '--metadata', '--data', data]);
  expect(both.code).toBe(2);
});
