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
import { createHmac, timingSafeEqual } from 'node:crypto';
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

/** Handles that are remembered: a MAC takes 5 µs, and most calls are on files of the calls before. */
const KNOWN_MAX = 16_384;

interface Known {
  readonly file: FileRef;
  readonly handle: Buffer;
}

export class FileHandles {
  readonly #key: Buffer;
  /** Good ones, by inode. */
  readonly #known = new LastUsed<number, Known>(KNOWN_MAX);

  /** @param key 32 bytes, the same for as long as handles are to be good. */
  constructor(key: Buffer) {
    if (key.length !== HANDLE_KEY_BYTES) {
      throw new RangeError(`a key of handles has ${HANDLE_KEY_BYTES} bytes, not ${key.length}`);
    }
    this.#key = key;
  }

  /** Not to be written to. */
  encode({ volume, inode, generation }: FileRef): Buffer {
    const known = this.#known.get(inode);
    if (known && known.file.volume === volume && known.file.generation === generation) return known.handle;
    const handle = ownMemory();
    handle.writeUInt16BE(VERSION << 8, 0);
    handle.writeUIntBE(volume, VOLUME_AT, 6);
    handle.writeBigUInt64BE(BigInt(inode), INODE_AT);
    handle.writeUInt32BE(generation, GENERATION_AT);
    this.#mac(handle).copy(handle, MAC_AT, 0, HANDLE_BYTES - MAC_AT);
    this.#remember({ file: { volume, inode, generation }, handle });
    return handle;
  }

  /** Undefined: not one of ours. */
  decode(handle: Buffer): FileRef | undefined {
    if (handle.length !== HANDLE_BYTES || handle.readUInt16BE(0) !== VERSION << 8) return undefined;
    const inode = Number(handle.readBigUInt64BE(INODE_AT));
    const known = this.#known.get(inode);
    if (known && timingSafeEqual(known.handle, handle)) return known.file;
    const mac = this.#mac(handle).subarray(0, HANDLE_BYTES - MAC_AT);
    if (!timingSafeEqual(mac, handle.subarray(MAC_AT))) return undefined;
    const file = {
      volume: volumeId(handle.readUIntBE(VOLUME_AT, 6)),
      inode: inodeId(inode),
      generation: handle.readUInt32BE(GENERATION_AT),
    };
    // A copy: the call's memory is not the handle's.
    const kept = ownMemory();
    handle.copy(kept);
    this.#remember({ file, handle: kept });
    return file;
  }

  #remember(known: Known): void {
    this.#known.set(known.file.inode, known);
  }

  #mac(handle: Buffer): Buffer {
    return createHmac('sha256', this.#key).update(handle.subarray(0, MAC_AT)).digest();
  }
}

/** Not a piece of Node's pool: what is remembered would keep all of that piece's 64 KiB. */
function ownMemory(): Buffer {
  return Buffer.allocUnsafeSlow(HANDLE_BYTES);
}
