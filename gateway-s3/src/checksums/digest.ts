/** Checksums over a stream of bytes. */
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
// The package's door would load its whole MQTT and HTTP client; this is its checksum binding alone.
import { crc32c, crc64nvme } from 'aws-crt/dist/native/checksums.js';
import type { ComputedAlgorithm } from './algorithms.ts';
import type { BytesChecksum } from './value.ts';

/** A checksum under way. `digest` ends it: nothing may be called afterwards. */
export interface Digest {
  update(bytes: Buffer): void;
  /** Exactly the algorithm's length; CRCs big-endian. */
  digest(): Buffer;
}

const FACTORIES = {
  CRC32: () => new Crc32Digest(crc32),
  CRC32C: () => new Crc32Digest(crc32c),
  CRC64NVME: () => new Crc64Digest(),
  SHA1: () => createHash('sha1'),
  SHA256: () => createHash('sha256'),
  SHA512: () => createHash('sha512'),
  MD5: () => createHash('md5'),
} as const satisfies Record<ComputedAlgorithm, () => Digest>;

export function createDigest(algorithm: ComputedAlgorithm): Digest {
  return FACTORIES[algorithm]();
}

/** The checksum of bytes that are all here. */
export function checksumOf(algorithm: ComputedAlgorithm, bytes: Buffer): BytesChecksum {
  const digest = createDigest(algorithm);
  digest.update(bytes);
  return { algorithm, type: 'FULL_OBJECT', value: digest.digest() };
}

type Crc32Function = (bytes: Buffer, previous: number) => number;

class Crc32Digest implements Digest {
  readonly #crc: Crc32Function;
  #value = 0;

  constructor(crc: Crc32Function) {
    this.#crc = crc;
  }

  update(bytes: Buffer): void {
    this.#value = this.#crc(bytes, this.#value);
  }

  digest(): Buffer {
    const out = Buffer.allocUnsafe(4);
    out.writeUInt32BE(this.#value);
    return out;
  }
}

class Crc64Digest implements Digest {
  /** The value so far, big-endian: what the binding takes and gives. */
  #value: DataView = new DataView(new ArrayBuffer(8));

  update(bytes: Buffer): void {
    this.#value = crc64nvme(bytes, this.#value);
  }

  digest(): Buffer {
    return Buffer.from(this.#value.buffer, this.#value.byteOffset, 8);
  }
}
