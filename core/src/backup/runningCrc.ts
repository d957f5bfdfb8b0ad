import { Buffer } from 'node:buffer';
import { crc32c } from '@facet/extents';

const ZEROS = Buffer.alloc(1 << 20);

/** A CRC-32C over a stretch of a file that is given in order of place, with holes, which count as zeros. */
export class RunningCrc {
  #at: number;
  #crc = 0;

  constructor(start: number) {
    this.#at = start;
  }

  /** Where what was taken ends. */
  get end(): number {
    return this.#at;
  }

  get value(): number {
    return this.#crc;
  }

  take(position: number, bytes: Uint8Array): void {
    while (this.#at < position) this.#add(ZEROS.subarray(0, Math.min(ZEROS.length, position - this.#at)));
    this.#add(bytes);
  }

  #add(bytes: Uint8Array): void {
    this.#crc = crc32c(bytes, this.#crc);
    this.#at += bytes.length;
  }
}
