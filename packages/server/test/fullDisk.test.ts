import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { writePrivateFile } from '../src/store/privateFile.ts';
import { errorShape } from './commands/store.ts';
import { facet, type RunningServer, serve, stop } from './facetProcess.ts';
import { NfsClient, STATUS } from './nfsClient.ts';
import { presign } from './presign.ts';
import { noSmallDisk, smallDisk, takeTheRest } from './smallDisk.ts';

const ROOT = { accessKeyId: 'ROOTKEY1', secretAccessKey: 'ROOTSECRET1' };
const environment = {
  FACET_ROOT_ACCESS_KEY: ROOT.accessKeyId,
  FACET_ROOT_SECRET_KEY: ROOT.secretAccessKey,
};
/** Around every threshold: inline, packed, dedicated. */
const SIZES = [100, 5000, 60_000, 400_000];
const MEGABYTES = 32;
const INSUFFICIENT_STORAGE = 507;

/** Both doors of a server, and what they acknowledged. */
class Clients {
  readonly #server: RunningServer;
  readonly #nfs: NfsClient;
  readonly #root: Buffer;
  readonly #kept: Map<string, string>;

  private constructor(server: RunningServer, nfs: NfsClient, root: Buffer, kept: Map<string, string>) {
    this.#server = server;
    this.#nfs = nfs;
    this.#root = root;
    this.#kept = kept;
  }

  static async of(server: RunningServer, kept: Map<string, string>): Promise<Clients> {
    const nfs = await NfsClient.connect(server.serving.nfs?.port ?? 0);
    onTestFinished(() => nfs.close());
    return new Clients(server, nfs, (await nfs.mount('/full')).handle, kept);
  }

  async #s3(method: 'GET' | 'PUT' | 'DELETE', key: string, body?: string): Promise<Response> {
    const url = presign(method, `${this.#server.serving.s3.url}/full/${key}`, ROOT);
    return fetch(url, { method, ...(body === undefined ? {} : { body }) });
  }

  async put(key: string, body: string): Promise<number> {
    const { status } = await this.#s3('PUT', key, body);
    if (status === 200) this.#kept.set(key, body);
    return status;
  }

  /** A file that could be made and not written is there, and empty. */
  async write(name: string, text: string): Promise<number> {
    const { status, handle } = await this.#nfs.create(this.#root, name);
    if (status !== STATUS.OK) return status;
    const written = await this.#nfs.write(handle, text);
    this.#kept.set(name, written === STATUS.OK ? text : '');
    return written;
  }

  /** Until neither door takes anything of any size. */
  async fill(tag: string): Promise<void> {
    for (let round = 0; ; round += 1) {
      const outcomes: number[] = [];
      for (const size of SIZES) {
        const text = randomBytes(size / 2).toString('hex');
        outcomes.push(await this.put(`${tag}-s3-${round}-${size}`, text));
        outcomes.push(await this.write(`${tag}-nfs-${round}-${size}`, text));
      }
      for (const outcome of outcomes)
        expect([200, INSUFFICIENT_STORAGE, STATUS.OK, STATUS.NOSPC]).toContain(outcome);
      if (outcomes.every((one) => one === INSUFFICIENT_STORAGE || one === STATUS.NOSPC)) return;
    }
  }

  async verify(): Promise<void> {
    for (const [key, body] of this.#kept) {
      expect((await (await this.#s3('GET', key)).text()) === body, key).toBe(true);
    }
  }

  /** Every second of what there is, by one door and the other. */
  async deleteHalf(): Promise<void> {
    const statuses: number[] = [];
    for (const [index, key] of [...this.#kept.keys()].filter((_, at) => at % 2 === 0).entries()) {
      statuses.push(
        index % 2 === 0 ? (await this.#s3('DELETE', key)).status : await this.#nfs.remove(this.#root, key),
      );
      this.#kept.delete(key);
    }
    expect(statuses.filter((status) => status !== 204 && status !== STATUS.OK)).toEqual([]);
  }

  /** What `df` on a mount shows, in bytes. */
  df(): ReturnType<NfsClient['fsstat']> {
    return this.#nfs.fsstat(this.#root);
  }

  async health(): Promise<unknown> {
    return (await fetch(`${this.#server.serving.admin.url}/health/ready`)).json();
  }
}

/** Facet's own log has no stack in it, and says when the disk was full and when it was not. */
function changesToldBy(server: RunningServer): readonly string[] {
  expect(server.stderr()).not.toMatch(/^ +at |"stack"/m);
  return [...server.stderr().matchAll(/the disk is full|there is room/g)].map(([told]) => told);
}

const why = noSmallDisk();

test('a full disk loses nothing, takes deletes by both doors, and is over without a restart', async ({
  skip,
}) => {
  skip(why !== undefined, why);
  const disk = await smallDisk({ megabytes: MEGABYTES });
  const data = join(disk.path, 'data');
  const kept = new Map<string, string>();
  const server = await serve({ data, environment, under: disk.under });
  const bucket = presign('PUT', `${server.serving.s3.url}/full`, ROOT);
  expect((await fetch(bucket, { method: 'PUT' })).status).toBe(200);
  const clients = await Clients.of(server, kept);

  await clients.fill('first');
  expect(await clients.health()).toEqual({ status: 'full' });
  const full = await clients.df();
  expect(full.freeBytes).toBe(0n);
  expect(full.totalBytes).toBeGreaterThan(1n << 20n);
  await clients.verify();
  await clients.deleteHalf();
  await expect.poll(() => clients.put('again', 'x'.repeat(1_000_000))).toBe(200);
  expect(await clients.write('again by nfs', 'x'.repeat(400_000))).toBe(STATUS.OK);
  expect(await clients.health()).toEqual({ status: 'ready' });
  expect((await clients.df()).freeBytes).toBeGreaterThan(0n);
  await clients.verify();
  expect(changesToldBy(server)).toEqual(['the disk is full', 'there is room']);

  // Filled by somebody else this time, and the server killed.
  const filler = join(disk.seen, 'filler');
  takeTheRest(filler);
  await clients.fill('second');
  expect((await stop(server, 'SIGKILL')).signal).toBe('SIGKILL');
  takeTheRest(filler);

  const second = await serve({ data, environment, under: disk.under });
  const others = await Clients.of(second, kept);
  await others.verify();
  await others.fill('third');
  await others.deleteHalf();
  rmSync(filler);
  await expect.poll(() => others.put('at last', 'x'.repeat(1_000_000))).toBe(200);
  await others.verify();
  changesToldBy(second);
  expect((await stop(second)).code).toBe(0);

  const check = await facet(['fsck', '--full', '--data', data], { under: disk.under });
  expect([check.code, check.stdout]).toEqual([0, expect.stringContaining('no damage')]);
});

test('a start that finds no room at all serves, and commands find it as soon as there is some', async ({
  skip,
}) => {
  skip(why !== undefined, why);
  const disk = await smallDisk({ megabytes: 16 });
  const data = join(disk.path, 'data');
  const folder = join(disk.seen, 'data');
  const first = await serve({ data, environment, under: disk.under });
  expect((await facet(['volume', 'create', 'full', '--data', data], { under: disk.under })).code).toBe(0);
  const kept = new Map<string, string>();
  expect(await (await Clients.of(first, kept)).put('key', 'x'.repeat(20_000))).toBe(200);
  await stop(first, 'SIGKILL');
  // Nothing that could be given up.
  for (const name of ['meta/ballast', 'admin.json']) rmSync(join(folder, name));
  const filler = join(disk.seen, 'filler');
  takeTheRest(filler);

  const server = await serve({ data, environment, under: disk.under });
  const clients = await Clients.of(server, kept);
  await clients.verify();
  expect(await clients.health()).toEqual({ status: 'full' });
  expect(readdirSync(folder).filter((name) => name.startsWith('admin.json'))).toEqual([]);
  rmSync(filler);
  await expect.poll(() => existsSync(join(folder, 'admin.json')), { timeout: 10_000 }).toBe(true);
  expect((await facet(['volume', 'create', 'more', '--data', data], { under: disk.under })).code).toBe(0);
  expect((await stop(server)).code).toBe(0);
});

test('no full disk ends a process by a signal, be there no lock file of LMDB or one of holes', async ({
  skip,
}) => {
  skip(why !== undefined, why);
  const disk = await smallDisk({ megabytes: 16 });
  const { under } = disk;
  const data = join(disk.path, 'data');
  const meta = join(disk.seen, 'data', 'meta');
  await stop(await serve({ data, environment, under }));
  const filler = join(disk.seen, 'filler');
  const lockFile = join(meta, 'lock.mdb');
  for (const holes of [false, true]) {
    rmSync(lockFile);
    // As an archive brings it back.
    if (holes) writeFileSync(lockFile, '');
    if (holes) truncateSync(lockFile, 8272);
    rmSync(join(meta, 'ballast'));
    takeTheRest(filler);
    const refused = await facet(['volume', 'list', '--data', data], { under });
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('no room for metadata')]);
    rmSync(filler);
    expect((await facet(['volume', 'list', '--data', data], { under })).code).toBe(0);
    rmSync(lockFile);
    takeTheRest(filler);
    // Where there is a ballast, that has to serve.
    expect((await facet(['fsck', '--data', data], { under })).code).toBe(0);
    rmSync(filler);
    await stop(await serve({ data, environment, under }));
  }
});

test('a command that a full disk refuses says so in one line of words, or in one of JSON', async ({
  skip,
}) => {
  skip(why !== undefined, why);
  const disk = await smallDisk({ megabytes: 16 });
  const data = join(disk.path, 'data');
  await stop(await serve({ data, environment, under: disk.under }));
  rmSync(join(disk.seen, 'data', 'meta', 'ballast'));
  expect(() => writeFileSync(join(disk.seen, 'filler'), Buffer.alloc(16 << 20))).toThrow('ENOSPC');
  const create = ['volume', 'create', 'abc', '--data', data];
  const message = 'the disk is full: delete something, or make room on it';

  const plain = await facet(create, { under: disk.under });
  expect([plain.code, plain.stdout]).toEqual([1, '']);
  expect(plain.stderr.split('\n')).toEqual([
    'facet: the disk is full: reads and deletes go on, what takes room is refused',
    `facet: ${message}`,
    '',
  ]);

  const json = await facet([...create, '--json'], { under: disk.under });
  expect([json.code, json.stdout]).toEqual([1, '']);
  expect(JSON.parse(json.stderr)).toEqual({ error: { code: 'NoSpace', message, exitCode: 1 } });
});

test.skipIf(why !== undefined).each([
  [0, '--workers', '0', 'bytes free on its disk'],
  // LMDB's file would not be whole, and its reading end the process.
  [16 << 10, '--workers', '0', 'bytes free on its disk'],
  [3 << 20, '--workers', '0', 'its disk lacks room'],
  [3 << 20, '--workers', '1', 'its disk lacks room'],
])('a new store with %s bytes of room says where there is none (%s %s)', async (bytes, flag, count, said) => {
  const disk = await smallDisk({ megabytes: 16 });
  const data = join(disk.path, 'data');
  const filler = join(disk.seen, 'filler');
  takeTheRest(filler);
  truncateSync(filler, statSync(filler).size - bytes);
  const ports = ['--s3', '127.0.0.1:0', '--admin', '127.0.0.1:0', '--nfs', '127.0.0.1:0'];
  const end = await facet(['serve', '--json', '--data', data, flag, count, ...ports], { under: disk.under });
  expect([end.code, end.stdout]).toEqual([1, '']);
  const told = end.stderr.trim().split('\n').at(-1) ?? '';
  const { error } = errorShape.parse(JSON.parse(told));
  expect(error.message).toContain(data);
  expect(error.message).toContain(said);
});

test.skipIf(why !== undefined)('a file that could not be written for want of room is named', async () => {
  const disk = await smallDisk({ megabytes: 1 });
  takeTheRest(join(disk.seen, 'filler'));
  const path = join(disk.seen, 'secret.json');
  expect(() => writePrivateFile(path, 'x'.repeat(5000))).toThrow(
    `there is no room on the disk for ${path} (ENOSPC`,
  );
});
