/**
 * The lock table done naively: for every byte of a small file, the mode each owner has it in, and a line of waiters.
 * The rules are those of `lockTable.ts`, restated without ranges.
 */

export type Mode = 'shared' | 'exclusive';

export interface ModelRequest {
  readonly file: number;
  readonly owner: number;
  readonly first: number;
  /** Exclusive. */
  readonly last: number;
  readonly mode: Mode;
}

export interface ModelGrant {
  readonly request: ModelRequest;
  readonly waiter: number;
  readonly before: ReadonlyMap<number, Mode>;
}

export class LockModel {
  /** By file, then byte, then owner. */
  readonly bytes: Map<number, Mode>[][];
  readonly waiting: { request: ModelRequest; waiter: number }[][];
  #inUse: readonly number[] = [];

  constructor(files: number, fileBytes: number) {
    this.bytes = Array.from({ length: files }, () => Array.from({ length: fileBytes }, () => new Map()));
    this.waiting = Array.from({ length: files }, () => []);
  }

  lock(request: ModelRequest, waiter?: number): { outcome: string; grants: ModelGrant[] } {
    const line = this.#line(request.file);
    const place = line.findIndex((entry) => same(entry.request, request));
    const before = place < 0 ? line : line.slice(0, place);
    const entry = line[place];
    if (this.conflicts(request) || (waiter !== undefined && this.#mustLineUp(request, before))) {
      if (waiter === undefined) return { outcome: 'denied', grants: [] };
      if (entry === undefined) line.push({ request, waiter });
      else entry.waiter = waiter;
      return { outcome: 'waiting', grants: [] };
    }
    if (place >= 0) line.splice(place, 1);
    this.#set(request, request.mode);
    return { outcome: 'granted', grants: this.#serve(request.file) };
  }

  unlock(request: ModelRequest): ModelGrant[] {
    this.#set(request, undefined);
    return this.#serve(request.file);
  }

  cancel(request: ModelRequest): { found: boolean; grants: ModelGrant[] } {
    const line = this.#line(request.file);
    const place = line.findIndex((entry) => same(entry.request, request));
    if (place < 0) return { found: false, grants: [] };
    line.splice(place, 1);
    return { found: true, grants: this.#serve(request.file) };
  }

  withdraw({ request, before }: ModelGrant): ModelGrant[] {
    this.#eachByte(request, (holders, byte) => {
      const old = before.get(byte);
      if (!holders.has(request.owner)) return;
      if (old === undefined) holders.delete(request.owner);
      else holders.set(request.owner, old);
    });
    return this.#serve(request.file);
  }

  /** Only files that they had to do with are looked at anew, those first that have been locked for longer. */
  release(owners: readonly number[]): ModelGrant[] {
    const isTheirs = (owner: number): boolean => owners.includes(owner);
    const touched = this.#inUse.filter(
      (file) =>
        this.bytes[file]?.some((holders) => holders.keys().some(isTheirs)) ||
        this.#line(file).some(({ request }) => isTheirs(request.owner)),
    );
    for (const file of touched) {
      for (const holders of this.bytes[file] ?? []) for (const owner of owners) holders.delete(owner);
      this.waiting[file] = this.#line(file).filter(({ request }) => !isTheirs(request.owner));
    }
    return touched.flatMap((file) => this.#serve(file));
  }

  /** To be called after every change. */
  noteUse(): void {
    const isUsed = (file: number): boolean =>
      this.#line(file).length > 0 || (this.bytes[file]?.some((holders) => holders.size > 0) ?? false);
    const kept = this.#inUse.filter(isUsed);
    const began = Array.from(this.bytes.keys()).filter((file) => isUsed(file) && !kept.includes(file));
    this.#inUse = [...kept, ...began];
  }

  drop(file: number): void {
    for (const holders of this.bytes[file] ?? []) holders.clear();
    this.waiting[file] = [];
  }

  conflicts(request: ModelRequest): boolean {
    let found = false;
    this.#eachByte(request, (holders) => {
      for (const [owner, mode] of holders) {
        if (owner !== request.owner && (mode === 'exclusive' || request.mode === 'exclusive')) found = true;
      }
    });
    return found;
  }

  #mustLineUp(request: ModelRequest, before: readonly { request: ModelRequest }[]): boolean {
    if (this.bytes.some((file) => file.some((holders) => holders.has(request.owner)))) return false;
    return before.some(
      ({ request: other }) =>
        other.owner !== request.owner &&
        (other.mode === 'exclusive' || request.mode === 'exclusive') &&
        other.first < request.last &&
        request.first < other.last,
    );
  }

  #serve(file: number): ModelGrant[] {
    const grants: ModelGrant[] = [];
    for (;;) {
      const line = this.#line(file);
      const place = line.findIndex(
        ({ request }, index) => !this.conflicts(request) && !this.#mustLineUp(request, line.slice(0, index)),
      );
      const entry = line[place];
      if (entry === undefined) return grants;
      const before = new Map<number, Mode>();
      this.#eachByte(entry.request, (holders, byte) => {
        const mode = holders.get(entry.request.owner);
        if (mode !== undefined) before.set(byte, mode);
      });
      line.splice(place, 1);
      this.#set(entry.request, entry.request.mode);
      grants.push({ ...entry, before });
    }
  }

  #set(request: ModelRequest, mode: Mode | undefined): void {
    this.#eachByte(request, (holders) => {
      if (mode === undefined) holders.delete(request.owner);
      else holders.set(request.owner, mode);
    });
  }

  #eachByte(
    { file, first, last }: ModelRequest,
    visit: (holders: Map<number, Mode>, byte: number) => void,
  ): void {
    this.bytes[file]?.slice(first, last).forEach((holders, index) => {
      visit(holders, first + index);
    });
  }

  #line(file: number): { request: ModelRequest; waiter: number }[] {
    return this.waiting[file] ?? [];
  }
}

function same(a: ModelRequest, b: ModelRequest): boolean {
  return a.owner === b.owner && a.first === b.first && a.last === b.last && a.mode === b.mode;
}
