/** Both doors on one volume, and all that they acknowledged. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import {
  handleFound,
  handleMade,
  NO_ATTRIBUTES,
  NOSPC,
  OK,
  opaque,
  place,
  RpcConnection,
  words,
} from '@facet/nfs-client';
import { type Objects, objectsOf } from '../nfs/objects.ts';
import type { TwoDoors } from '../nfs/server.ts';
import { sendExpectingSuccess } from '../wire/send.ts';

export const VOLUME = 'full';
const CLIENT = '127.0.4.1';
/** Around every threshold: inline, packed, dedicated. */
const SIZES = [100, 1800, 60_000, 900_000, 4_000_000];
const WRITE_BYTES_MAX = 500_000;
const FILE_SYNC = 2;
const UNCHECKED = Buffer.concat([words(0), NO_ATTRIBUTES]);
const RECOVERY_MS_MAX = 20_000;

export class Clients {
  readonly objects: Objects;
  readonly #server: TwoDoors;
  readonly #kept = new Map<string, Buffer>();
  #nfs: RpcConnection | undefined;
  #root = Buffer.alloc(0);
  #xid = 10;

  constructor(server: TwoDoors) {
    this.#server = server;
    this.objects = objectsOf(server.caller, VOLUME);
  }

  /** After a start of the server. */
  async connect(): Promise<void> {
    this.#nfs?.close();
    this.#nfs = await RpcConnection.open({ port: this.#server.nfsPort, localAddress: CLIENT });
    this.#root = Buffer.from(await this.#nfs.mount(`/${VOLUME}`));
  }

  close(): void {
    this.#nfs?.close();
  }

  async #call(procedure: 'CREATE' | 'LOOKUP' | 'REMOVE' | 'SETATTR' | 'WRITE', args: Buffer) {
    assert.ok(this.#nfs, 'the client is connected');
    this.#xid += 1;
    return this.#nfs.call({ xid: this.#xid, procedure, args });
  }

  /** @returns the HTTP status */
  async put(key: string, body: Buffer): Promise<number> {
    const { status, code } = await this.objects.send(key, { method: 'PUT', body });
    if (status === 200) this.#kept.set(key, body);
    else assert.deepEqual([status, code], [507, 'InsufficientStorage']);
    return status;
  }

  /** Piece by piece, as a client writes. What was written before there was no more room stays. @returns the status */
  async write(name: string, bytes: Buffer): Promise<number> {
    const made = await this.#call('CREATE', Buffer.concat([place(this.#root, name), UNCHECKED]));
    if (made.status !== OK) {
      assert.equal(made.status, NOSPC);
      return made.status;
    }
    this.#kept.set(name, Buffer.alloc(0));
    const file = opaque(handleMade(made));
    for (let at = 0; at < bytes.length; at += WRITE_BYTES_MAX) {
      const piece = bytes.subarray(at, at + WRITE_BYTES_MAX);
      const args = Buffer.concat([file, words(0, at, piece.length, FILE_SYNC), opaque(piece)]);
      const { status } = await this.#call('WRITE', args);
      if (status !== OK) {
        assert.equal(status, NOSPC);
        return status;
      }
      this.#kept.set(name, bytes.subarray(0, at + piece.length));
    }
    return OK;
  }

  /** Until neither door takes anything of any size. @returns how much is there */
  async fill(tag: string): Promise<number> {
    for (let round = 0; ; round += 1) {
      let taken = 0;
      for (const size of SIZES) {
        const bytes = randomBytes(size);
        if ((await this.put(`${tag}-s3-${round}-${size}`, bytes)) === 200) taken += 1;
        if ((await this.write(`${tag}-nfs-${round}-${size}`, bytes)) === OK) taken += 1;
      }
      if (taken === 0) return this.#kept.size;
    }
  }

  /** Every acknowledged byte, by S3. */
  async verify(): Promise<void> {
    for (const [key, bytes] of this.#kept) {
      const found = await this.objects.get(key);
      assert.ok(
        found?.equals(bytes),
        `${key} holds ${found?.length} bytes, and not the ${bytes.length} it should`,
      );
    }
    assert.deepEqual((await this.objects.list()).sort(), [...this.#kept.keys()].sort());
  }

  /** Every second of what there is, by DeleteObject, REMOVE, DeleteObjects and a truncation with a REMOVE in turn. */
  async deleteHalf(): Promise<void> {
    const going = [...this.#kept.keys()].filter((_, index) => index % 2 === 0);
    for (const [index, key] of going.entries()) {
      await this.#deleteBy(index % 4, key);
      this.#kept.delete(key);
    }
  }

  async #deleteBy(way: number, key: string): Promise<void> {
    if (way === 0) {
      await this.objects.remove(key);
      return;
    }
    if (way === 1) {
      const body = `<Delete><Object><Key>${key}</Key></Object></Delete>`;
      const md5 = createHash('md5').update(body).digest('base64');
      const headers = [['Content-MD5', md5]] as const;
      const path = `/${VOLUME}?delete=`;
      const answer = await sendExpectingSuccess(this.#server.caller, { method: 'POST', path, headers, body });
      assert.match(answer.text, /<Deleted>/);
      return;
    }
    if (way === 2) {
      const handle = handleFound(await this.#call('LOOKUP', place(this.#root, key)));
      // Of a sattr3 only the size, 0; no guard.
      const args = Buffer.concat([opaque(handle), words(0, 0, 0, 1, 0, 0, 0, 0), words(0)]);
      assert.equal((await this.#call('SETATTR', args)).status, OK);
    }
    assert.equal((await this.#call('REMOVE', place(this.#root, key))).status, OK);
  }

  /** With no restart: both doors take large bodies again. */
  async recovers(tag: string): Promise<void> {
    const bytes = randomBytes(3_000_000);
    const deadline = Date.now() + RECOVERY_MS_MAX;
    while ((await this.put(`${tag} by S3`, bytes)) !== 200) {
      assert.ok(Date.now() < deadline, `no room ${RECOVERY_MS_MAX} ms after there was some`);
    }
    assert.equal(await this.write(`${tag} by NFS`, bytes), OK);
    assert.equal(await this.health(), 'ready');
  }

  async health(): Promise<unknown> {
    const answer = await fetch(`${this.#server.adminUrl}/health/ready`, { headers: { connection: 'close' } });
    assert.equal(answer.status, 200);
    return ((await answer.json()) as { status: unknown }).status;
  }
}
