/** The bytes of a simulated file, in pages that exist only once written to. */

const PAGE_BYTES = 4096;

interface PagePart {
  readonly page: number;
  /** Bytes before the part in its page. */
  readonly skip: number;
  readonly length: number;
  /** Bytes before the part in the whole run. */
  readonly done: number;
}

export class SparseBytes {
  #pages: Map<number, Buffer>;
  #length: number;

  constructor(from?: SparseBytes) {
    this.#pages = new Map(from && [...from.#pages].map(([page, bytes]) => [page, Buffer.from(bytes)]));
    this.#length = from ? from.#length : 0;
  }

  get length(): number {
    return this.#length;
  }

  get allocatedBytes(): number {
    return this.#pages.size * PAGE_BYTES;
  }

  /** What a write of this run would add to {@link allocatedBytes}. */
  missingBytes(offset: number, length: number): number {
    return [...parts(offset, length)].filter(({ page }) => !this.#pages.has(page)).length * PAGE_BYTES;
  }

  /** Copies bytes from `position` on to `into`; returns how many there were. */
  read(position: number, into: Uint8Array): number {
    const count = Math.max(0, Math.min(into.length, this.#length - position));
    for (const { page, skip, length, done } of parts(position, count)) {
      const bytes = this.#pages.get(page);
      if (bytes) into.set(bytes.subarray(skip, skip + length), done);
      else into.fill(0, done, done + length);
    }
    return count;
  }

  write(position: number, data: Uint8Array): void {
    this.allocate(position, data.length);
    for (const { page, skip, length, done } of parts(position, data.length)) {
      this.#pages.get(page)?.set(data.subarray(done, done + length), skip);
    }
  }

  /** Takes pages for a run, and grows to its end. */
  allocate(offset: number, count: number): void {
    for (const { page } of parts(offset, count)) {
      if (!this.#pages.has(page)) this.#pages.set(page, Buffer.alloc(PAGE_BYTES));
    }
    this.#length = Math.max(this.#length, offset + count);
  }

  /** Makes a run zeros and gives back the pages wholly in it. */
  punch(offset: number, count: number): void {
    for (const { page, skip, length } of parts(offset, count)) {
      if (length === PAGE_BYTES) this.#pages.delete(page);
      else this.#pages.get(page)?.fill(0, skip, skip + length);
    }
  }

  truncate(length: number): void {
    if (length < this.#length) {
      const last = Math.floor(length / PAGE_BYTES);
      for (const page of this.#pages.keys()) if (page > last) this.#pages.delete(page);
      this.punch(length, (last + 1) * PAGE_BYTES - length);
    }
    this.#length = length;
  }
}

function* parts(offset: number, length: number): Generator<PagePart, void, void> {
  for (let done = 0; done < length; ) {
    const page = Math.floor((offset + done) / PAGE_BYTES);
    const skip = offset + done - page * PAGE_BYTES;
    const count = Math.min(PAGE_BYTES - skip, length - done);
    yield { page, skip, length: count, done };
    done += count;
  }
}
