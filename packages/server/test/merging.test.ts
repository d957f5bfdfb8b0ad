/** A file in many small pieces that is merged again and again while both doors read it, and one writes to it. */

import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readAdminEndpoint } from '../src/administration/endpointFile.ts';
import { administerRemotely } from '../src/administration/remote.ts';
import { facet, type RunningServer, serve, stop, temporaryDirectory } from './facetProcess.ts';
import { NfsClient, STATUS } from './nfsClient.ts';
import { presign } from './presign.ts';

const ROOT = { accessKeyId: 'ROOTKEY1', secretAccessKey: 'ROOTSECRET1' };
const environment = {
  FACET_ROOT_ACCESS_KEY: ROOT.accessKeyId,
  FACET_ROOT_SECRET_KEY: ROOT.secretAccessKey,
};
/** More than the sockets of one connection hold: a reader that is slow has the server wait. */
const FILE_BYTES = 32 << 20;
/** Nobody writes to that. It is in pieces, too. */
const STILL_BYTES = 4 << 20;
const BLOCK_BYTES = 4096;
const READS = 2;
/** A slow reader waits for so many writes before it takes some more. */
const WRITES_PER_STEP = 4;
const STEP_BYTES = 256 << 10;

const path = (server: RunningServer, name: string): string => `${server.serving.s3.url}${name}`;

async function mounted(server: RunningServer): Promise<{ readonly nfs: NfsClient; readonly file: Buffer }> {
  const nfs = await NfsClient.connect(server.serving.nfs?.port ?? 0);
  onTestFinished(() => nfs.close());
  const { handle: root } = await nfs.mount('/bucket');
  const { handle: file } = await nfs.lookup(root, 'file');
  return { nfs, file };
}

/** Bytes that are not the same twice. */
function fresh(lengthBytes: number): Buffer {
  const bytes = Buffer.alloc(lengthBytes);
  for (let at = 0; at + 4 <= lengthBytes; at += 4) bytes.writeUInt32LE(randomInt(2 ** 32), at);
  return bytes;
}

/** The one who writes, and what there is to be read. */
class Writer {
  readonly model: Buffer;
  writes = 0;
  readonly #nfs: NfsClient;
  readonly #file: Buffer;
  #between: Promise<unknown> = Promise.resolve();
  #goesOn = true;

  constructor(model: Buffer, { nfs, file }: { readonly nfs: NfsClient; readonly file: Buffer }) {
    this.model = model;
    this.#nfs = nfs;
    this.#file = file;
  }

  stop(): void {
    this.#goesOn = false;
  }

  /** Has it write nothing while that is under way. */
  async pausedFor<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#between;
    const over = Promise.withResolvers<void>();
    this.#between = before.then(() => over.promise);
    await before;
    return work().finally(() => over.resolve());
  }

  /** Until it is told to stop. */
  async run(): Promise<void> {
    while (this.#goesOn) {
      await this.pausedFor(() => this.#step());
      this.writes += 1;
    }
  }

  async #step(): Promise<void> {
    const chance = randomInt(100);
    if (chance === 0) await this.#cut();
    else if (chance < 80) await this.write(this.#somewhere());
    else {
      const { offset, lengthBytes } = this.#somewhere();
      const read = await this.#nfs.readAt(this.#file, offset, lengthBytes);
      expect(
        read.equals(this.model.subarray(offset, offset + lengthBytes)),
        `${lengthBytes} at ${offset}`,
      ).toBe(true);
    }
  }

  /** By whole blocks for the most part, as hosts do. */
  #somewhere() {
    const isWhole = randomInt(4) > 0;
    const lengthBytes = isWhole ? BLOCK_BYTES * randomInt(1, 4) : randomInt(1, 3 * BLOCK_BYTES);
    const place = randomInt(STILL_BYTES, FILE_BYTES - lengthBytes);
    return { offset: isWhole ? place - (place % BLOCK_BYTES) : place, lengthBytes };
  }

  async write({
    offset,
    lengthBytes,
  }: {
    readonly offset: number;
    readonly lengthBytes: number;
  }): Promise<void> {
    const bytes = fresh(lengthBytes);
    expect(await this.#nfs.writeAt(this.#file, offset, bytes)).toBe(STATUS.OK);
    bytes.copy(this.model, offset);
  }

  /** And makes it as long again, by a hole. */
  async #cut(): Promise<void> {
    const sizeBytes = FILE_BYTES - randomInt(1, 1 << 20);
    expect(await this.#nfs.resize(this.#file, sizeBytes)).toBe(STATUS.OK);
    this.model.fill(0, sizeBytes);
    expect(await this.#nfs.resize(this.#file, FILE_BYTES)).toBe(STATUS.OK);
  }
}

/** What there was when it began, however long it takes. */
async function readSlowly(server: RunningServer, writer: Writer): Promise<void> {
  const { response, expected } = await writer.pausedFor(async () => ({
    expected: Buffer.from(writer.model),
    // Its head is there when the object is open.
    response: await fetch(presign('GET', path(server, '/bucket/file'), ROOT)),
  }));
  expect(response.status).toBe(200);
  let at = 0;
  for await (const chunk of response.body ?? []) {
    expect(expected.subarray(at, at + chunk.length).equals(chunk), `by S3, at ${at}`).toBe(true);
    const steps = Math.floor((at + chunk.length) / STEP_BYTES) - Math.floor(at / STEP_BYTES);
    at += chunk.length;
    const until = writer.writes + steps * WRITES_PER_STEP;
    await expect.poll(() => writer.writes, { interval: 1 }).toBeGreaterThanOrEqual(until);
  }
  expect(at).toBe(FILE_BYTES);
}

test.each([0, 2])('no reader sees anything of it, with %i workers', async (workers) => {
  const data = temporaryDirectory();
  const server = await serve({ data, environment, flags: ['--workers', `${workers}`] });
  const ask = (method: 'PUT' | 'GET', name: string, body?: Buffer) =>
    fetch(presign(method, path(server, name), ROOT), { method, ...(body && { body }) });
  expect((await ask('PUT', '/bucket')).status).toBe(200);
  const model = fresh(FILE_BYTES);
  expect((await ask('PUT', '/bucket/file', model)).status).toBe(200);
  const writer = new Writer(model, await mounted(server));
  for (let offset = 0; offset < STILL_BYTES; offset += 8 * BLOCK_BYTES)
    await writer.write({ offset, lengthBytes: BLOCK_BYTES });

  const endpoint = readAdminEndpoint(join(data, 'admin.json'));
  if (endpoint === undefined) throw new Error('the server says where it is administered');
  const administration = administerRemotely(endpoint);
  const counts = { rounds: 0, movedExtents: 0, damaged: 0 };
  let goesOn = true;
  const merging = async (): Promise<void> => {
    while (goesOn) {
      const { movedExtents, damaged } = await administration.compact({
        bytesPerSecond: Number.MAX_SAFE_INTEGER,
      });
      counts.rounds += 1;
      counts.movedExtents += movedExtents;
      counts.damaged += damaged;
    }
  };
  const reading = async (): Promise<void> => {
    const { nfs, file } = await mounted(server);
    while (goesOn) {
      const lengthBytes = randomInt(1, 1 << 20);
      const offset = randomInt(STILL_BYTES - lengthBytes + 1);
      const read = await nfs.readAt(file, offset, lengthBytes);
      expect(read.equals(model.subarray(offset, offset + lengthBytes)), `by NFS, at ${offset}`).toBe(true);
    }
  };
  const readingSlowly = async (): Promise<void> => {
    for (let read = 0; read < READS; read += 1) await readSlowly(server, writer);
    goesOn = false;
    writer.stop();
  };
  await Promise.all([writer.run(), merging(), reading(), readingSlowly()]);
  // Each found something to do, or nothing was tried here.
  expect(counts.rounds).toBeGreaterThan(READS);
  expect(counts.movedExtents).toBeGreaterThan(FILE_BYTES >> 20);
  expect(counts.damaged).toBe(0);

  const whole = Buffer.from(await (await ask('GET', '/bucket/file')).arrayBuffer());
  expect(whole.equals(model)).toBe(true);
  const { nfs, file } = await mounted(server);
  for (let offset = 0; offset < FILE_BYTES; offset += 1 << 20) {
    const read = await nfs.readAt(file, offset, 1 << 20);
    expect(read.equals(model.subarray(offset, offset + (1 << 20))), `at ${offset}`).toBe(true);
  }
  expect(server.stderr()).not.toContain('"level":50');
  expect((await stop(server)).code).toBe(0);
  const check = await facet(['fsck', '--full', '--data', data]);
  expect([check.code, check.stdout]).toEqual([0, expect.stringContaining('no damage')]);
});
