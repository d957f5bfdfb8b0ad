/**
 * A few words of memory that all processes of one server see: what one stores the others load, at once.
 *
 * @source Linux man pages memfd_create(2), mmap(2); values from linux/memfd.h, sys/mman.h
 */

import { ftruncateSync } from 'node:fs';
import koffi from 'koffi';

const PAGE_BYTES = 4096;
const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;
const MAP_FAILED = 2n ** 64n - 1n;

const libc = koffi.load(null);
const memfdCreate = libc.func('int memfd_create(const char *name, unsigned int flags)');
const mmap = libc.func(
  'void *mmap(void *at, size_t length, int protection, int flags, int fd, int64_t offset)',
);

export class SharedWords {
  /** To be handed to other processes. */
  readonly fd: number;
  readonly #words: Int32Array;

  private constructor(fd: number) {
    this.fd = fd;
    const address: bigint = mmap(null, PAGE_BYTES, PROT_READ_WRITE, MAP_SHARED, fd, 0);
    if (address === MAP_FAILED) throw new Error(`cannot map shared memory: errno ${koffi.errno()}`);
    this.#words = new Int32Array(koffi.view(address, PAGE_BYTES));
  }

  /** All zero. */
  static make(): SharedWords {
    const fd: number = memfdCreate('facet', 0);
    if (fd < 0) throw new Error(`cannot make shared memory: errno ${koffi.errno()}`);
    ftruncateSync(fd, PAGE_BYTES);
    return new SharedWords(fd);
  }

  /** Those that another process made. */
  static open(fd: number): SharedWords {
    return new SharedWords(fd);
  }

  load(word: number): number {
    return Atomics.load(this.#words, word);
  }

  store(word: number, value: number): void {
    Atomics.store(this.#words, word, value);
  }

  /** One more, around at 2^31. @returns what it is then */
  increment(word: number): number {
    return (Atomics.add(this.#words, word, 1) + 1) | 0;
  }
}
