import { copyFileSync, cpSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  type Ended,
  type FacetProcess,
  facet,
  serve,
  startFacet,
  stop,
  temporaryDirectory,
} from './facetProcess.ts';
import { childrenCalled } from './family/processes.ts';
import { presign } from './presign.ts';

const ROOT = { accessKeyId: 'ROOTKEY1', secretAccessKey: 'ROOTSECRET1' };
const environment = {
  FACET_ROOT_ACCESS_KEY: ROOT.accessKeyId,
  FACET_ROOT_SECRET_KEY: ROOT.secretAccessKey,
};

/** Flips a bit of each copy that LMDB's file has of these bytes. */
function rot(data: string, bytes: string): void {
  const name = join(data, 'meta', 'data.mdb');
  const file = readFileSync(name);
  let flips = 0;
  for (let at = file.indexOf(bytes); at >= 0; at = file.indexOf(bytes, at + 1), flips += 1)
    file[at + 3] = (file[at + 3] ?? 0) ^ 2;
  expect(flips).toBeGreaterThan(0);
  writeFileSync(name, file);
}

test('a bit that flipped in the metadata is an error where it is read, logged and found, and all else is served', async () => {
  const data = temporaryDirectory();
  const first = await serve({ data, environment });
  const url = (server: typeof first, method: 'GET' | 'PUT', path: string) =>
    presign(method, `${server.serving.s3.url}${path}`, ROOT);
  const put = async (server: typeof first, path: string, body?: string) =>
    (await fetch(url(server, 'PUT', path), { method: 'PUT', ...(body !== undefined && { body }) })).status;
  expect(await put(first, '/vol')).toBe(200);
  expect(await put(first, '/vol/rotten', 'bytes that lie in the metadata')).toBe(200);
  expect(await put(first, '/vol/sound', 'others beside them')).toBe(200);
  expect((await stop(first)).code).toBe(0);
  rot(data, 'bytes that lie in the metadata');

  const server = await serve({ data, environment });
  for (let again = 0; again < 3; again += 1) {
    const damaged = await fetch(url(server, 'GET', '/vol/rotten'));
    expect([damaged.status, await damaged.text()]).toEqual([
      500,
      expect.stringContaining('<Code>InternalError</Code>'),
    ]);
  }
  await server.wrote(
    'stderr',
    /"key":"rotten".*the metadata record 14[0-9a-f]+ \(inline of inode \d+\) is damaged.*a record of the metadata is damaged/,
  );
  expect(await (await fetch(url(server, 'GET', '/vol/sound'))).text()).toBe('others beside them');
  expect(await put(server, '/vol/new', 'and more')).toBe(200);
  const scrub = await facet(['scrub', '--data', data]);
  expect(scrub.stdout).toMatch(/^damaged: metadata record 14[0-9a-f]+ \(inline\)\n/);
  expect(scrub.code).toBe(6);
  // What is put anew is sound.
  expect(await put(server, '/vol/rotten', 'other bytes')).toBe(200);
  expect(await (await fetch(url(server, 'GET', '/vol/rotten'))).text()).toBe('other bytes');
  expect((await stop(server)).code).toBe(0);
  expect((await facet(['fsck', '--data', data])).code).toBe(0);

  rot(data, 'other bytes');
  const found = await facet(['fsck', '--data', data]);
  expect(found.stdout).toMatch(/^recordDamaged: record 14[0-9a-f]+: .*inline/);
  expect(found.code).toBe(6);
});

test('a page of the metadata that leads nowhere is found before LMDB meets it', async () => {
  const data = temporaryDirectory();
  const server = await serve({ data, environment });
  expect((await stop(server)).code).toBe(0);
  const name = join(data, 'meta', 'data.mdb');
  const file = readFileSync(name);
  // The flags of every leaf say that it is a branch.
  for (let page = 2 * 4096; page < file.length; page += 4096)
    if (file.readUInt16LE(page + 18) === 2) file.writeUInt16LE(1, page + 18);
  writeFileSync(name, file);
  const found = await facet(['fsck', '--data', data]);
  expect(found.stderr).toMatch(/of the pages of .*data\.mdb (is|are) damaged.*facet restore/);
  expect(found.code).toBe(6);
});

/** Has each record of a list of free pages, of whatever state, begin with a page in use. */
function rotFreeLists(data: string): void {
  const name = join(data, 'meta', 'data.mdb');
  const file = readFileSync(name);
  const root = Math.max(...[0, 4096].map((meta) => Number(file.readBigUInt64LE(meta + 136))));
  let lists = 0;
  for (let page = 2 * 4096; page < file.length; page += 4096) {
    if (file.readUInt16LE(page + 18) !== 2 || file.readUInt16LE(page + 20) === 0) continue;
    const node = page + 24 + file.readUInt16LE(page + 24);
    const [length, record] = [file.readUInt32LE(node), node + 16];
    const isList = file.readUInt16LE(node + 6) === 8 && file.readUInt32LE(record) === length / 8 - 1;
    if (!isList || length < 16) continue;
    file.writeBigInt64LE(BigInt(root), record + 8);
    lists += 1;
  }
  expect(lists).toBeGreaterThan(0);
  writeFileSync(name, file);
}

test('a wrong list of free pages is made anew by a start after a kill, and by fsck', async () => {
  const data = temporaryDirectory();
  const url = (server: Awaited<ReturnType<typeof serve>>, method: 'GET' | 'PUT', path: string) =>
    presign(method, `${server.serving.s3.url}${path}`, ROOT);
  const putSome = async (server: Awaited<ReturnType<typeof serve>>): Promise<void> => {
    await fetch(url(server, 'PUT', '/vol'), { method: 'PUT' });
    for (let n = 0; n < 30; n += 1) {
      const answer = await fetch(url(server, 'PUT', `/vol/${n}`), { method: 'PUT', body: `bytes ${n}` });
      expect(answer.status).toBe(200);
    }
  };
  for (let again = 0; again < 3; again += 1) {
    const server = await serve({ data, environment });
    await putSome(server);
    await stop(server, again < 2 ? 'SIGTERM' : 'SIGKILL');
  }
  rotFreeLists(data);
  const checked = async (...flags: readonly string[]) => {
    const copy = join(temporaryDirectory(), 'copy');
    cpSync(data, copy, { recursive: true });
    return facet(['fsck', '--data', copy, ...flags]);
  };
  const fsck = await checked();
  expect([fsck.code, fsck.stderr]).toEqual([0, expect.stringMatching(/list of free pages .* was made anew/)]);
  const told = JSON.parse((await checked('--json')).stdout);
  const reason = expect.stringMatching(/^page \d+: /);
  expect(told).toMatchObject({ damaged: false, remadeFreeList: { pages: expect.any(Number), reason } });
  const server = await serve({ data, environment });
  await server.wrote('stderr', /"reason":"page \d+: .*the list of free pages .* was made anew/);
  await putSome(server);
  for (let n = 0; n < 30; n += 1)
    expect(await (await fetch(url(server, 'GET', `/vol/${n}`))).text()).toBe(`bytes ${n}`);
  expect((await stop(server)).code).toBe(0);
  const after = await facet(['fsck', '--full', '--data', data]);
  expect([after.code, after.stderr]).toEqual([0, '']);
});

/** Has the first record of every leaf claim that it has several values: LMDB tells of a transaction that must abort. */
function rotLeaves(data: string): void {
  const name = join(data, 'meta', 'data.mdb');
  const file = readFileSync(name);
  for (let page = 2 * 4096; page < file.length; page += 4096) {
    if (file.readUInt16LE(page + 18) !== 2) continue;
    const node = page + 24 + file.readUInt16LE(page + 24);
    file.writeUInt16LE(4, node + 4);
  }
  writeFileSync(name, file);
}

test.each([0, 2])('a server that ends of damage says so by its exit code (--workers %i)', async (workers) => {
  const data = temporaryDirectory();
  const first = await serve({ data, environment });
  for (let n = 0; n < 20; n += 1)
    expect(
      (await fetch(presign('PUT', `${first.serving.s3.url}/bucket-${n}`, ROOT), { method: 'PUT' })).ok,
    ).toBe(true);
  expect((await stop(first)).code).toBe(0);
  rotLeaves(data);
  const ports = ['--s3', '127.0.0.1:0', '--admin', '127.0.0.1:0', '--nfs', 'off'];
  const server = startFacet(['serve', '--data', data, ...ports, '--workers', String(workers)], {
    environment,
  });
  // It ends by itself at what it writes first, if it came so far.
  const asked = setInterval(() => {
    const url = /http:\S+:\d+/.exec(server.stdout())?.[0];
    if (url) fetch(presign('PUT', `${url}/another`, ROOT), { method: 'PUT' }).catch(() => undefined);
  }, 100);
  const end = await server.ended;
  clearInterval(asked);
  expect(end.stderr).toMatch(/is damaged \(page \d+: .*facet restore/);
  expect(end.code).toBe(6);

  const compacted = await facet(['compact', '--metadata', '--data', data]);
  expect([compacted.code, compacted.stderr]).toEqual([6, expect.stringContaining('facet restore')]);
});

/** Has every record of every leaf of data claim what makes lmdb-js read or write where nothing is of its. */
function rotLengths(data: string, field: 'key' | 'value'): void {
  const name = join(data, 'meta', 'data.mdb');
  const file = readFileSync(name);
  // The list of free pages, a leaf of its own, is read by every start: that would find it.
  const freeRoots = [0, 4096].map((meta) => Number(file.readBigUInt64LE(meta + 88)) * 4096);
  for (let page = 2 * 4096; page < file.length; page += 4096) {
    if (file.readUInt16LE(page + 18) !== 2 || freeRoots.includes(page)) continue;
    const count = file.readUInt16LE(page + 20) / 2;
    for (let index = 0; index < count; index += 1) {
      const node = page + 24 + file.readUInt16LE(page + 24 + 2 * index);
      if (field === 'key') file.writeUInt16LE(0xffff, node + 6);
      else file.writeUInt32LE(0x3fffff00, node);
    }
  }
  writeFileSync(name, file);
}

/** Who writes where nothing is of its may as well hang: then it is killed, as by whoever runs it. */
async function endedOrKilled(server: FacetProcess, pid: () => number | undefined): Promise<Ended> {
  const patience = setTimeout(() => {
    const found = pid();
    if (found !== undefined) process.kill(found, 'SIGKILL');
  }, 20_000);
  return await server.ended.finally(() => clearTimeout(patience));
}

describe.each(['key', 'value'] as const)(
  'damage that may end a process by a signal (length of a %s)',
  (field) => {
    const ports = ['--s3', '127.0.0.1:0', '--admin', '127.0.0.1:0', '--nfs', 'off'];
    const damaged = async (): Promise<string> => {
      const data = temporaryDirectory();
      await stop(await serve({ data, environment }));
      // One that was closed in order is not looked through.
      await stop(await serve({ data, environment }));
      rotLengths(data, field);
      return data;
    };

    test('is told by the next start, which does not get so far, and by the one after', async () => {
      const data = await damaged();
      const server = startFacet(['serve', '--data', data, ...ports], { environment });
      const first = await endedOrKilled(server, () => server.child.pid);
      expect([null, 6]).toContain(first.code);
      for (const words of [
        ['serve', ...ports],
        ['volume', 'list'],
        ['serve', ...ports],
      ]) {
        const end = await facet([...words, '--data', data], { environment });
        expect(end.stderr).toMatch(/of the pages of .*data\.mdb (is|are) damaged.*facet restore/);
        expect(end.code).toBe(6);
      }
    });

    test('is told by a server of several processes before it ends', async () => {
      const data = await damaged();
      const server = startFacet(['serve', '--data', data, ...ports, '--workers', '1'], { environment });
      const end = await endedOrKilled(server, () => childrenCalled(server, 'facet store')[0]);
      // What lmdb-js wrote over may be nothing that ends the process: then it tells of the damage itself.
      if (!/the metadata in .* is damaged \(page \d+: .*facet restore/.test(end.stderr)) {
        expect(end.stderr).toMatch(/"signal":"SIG[A-Z]+".*the process of the store ended/);
        expect(end.stderr).toMatch(/of the pages of .*data\.mdb (is|are) damaged.*facet restore/);
      }
      expect(end.code).toBe(6);
    });
  },
);

test('a journal that is gone or cut off after a crash is told, and nothing goes on without it', async () => {
  const data = temporaryDirectory();
  const server = await serve({ data, environment });
  const url = (path: string) => presign('PUT', `${server.serving.s3.url}${path}`, ROOT);
  expect((await fetch(url('/vol'), { method: 'PUT' })).status).toBe(200);
  for (const key of ['a', 'b']) {
    expect((await fetch(url(`/vol/${key}`), { method: 'PUT', body: 'x'.repeat(20_000) })).status).toBe(200);
  }
  await stop(server, 'SIGKILL');
  const harms: Readonly<Record<string, (meta: string) => void>> = {
    gone: (meta) => {
      for (const name of ['0.journal', '1.journal']) rmSync(join(meta, name));
    },
    'first gone': (meta) => rmSync(join(meta, '0.journal')),
    'cut off': (meta) => truncateSync(join(meta, '0.journal'), 9_000),
    // Within the records of the objects, of which a block tells nothing of the next one.
    'cut off at the end of a block': (meta) => truncateSync(join(meta, '0.journal'), 3 * 4096),
    'cut off before its first record': (meta) => truncateSync(join(meta, '0.journal'), 4096),
  };
  const ports = ['--s3', '127.0.0.1:0', '--admin', '127.0.0.1:0', '--nfs', 'off'];
  for (const [how, harm] of Object.entries(harms)) {
    const copy = join(temporaryDirectory(), 'copy');
    cpSync(data, copy, { recursive: true });
    harm(join(copy, 'meta'));
    for (const words of [['fsck'], ['serve', ...ports], ['fsck', '--repair'], ['compact', '--metadata']]) {
      const end = await facet([...words, '--data', copy]);
      expect([end.code, end.stderr], `${how}: ${words[0]}`).toEqual([
        6,
        expect.stringMatching(/the journal of the metadata can not be replayed: .*facet restore/),
      ]);
    }
  }
  expect((await facet(['fsck', '--full', '--data', data])).code).toBe(0);
});

test('journals of a copy or a restored store are told, and nothing of them is replayed', async () => {
  const data = temporaryDirectory();
  const first = await serve({ data, environment });
  expect((await fetch(presign('PUT', `${first.serving.s3.url}/vol`, ROOT), { method: 'PUT' })).ok).toBe(true);
  const backups = join(temporaryDirectory(), 'backups');
  expect((await facet(['backup', '--to', backups, '--data', data])).code).toBe(0);
  expect((await stop(first)).code).toBe(0);
  const stores = { original: data, copy: join(temporaryDirectory(), 'copy'), restored: temporaryDirectory() };
  cpSync(data, stores.copy, { recursive: true });
  const restored = await facet(['restore', '--from', backups, '--data', stores.restored]);
  expect(restored.code).toBe(0);
  for (const [name, path] of Object.entries(stores)) {
    const server = await serve({ data: path, environment });
    const url = presign('PUT', `${server.serving.s3.url}/vol/key`, ROOT);
    expect((await fetch(url, { method: 'PUT', body: name.padEnd(10) })).status).toBe(200);
    await stop(server, 'SIGKILL');
  }
  const ports = ['--s3', '127.0.0.1:0', '--admin', '127.0.0.1:0', '--nfs', 'off'];
  for (const [data, journals] of [
    [stores.original, stores.copy],
    [stores.copy, stores.original],
    [stores.original, stores.restored],
    [stores.restored, stores.original],
  ] as const) {
    const mixed = join(temporaryDirectory(), 'mixed');
    cpSync(data, mixed, { recursive: true });
    for (const name of ['0.journal', '1.journal'])
      copyFileSync(join(journals, 'meta', name), join(mixed, 'meta', name));
    const before = readFileSync(join(mixed, 'meta', 'data.mdb'));
    for (const words of [['fsck'], ['serve', ...ports], ['fsck', '--repair'], ['compact', '--metadata']]) {
      const end = await facet([...words, '--data', mixed], { environment });
      expect([end.code, end.stderr], words[0]).toEqual([
        6,
        expect.stringMatching(/data\.mdb.*(are not its own|belong together).*facet restore/),
      ]);
    }
    expect(readFileSync(join(mixed, 'meta', 'data.mdb')).equals(before)).toBe(true);
  }
  for (const [name, path] of Object.entries(stores)) {
    const server = await serve({ data: path, environment });
    const url = presign('GET', `${server.serving.s3.url}/vol/key`, ROOT);
    expect(await (await fetch(url)).text()).toBe(name.padEnd(10));
    expect((await stop(server)).code).toBe(0);
    expect((await facet(['fsck', '--full', '--data', path])).code).toBe(0);
  }
});
