/**
 * Files of a backup that prove themselves: no byte of one can change, go, come or be another file's unnoticed.
 *
 * Big-endian. Head: magic (8), kind u8, repository (16), backup (16, ASCII), CRC-32C of these (4). Then blocks:
 * length u32, number u32 from 0 on, CRC-32C (4), the bytes. The last one has none, and nothing follows it. A block's CRC
 * begins with the head's, and covers length and number too, so that a block is right only in its place in its file.
 */

import { Buffer } from 'node:buffer';
import { crc32c, type Disk, type DiskFile } from '@facet/extents';
import { FsError } from '../errors.ts';

const MAGIC = Buffer.from('facetbk1', 'ascii');
const KIND = { repository: 1, manifest: 2, metadata: 3 } as const;
export const ID_BYTES = 16;
const HEAD_BYTES = MAGIC.length + 1 + 2 * ID_BYTES + 4;
const BLOCK_HEAD_BYTES = 12;
/** What a block holds at most; also what a reader takes memory for. */
export const BLOCK_BYTES_MAX = 16 << 20;

export interface FileIdentity {
  readonly kind: keyof typeof KIND;
  /** 16 random bytes that name the directory of backups. */
  readonly repository: Buffer;
  /** 16 bytes that name one backup; zeros where the file is of all. */
  readonly backup: Buffer;
}

function encodeHead({ kind, repository, backup }: FileIdentity): Buffer {
  const bytes = Buffer.concat([MAGIC, Buffer.of(KIND[kind]), repository, backup]);
  return withCrc(bytes);
}

function withCrc(bytes: Buffer): Buffer {
  const crc = Buffer.alloc(4);
  crc.writeUInt32BE(crc32c(bytes));
  return Buffer.concat([bytes, crc]);
}

function encodeBlockHead(
  headCrc: number,
  block: { readonly number: number; readonly payload: Buffer },
): Buffer {
  const head = Buffer.alloc(BLOCK_HEAD_BYTES);
  head.writeUInt32BE(block.payload.length, 0);
  head.writeUInt32BE(block.number, 4);
  head.writeUInt32BE(crc32c(block.payload, crc32c(head.subarray(0, 8), headCrc)), 8);
  return head;
}

export class CheckedWriter {
  readonly #file: DiskFile;
  readonly #headCrc: number;
  #at: number;
  #number = 0;

  private constructor(file: DiskFile, head: Buffer) {
    this.#file = file;
    this.#headCrc = head.readUInt32BE(head.length - 4);
    this.#at = head.length;
  }

  /** In place of what may be there from a run that was cut short. @throws errors of the disk */
  static async create(disk: Disk, name: string, identity: FileIdentity): Promise<CheckedWriter> {
    await disk.unlink(name);
    const file = await disk.create(name, 'buffered');
    const head = encodeHead(identity);
    try {
      await file.write({ position: 0, buffers: [head] });
    } catch (error) {
      await file.close().catch(() => undefined);
      throw error;
    }
    return new CheckedWriter(file, head);
  }

  /** In bytes, so far. */
  get length(): number {
    return this.#at;
  }

  async block(payload: Buffer): Promise<void> {
    if (payload.length === 0 || payload.length > BLOCK_BYTES_MAX)
      throw new RangeError(`no block has ${payload.length} bytes`);
    await this.#write(payload);
  }

  /** Resolves when all of it is on stable storage, but for its directory entry. To be closed all the same. */
  async finish(): Promise<void> {
    await this.#write(Buffer.alloc(0));
    await this.#file.sync();
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  async #write(payload: Buffer): Promise<void> {
    const head = encodeBlockHead(this.#headCrc, { number: this.#number, payload });
    await this.#file.write({ position: this.#at, buffers: [head, payload] });
    this.#at += head.length + payload.length;
    this.#number += 1;
  }
}

/** What is to be done where a backup was to follow one that is damaged. */
export const BEGIN_ANEW =
  'Back up to a new directory; what is whole of the backups in this one can be restored as before';

export function damagedFile(name: string, what: string): FsError {
  return new FsError('Corrupt', `the backup is damaged: ${name}: ${what}`);
}

/** @throws FsError Corrupt; errors of the disk */
export async function readIdentity(
  disk: Disk,
  { name, kind }: { readonly name: string; readonly kind: FileIdentity['kind'] },
): Promise<FileIdentity> {
  const file = await openForReading(disk, name);
  try {
    return (await readHead(file, { name, kind })).identity;
  } finally {
    await file.close();
  }
}

/** The blocks of a file, each checked before it is given. @throws FsError Corrupt; errors of the disk */
export async function* readBlocks(
  disk: Disk,
  name: string,
  expected: FileIdentity,
): AsyncGenerator<Buffer, void, void> {
  const file = await openForReading(disk, name);
  try {
    const { identity, headCrc } = await readHead(file, { name, kind: expected.kind });
    for (const part of ['repository', 'backup'] as const)
      if (!identity[part].equals(expected[part])) throw damagedFile(name, `it is of another ${part}`);
    const end = await file.size();
    let at = HEAD_BYTES;
    for (let number = 0; ; number += 1) {
      const head = await readPart(file, { name, position: at, length: BLOCK_HEAD_BYTES });
      const length = head.readUInt32BE(0);
      const place = `block ${number}, at ${at},`;
      // Also before memory is taken for it.
      if (length > BLOCK_BYTES_MAX || at + BLOCK_HEAD_BYTES + length > end)
        throw damagedFile(name, `${place} says that it has ${length} bytes`);
      const payload = await readPart(file, { name, position: at + BLOCK_HEAD_BYTES, length });
      if (!encodeBlockHead(headCrc, { number, payload }).equals(head))
        throw damagedFile(name, `${place} does not match its checksum`);
      at += BLOCK_HEAD_BYTES + length;
      if (length === 0) break;
      yield payload;
    }
    if (at !== end) throw damagedFile(name, `there are ${end - at} bytes behind its end`);
  } finally {
    await file.close();
  }
}

async function openForReading(disk: Disk, name: string): Promise<DiskFile> {
  if (await disk.status(name)) return disk.open(name, 'none');
  throw damagedFile(name, 'it is not there, or is no file');
}

async function readHead(
  file: DiskFile,
  { name, kind }: { readonly name: string; readonly kind: FileIdentity['kind'] },
): Promise<{ readonly identity: FileIdentity; readonly headCrc: number }> {
  const bytes = await readPart(file, { name, position: 0, length: HEAD_BYTES });
  if (!withCrc(bytes.subarray(0, -4)).equals(bytes)) throw damagedFile(name, 'its head is damaged');
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC) || bytes[MAGIC.length] !== KIND[kind])
    throw damagedFile(name, `it is no ${kind} of a backup`);
  const repository = bytes.subarray(MAGIC.length + 1, MAGIC.length + 1 + ID_BYTES);
  const backup = bytes.subarray(MAGIC.length + 1 + ID_BYTES, -4);
  return { identity: { kind, repository, backup }, headCrc: bytes.readUInt32BE(bytes.length - 4) };
}

async function readPart(
  file: DiskFile,
  part: { readonly name: string; readonly position: number; readonly length: number },
): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(part.length);
  const count = await file.read({ position: part.position, buffers: [buffer] }).catch((error: unknown) => {
    throw isOfDevice(error) ? damagedFile(part.name, `it can not be read (${String(error)})`) : error;
  });
  if (count < part.length) throw damagedFile(part.name, `it ends at ${part.position + count}, too early`);
  return buffer;
}

/** The disk lost what it held there. */
function isOfDevice(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EIO';
}
