/**
 * File handles: which inode of which volume, sealed so that nobody can make one up.
 *
 *     0 version (1) | 1 zero | 2 volume (u48) | 8 inode (u64) | 16 generation (u32) | 20 MAC (8 bytes) | 28
 *
 * Big-endian. The MAC is HMAC-SHA-256 over the first 20 bytes, cut to 8: to guess one takes 2^63 calls on average.
 * A handle says nothing of the process that made it, so that it outlives restarts and is good at every gateway
 * that has the key.
 *
 * @source RFC 1813 §2.3.3 (nfs_fh3: opaque, at most 64 bytes)
 */
import { hash, timingSafeEqual } from 'node:crypto';
import { type FileRef, inodeId, LastUsed, volumeId } from '@facet/core';

/** Of the protocol, not of ours. */
export const HANDLE_BYTES_MAX = 64;
export const HANDLE_BYTES = 28;
const HANDLE_KEY_BYTES = 32;

const VERSION = 1;
const VOLUME_AT = 2;
const INODE_AT = 8;
const GENERATION_AT = 16;
const MAC_AT = 20;

/** Handles that are remembered: a MAC takes 1.5 µs, and most calls are on files of the calls before. */
const KNOWN_MAX = 16_384;

interface Known {
  readonly file: FileRef;
  readonly handle: Buffer;
}

const SHA256_BLOCK_BYTES = 64;
const SHA256_BYTES = 32;

export class FileHandles {
  /** What HMAC hashes, first and then: the key with its pad, and room for what is hashed with it. */
  readonly #inner: Buffer;
  readonly #outer: Buffer;
  readonly #made = Buffer.alloc(HANDLE_BYTES - MAC_AT);
  /** Good ones that came with calls, by inode. Most that a listing gives never come. */
  readonly #known = new LastUsed<number, Known>(KNOWN_MAX);

  /** @param key 32 bytes, the same for as long as handles are to be good. */
  constructor(key: Buffer) {
    if (key.length !== HANDLE_KEY_BYTES) {
      throw new RangeError(`a key of handles has ${HANDLE_KEY_BYTES} bytes, not ${key.length}`);
    }
    this.#inner = padded(key, { pad: 0x36, roomBytes: MAC_AT });
    this.#outer = padded(key, { pad: 0x5c, roomBytes: SHA256_BYTES });
  }

  /** Not to be written to. */
  encode({ volume, inode, generation }: FileRef): Buffer {
    const known = this.#known.get(inode);
    if (known && known.file.volume === volume && known.file.generation === generation) return known.handle;
    const handle = Buffer.allocUnsafe(HANDLE_BYTES);
    handle.writeUInt16BE(VERSION << 8, 0);
    handle.writeUIntBE(volume, VOLUME_AT, 6);
    handle.writeUInt32BE(Math.floor(inode / 2 ** 32), INODE_AT);
    handle.writeUInt32BE(inode % 2 ** 32, INODE_AT + 4);
    handle.writeUInt32BE(generation, GENERATION_AT);
    this.#mac(handle).copy(handle, MAC_AT);
    return handle;
  }

  /** Undefined: not one of ours. */
  decode(handle: Buffer): FileRef | undefined {
    if (handle.length !== HANDLE_BYTES || handle.readUInt16BE(0) !== VERSION << 8) return undefined;
    const inode = handle.readUInt32BE(INODE_AT) * 2 ** 32 + handle.readUInt32BE(INODE_AT + 4);
    const known = this.#known.get(inode);
    if (known && isSame(known.handle, handle)) return known.file;
    if (!timingSafeEqual(this.#mac(handle), handle.subarray(MAC_AT))) return undefined;
    const file = {
      volume: volumeId(handle.readUIntBE(VOLUME_AT, 6)),
      inode: inodeId(inode),
      generation: handle.readUInt32BE(GENERATION_AT),
    };
    // A copy: the call's memory is not the handle's. Nor a piece of Node's pool, which it would keep whole: 64 KiB.
    const kept = Buffer.allocUnsafeSlow(HANDLE_BYTES);
    handle.copy(kept);
    this.#known.set(inode, { file, handle: kept });
    return file;
  }

  /**
   * Good until the next. Node's own HMAC takes three times as long, most of it for objects and for memory that what is
   * made goes to: so it comes as text, a byte a character.
   * @source RFC 2104 §2
   */
  #mac(handle: Buffer): Buffer {
    const inner = this.#inner;
    handle.copy(inner, SHA256_BLOCK_BYTES, 0, MAC_AT);
    this.#outer.write(hash('sha256', inner, 'latin1'), SHA256_BLOCK_BYTES, 'latin1');
    this.#made.write(hash('sha256', this.#outer, 'latin1'), 0, HANDLE_BYTES - MAC_AT, 'latin1');
    return this.#made;
  }
}

/** Wherever they differ it takes as long. By hand: Node's own takes longer to be called than to compare. */
function isSame(known: Buffer, handle: Buffer): boolean {
  let difference = 0;
  for (let at = 0; at < HANDLE_BYTES; at += 1) difference |= (known[at] ?? 0) ^ (handle[at] ?? 0);
  return difference === 0;
}

function padded(
  key: Buffer,
  { pad, roomBytes }: { readonly pad: number; readonly roomBytes: number },
): Buffer {
  const block = Buffer.alloc(SHA256_BLOCK_BYTES + roomBytes, pad);
  for (const [at, byte] of key.entries()) block[at] = byte ^ pad;
  return block;
}
