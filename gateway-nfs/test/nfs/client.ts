/** NFSv3 and MOUNT v3 as a client of the tests speaks them: one method a procedure, the answer taken apart. */
import type { RpcTestClient, Who } from '../rpcClient.ts';
import { type In, Out } from '../wire.ts';

export const NFS = 100003;
export const MOUNT = 100005;

export const PROC = {
  NULL: 0,
  GETATTR: 1,
  SETATTR: 2,
  LOOKUP: 3,
  ACCESS: 4,
  READLINK: 5,
  READ: 6,
  WRITE: 7,
  CREATE: 8,
  MKDIR: 9,
  SYMLINK: 10,
  MKNOD: 11,
  REMOVE: 12,
  RMDIR: 13,
  RENAME: 14,
  LINK: 15,
  READDIR: 16,
  READDIRPLUS: 17,
  FSSTAT: 18,
  FSINFO: 19,
  PATHCONF: 20,
  COMMIT: 21,
} as const;

export const OK = 0;
export const ERR = {
  PERM: 1,
  NOENT: 2,
  IO: 5,
  ACCES: 13,
  EXIST: 17,
  XDEV: 18,
  NOTDIR: 20,
  ISDIR: 21,
  INVAL: 22,
  FBIG: 27,
  ROFS: 30,
  NAMETOOLONG: 63,
  NOTEMPTY: 66,
  DQUOT: 69,
  STALE: 70,
  BADHANDLE: 10001,
  NOT_SYNC: 10002,
  BAD_COOKIE: 10003,
  TOOSMALL: 10005,
  BADTYPE: 10007,
} as const;

export interface Fattr {
  readonly type: number;
  readonly mode: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: bigint;
  readonly used: bigint;
  readonly rdev: readonly [number, number];
  readonly fsid: bigint;
  readonly fileid: bigint;
  readonly atime: bigint;
  readonly mtime: bigint;
  readonly ctime: bigint;
}

export interface Wcc {
  readonly before: { readonly size: bigint; readonly mtime: bigint; readonly ctime: bigint } | undefined;
  readonly after: Fattr | undefined;
}

export interface Made {
  readonly status: number;
  readonly handle?: Buffer | undefined;
  readonly file?: Fattr | undefined;
  readonly wcc: Wcc;
}

export interface Entry {
  readonly fileid: bigint;
  readonly name: Buffer;
  readonly cookie: bigint;
  readonly file?: Fattr | undefined;
  readonly handle?: Buffer | undefined;
}

export interface Listing {
  readonly status: number;
  readonly directory: Fattr | undefined;
  readonly verifier: Buffer;
  readonly entries: readonly Entry[];
  readonly eof: boolean;
  /** Of the results, the status apart. */
  readonly lengthBytes: number;
}

export interface Sattr {
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly size?: bigint | number;
  readonly atime?: 'server' | readonly [number, number];
  readonly mtime?: 'server' | readonly [number, number];
}

const readTime = (from: In): bigint => BigInt(from.u32()) * 1_000_000_000n + BigInt(from.u32());

function readFattr(from: In): Fattr {
  return {
    type: from.u32(),
    mode: from.u32(),
    nlink: from.u32(),
    uid: from.u32(),
    gid: from.u32(),
    size: from.u64(),
    used: from.u64(),
    rdev: [from.u32(), from.u32()],
    fsid: from.u64(),
    fileid: from.u64(),
    atime: readTime(from),
    mtime: readTime(from),
    ctime: readTime(from),
  };
}

const readWcc = (from: In): Wcc => ({
  before: from.optional((at) => ({ size: at.u64(), mtime: readTime(at), ctime: readTime(at) })),
  after: from.optional(readFattr),
});

function writeTime(out: Out, time: Sattr['atime']): Out {
  if (time === undefined) return out.u32(0);
  return time === 'server' ? out.u32(1) : out.u32(2, ...time);
}

export function sattr({ mode, uid, gid, size, atime, mtime }: Sattr = {}): Buffer {
  const out = new Out();
  for (const word of [mode, uid, gid]) out.u32(...(word === undefined ? [0] : [1, word]));
  if (size === undefined) out.u32(0);
  else out.u32(1).u64(size);
  return writeTime(writeTime(out, atime), mtime).bytes();
}

const where = (directory: Buffer, name: Buffer | string): Out => new Out().opaque(directory).opaque(name);

export type How =
  | { readonly kind: 'unchecked' | 'guarded'; readonly attributes?: Sattr }
  | { readonly kind: 'exclusive'; readonly verifier: Buffer };

export type Node =
  | { readonly type: 3 | 4; readonly attributes?: Sattr; readonly device: readonly [number, number] }
  | { readonly type: 6 | 7; readonly attributes?: Sattr }
  | { readonly type: 1 | 2 | 5 };

export class NfsTestClient {
  readonly rpc: RpcTestClient;
  readonly who: Who | null;

  constructor(rpc: RpcTestClient, who: Who | null = { uid: 1000 }) {
    this.rpc = rpc;
    this.who = who;
  }

  /** The same connection, as somebody else. */
  as(who: Who | null): NfsTestClient {
    return new NfsTestClient(this.rpc, who);
  }

  /** @throws when the call was not accepted. */
  async send(program: number, procedure: number, args: Buffer): Promise<In> {
    const { accepted, results } = await this.rpc.call({ program, procedure, args, who: this.who });
    if (accepted !== 0) throw new Error(`the call was not accepted: ${accepted}`);
    return results;
  }

  async #ask<T>(procedure: number, args: Out, read: (from: In, status: number) => T): Promise<T> {
    const results = await this.send(NFS, procedure, args.bytes());
    const answer = read(results, results.u32());
    results.end();
    return answer;
  }

  async mount(path: string): Promise<{ status: number; handle: Buffer; flavors: number[] }> {
    const results = await this.send(MOUNT, 1, new Out().opaque(path).bytes());
    const status = results.u32();
    if (status !== OK) return { status, handle: Buffer.alloc(0), flavors: [] };
    const handle = results.opaque();
    const flavors = Array.from({ length: results.u32() }, () => results.u32());
    results.end();
    return { status, handle, flavors };
  }

  getattr(file: Buffer): Promise<{ status: number; file: Fattr | undefined }> {
    return this.#ask(PROC.GETATTR, new Out().opaque(file), (from, status) => ({
      status,
      file: status === OK ? readFattr(from) : undefined,
    }));
  }

  setattr(
    file: Buffer,
    changes: Sattr,
    guard?: readonly [number, number],
  ): Promise<{ status: number; wcc: Wcc }> {
    const args = new Out().opaque(file).raw(sattr(changes));
    args.u32(...(guard ? [1, ...guard] : [0]));
    return this.#ask(PROC.SETATTR, args, (from, status) => ({ status, wcc: readWcc(from) }));
  }

  lookup(directory: Buffer, name: Buffer | string) {
    return this.#ask(PROC.LOOKUP, where(directory, name), (from, status) => ({
      status,
      handle: status === OK ? from.opaque() : Buffer.alloc(0),
      file: status === OK ? from.optional(readFattr) : undefined,
      directory: from.optional(readFattr),
    }));
  }

  access(file: Buffer, asked: number) {
    return this.#ask(PROC.ACCESS, new Out().opaque(file).u32(asked), (from, status) => ({
      status,
      file: from.optional(readFattr),
      granted: status === OK ? from.u32() : 0,
    }));
  }

  readlink(file: Buffer) {
    return this.#ask(PROC.READLINK, new Out().opaque(file), (from, status) => ({
      status,
      file: from.optional(readFattr),
      target: status === OK ? from.opaque() : Buffer.alloc(0),
    }));
  }

  read(file: Buffer, offset: bigint | number, count: number) {
    return this.#ask(PROC.READ, new Out().opaque(file).u64(offset).u32(count), (from, status) => {
      const attributes = from.optional(readFattr);
      if (status !== OK) return { status, file: attributes, count: 0, eof: false, data: Buffer.alloc(0) };
      return { status, file: attributes, count: from.u32(), eof: from.u32() === 1, data: from.opaque() };
    });
  }

  write(file: Buffer, offset: bigint | number, data: Buffer | string, stable = 0) {
    const bytes = Buffer.from(data);
    const args = new Out().opaque(file).u64(offset).u32(bytes.length, stable).opaque(bytes);
    return this.#ask(PROC.WRITE, args, (from, status) => {
      const wcc = readWcc(from);
      if (status !== OK) return { status, wcc, count: 0, committed: 0, verifier: Buffer.alloc(0) };
      return { status, wcc, count: from.u32(), committed: from.u32(), verifier: from.raw(8) };
    });
  }

  #make(procedure: number, args: Out): Promise<Made> {
    return this.#ask(procedure, args, (from, status) => {
      if (status !== OK) return { status, wcc: readWcc(from) };
      const handle = from.optional((at) => at.opaque());
      return { status, handle, file: from.optional(readFattr), wcc: readWcc(from) };
    });
  }

  create(directory: Buffer, name: Buffer | string, how: How = { kind: 'guarded' }): Promise<Made> {
    const args = where(directory, name);
    if (how.kind === 'exclusive') args.u32(2).raw(how.verifier);
    else args.u32(how.kind === 'unchecked' ? 0 : 1).raw(sattr(how.attributes));
    return this.#make(PROC.CREATE, args);
  }

  mkdir(directory: Buffer, name: Buffer | string, attributes: Sattr = {}): Promise<Made> {
    return this.#make(PROC.MKDIR, where(directory, name).raw(sattr(attributes)));
  }

  symlink(directory: Buffer, name: Buffer | string, target: Buffer | string): Promise<Made> {
    return this.#make(PROC.SYMLINK, where(directory, name).raw(sattr()).opaque(target));
  }

  mknod(directory: Buffer, name: Buffer | string, node: Node): Promise<Made> {
    const args = where(directory, name).u32(node.type);
    if (node.type >= 3 && node.type !== 5) args.raw(sattr('attributes' in node ? node.attributes : {}));
    if ('device' in node) args.u32(...node.device);
    return this.#make(PROC.MKNOD, args);
  }

  #change(procedure: number, args: Out): Promise<{ status: number; wcc: Wcc }> {
    return this.#ask(procedure, args, (from, status) => ({ status, wcc: readWcc(from) }));
  }

  remove(directory: Buffer, name: Buffer | string) {
    return this.#change(PROC.REMOVE, where(directory, name));
  }

  rmdir(directory: Buffer, name: Buffer | string) {
    return this.#change(PROC.RMDIR, where(directory, name));
  }

  rename(from: readonly [Buffer, Buffer | string], to: readonly [Buffer, Buffer | string]) {
    const args = where(...from).raw(where(...to).bytes());
    return this.#ask(PROC.RENAME, args, (at, status) => ({ status, from: readWcc(at), to: readWcc(at) }));
  }

  link(file: Buffer, directory: Buffer, name: Buffer | string) {
    const args = new Out().opaque(file).raw(where(directory, name).bytes());
    return this.#ask(PROC.LINK, args, (from, status) => ({
      status,
      file: from.optional(readFattr),
      wcc: readWcc(from),
    }));
  }

  readdir(directory: Buffer, ask: { cookie?: bigint; verifier?: Buffer; count: number }): Promise<Listing> {
    const { cookie = 0n, verifier = Buffer.alloc(8), count } = ask;
    return this.#list(
      PROC.READDIR,
      new Out().opaque(directory).u64(cookie).raw(verifier).u32(count),
      (from) => ({
        fileid: from.u64(),
        name: from.opaque(),
        cookie: from.u64(),
      }),
    );
  }

  readdirplus(
    directory: Buffer,
    ask: { cookie?: bigint; verifier?: Buffer; dircount?: number; maxcount: number },
  ): Promise<Listing> {
    const { cookie = 0n, verifier = Buffer.alloc(8), maxcount, dircount = maxcount } = ask;
    const args = new Out().opaque(directory).u64(cookie).raw(verifier).u32(dircount, maxcount);
    return this.#list(PROC.READDIRPLUS, args, (from) => ({
      fileid: from.u64(),
      name: from.opaque(),
      cookie: from.u64(),
      file: from.optional(readFattr),
      handle: from.optional((at) => at.opaque()),
    }));
  }

  #list(procedure: number, args: Out, readEntry: (from: In) => Entry): Promise<Listing> {
    return this.#ask(procedure, args, (from, status) => {
      const lengthBytes = from.left;
      const directory = from.optional(readFattr);
      if (status !== OK)
        return { status, directory, verifier: Buffer.alloc(8), entries: [], eof: false, lengthBytes };
      const verifier = from.raw(8);
      const entries = from.list(readEntry);
      return { status, directory, verifier, entries, eof: from.u32() === 1, lengthBytes };
    });
  }

  fsstat(file: Buffer) {
    return this.#ask(PROC.FSSTAT, new Out().opaque(file), (from, status) => ({
      status,
      file: from.optional(readFattr),
      numbers: status === OK ? Array.from({ length: 6 }, () => from.u64()) : [],
      invariantSeconds: status === OK ? from.u32() : 0,
    }));
  }

  fsinfo(file: Buffer) {
    return this.#ask(PROC.FSINFO, new Out().opaque(file), (from, status) => ({
      status,
      file: from.optional(readFattr),
      sizes: status === OK ? Array.from({ length: 7 }, () => from.u32()) : [],
      maxFileSize: status === OK ? from.u64() : 0n,
      timeDelta: status === OK ? readTime(from) : 0n,
      properties: status === OK ? from.u32() : 0,
    }));
  }

  pathconf(file: Buffer) {
    return this.#ask(PROC.PATHCONF, new Out().opaque(file), (from, status) => ({
      status,
      file: from.optional(readFattr),
      numbers: status === OK ? Array.from({ length: 6 }, () => from.u32()) : [],
    }));
  }

  commit(file: Buffer, offset: bigint | number = 0, count = 0) {
    return this.#ask(PROC.COMMIT, new Out().opaque(file).u64(offset).u32(count), (from, status) => ({
      status,
      wcc: readWcc(from),
      verifier: status === OK ? from.raw(8) : Buffer.alloc(0),
    }));
  }
}
