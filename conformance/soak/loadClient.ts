/** One client: it changes keys of its own, one request at a time, and fights with the others over a few shared ones. */
import { textsOf } from '../wire/send.ts';
import {
  bytesOf,
  md5,
  PART_BYTES_MIN,
  type Piece,
  SIZE_CLASSES,
  type SizeClass,
  sliceOf,
  type Version,
} from './bodies.ts';
import { create, differenceByNfs, isFileName, overwrite, removeFile, rename, truncate } from './files.ts';
import { abort, complete, copy, etagOf, look, pathOf, put, remove, told, type World } from './objects.ts';
import type { Random } from './random.ts';

export const SHARED_KEYS = ['shared/0', 'shared/1', 'shared/1/below', 'shared/2', 'shared/3'] as const;

/** What a client does next. */
export type Task =
  | { readonly do: 'put'; readonly size: SizeClass }
  | { readonly do: 'copy' | 'delete' | 'multipart' | 'compete' | 'read' | 'list' | 'file' };

/** Every size class twice, so that each is there however early the end comes. */
export const TASKS: readonly Task[] = [
  ...[...SIZE_CLASSES, ...SIZE_CLASSES].map((size) => ({ do: 'put' as const, size })),
  ...(['copy', 'copy', 'copy', 'delete', 'delete', 'delete', 'delete', 'delete'] as const).map(task),
  ...(['multipart', 'read', 'read', 'read', 'list'] as const).map(task),
  ...Array.from({ length: 8 }, () => task('compete')),
  ...Array.from({ length: 12 }, () => task('file')),
];

function task(what: Exclude<Task['do'], 'put'>): Task {
  return { do: what };
}

/** Names of many shapes: files beside directories of the same name, empty segments, trailing slashes. */
export function ownKeys(client: number, count: number): [string, ...string[]] {
  const shapes = [
    (n: number) => `client-${client}/${n}`,
    (n: number) => `client-${client}/${n - 1}/below/${n}`,
    (n: number) => `client-${client}//é ${n}`,
    (n: number) => `client-${client}/folder-${n}/`,
    (n: number) => `client-${client}/${'long-'.repeat(60)}${n}`,
    (n: number) => `client-${client}-${n}`,
  ];
  const [first = `client-${client}`, ...rest] = Array.from({ length: count }, (_, n) =>
    (shapes[n % shapes.length] ?? String)(n),
  );
  return [first, ...rest];
}

export interface ClientOptions extends World {
  readonly client: number;
  /** Different at each start of the server, so that no two requests have one name. */
  readonly round: string;
  readonly keys: readonly [string, ...string[]];
  readonly random: Random;
}

/** What its ETag is is known. */
const isOfS3 = ({ byNfs }: Version): boolean => byNfs !== true;

/** Most often it is written to. */
const FILE_WORK = ['write', 'write', 'write', 'truncate', 'rename', 'remove', 'read'] as const;

/** Of one WRITE. */
const WRITE_BYTES = { least: 1, most: 100_000 };

interface Held {
  readonly key: string;
  readonly version: Version;
}

export class LoadClient {
  readonly #options: ClientOptions;
  readonly #random: Random;
  #ops = 0;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#random = options.random;
  }

  /** @throws Unanswered when the server is gone */
  async do(next: Task): Promise<void> {
    switch (next.do) {
      case 'put':
        await this.#put(next.size);
        return;
      case 'copy':
        return this.#copy();
      case 'delete':
        return this.#delete();
      case 'multipart':
        return this.#multipart();
      case 'compete':
        return this.#compete();
      case 'read':
        return this.#read();
      case 'list':
        return this.#list();
      case 'file':
        return this.#file();
    }
  }

  #op(): string {
    this.#ops += 1;
    return `${this.#options.round}.${this.#options.client}.${this.#ops}`;
  }

  /** A key of this client of which it knows what lies there: all but those that a fault left in doubt. */
  #someKey(): string | undefined {
    const { keys, ledger } = this.#options;
    return this.#random.shuffled(keys).find((key) => ledger.certain(key) !== undefined);
  }

  /** An object of this client that is there. */
  #someObject(isGood: (version: Version) => boolean = () => true): Held | undefined {
    const { keys, ledger } = this.#options;
    for (const key of this.#random.shuffled(keys)) {
      const version = ledger.certain(key);
      if (version && isGood(version)) return { key, version };
    }
    return undefined;
  }

  async #put(size: SizeClass): Promise<void> {
    const key = this.#someKey();
    if (key === undefined) return;
    const lengthBytes = this.#random.pick(size.lengthsBytes);
    await put(this.#options, { op: this.#op(), key, kind: size.name, lengthBytes });
  }

  async #copy(): Promise<void> {
    const source = this.#someObject(isOfS3);
    const key = this.#someKey();
    if (!source || key === undefined || key === source.key) return;
    await copy(this.#options, { op: this.#op(), key, source: source.key, version: source.version });
  }

  async #delete(): Promise<void> {
    const object = this.#someObject();
    if (object) await remove(this.#options, { op: this.#op(), key: object.key });
  }

  async #multipart(): Promise<void> {
    const { s3, ledger, onFault } = this.#options;
    const key = this.#someKey();
    if (key === undefined) return;
    const tag = this.#op();
    const created = await s3.send({
      method: 'POST',
      path: pathOf(key, '?uploads'),
      headers: [['x-amz-meta-op', tag]],
    });
    const upload = textsOf(created.body.toString('utf8'), 'UploadId')[0];
    if (upload === undefined) return onFault(`CreateMultipartUpload of ${key} was answered ${told(created)}`);
    ledger.record({ t: 'upload', upload, key, tag });
    await this.#part({ upload, key, partNumber: 1, lengthBytes: PART_BYTES_MIN });
    const source = this.#random.chance(0.5)
      ? this.#someObject((version) => isOfS3(version) && version.lengthBytes > 0)
      : undefined;
    if (source) await this.#partByCopy({ upload, key, partNumber: 2 }, source);
    else {
      const lengthBytes = this.#random.integer({ least: 1, most: 400_000 });
      await this.#part({ upload, key, partNumber: 2, lengthBytes });
    }
    const open = ledger.uploads().find((other) => other.upload === upload);
    if (!open || open.parts.size === 0) return;
    if (this.#random.chance(0.2)) await abort(this.#options, open, false);
    else await complete(this.#options, this.#op(), open);
  }

  async #part(of: {
    readonly upload: string;
    readonly key: string;
    readonly partNumber: number;
    readonly lengthBytes: number;
  }): Promise<void> {
    const { upload, key, partNumber, lengthBytes } = of;
    const pieces = [{ tag: this.#op(), start: 0, lengthBytes }];
    const body = bytesOf(pieces);
    const reply = await this.#options.s3.send({
      method: 'PUT',
      path: pathOf(key, `?partNumber=${partNumber}&uploadId=${upload}`),
      body,
    });
    const part = { partNumber, pieces, lengthBytes, etag: md5(body).toString('hex') };
    if (etagOf(reply) === part.etag) this.#options.ledger.record({ t: 'part', upload, ...part });
    else this.#options.onFault(`part ${partNumber} of ${key} was answered ${told(reply)}`);
  }

  async #partByCopy(
    to: { readonly upload: string; readonly key: string; readonly partNumber: number },
    source: Held,
  ): Promise<void> {
    const { upload, key, partNumber } = to;
    const start = this.#random.integer({ least: 0, most: source.version.lengthBytes - 1 });
    const lengthBytes = this.#random.integer({ least: 1, most: source.version.lengthBytes - start });
    const pieces: readonly Piece[] = sliceOf(source.version.pieces, { start, lengthBytes });
    const reply = await this.#options.s3.send({
      method: 'PUT',
      path: pathOf(key, `?partNumber=${partNumber}&uploadId=${upload}`),
      headers: [
        ['x-amz-copy-source', pathOf(source.key)],
        ['x-amz-copy-source-range', `bytes=${start}-${start + lengthBytes - 1}`],
      ],
    });
    const etag = textsOf(reply.body.toString('utf8'), 'ETag')[0]?.replaceAll('"', '');
    // Its ETag is the server's choice: to know the MD5 it would have to read what it need not move.
    if (reply.status === 200 && etag) {
      this.#options.ledger.record({ t: 'part', upload, partNumber, pieces, lengthBytes, etag });
    } else this.#options.onFault(`part ${partNumber} of ${key}, copied, was answered ${told(reply)}`);
  }

  /** A change on condition that nobody was faster. */
  async #compete(): Promise<void> {
    const key = this.#random.pick(SHARED_KEYS);
    const head = await this.#options.s3.send({ method: 'HEAD', path: pathOf(key) });
    const from = head.status === 200 ? etagOf(head) : '';
    const op = this.#op();
    if (from !== '' && this.#random.chance(0.3)) await remove(this.#options, { op, key, from });
    else {
      // Long enough that no two versions have one ETag.
      const lengthBytes = this.#random.pick([32, 960, 961, 5000, 300_000]);
      const kind = from === '' ? 'If-None-Match' : 'If-Match';
      await put(this.#options, { op, key, kind, from, lengthBytes });
    }
  }

  async #read(): Promise<void> {
    const { s3, ledger, onFault } = this.#options;
    const key = this.#someKey();
    if (key === undefined) return;
    const seen = await look(s3, key);
    if (seen.kind === 'broken') return onFault(`${key}, while served: ${seen.reason}`);
    if (ledger.judge(key, seen.found).kind === 'wrong') {
      onFault(`${key}, while served: found ${seen.found?.tag ?? 'nothing'}, not what was acknowledged`);
    }
  }

  async #list(): Promise<void> {
    const { s3, ledger, onFault, keys } = this.#options;
    const mine = keys.filter((key) => ledger.certain(key));
    const prefix = `client-${this.#options.client}`;
    const reply = await s3.send({ path: `/soak?list-type=2&prefix=${prefix}%2F` });
    const listed = new Set(textsOf(reply.body.toString('utf8'), 'Key'));
    const missing = mine.filter((key) => key.startsWith(`${prefix}/`) && !listed.has(key));
    if (missing.length > 0) onFault(`a listing lacks ${missing.join(', ')}`);
  }

  /** A change by NFS of a file that S3 changes, too. */
  async #file(): Promise<void> {
    const { keys, ledger, onFault } = this.#options;
    const files = this.#random.shuffled(
      keys.filter((key) => isFileName(key) && ledger.certain(key) !== undefined),
    );
    const [key, target] = files;
    if (key === undefined) return;
    const version = ledger.certain(key);
    const op = this.#op();
    if (!version) return create(this.#options, { op, key });
    const of = { op, key, version };
    switch (this.#random.pick(FILE_WORK)) {
      case 'write': {
        const start = this.#random.integer({ least: 0, most: version.lengthBytes });
        return overwrite(this.#options, {
          ...of,
          start,
          lengthBytes: this.#random.integer(WRITE_BYTES),
          isStable: this.#random.chance(0.5),
        });
      }
      case 'truncate':
        return truncate(this.#options, {
          ...of,
          lengthBytes: this.#random.integer({ least: 0, most: version.lengthBytes }),
        });
      case 'rename':
        return target === undefined ? undefined : rename(this.#options, { ...of, target });
      case 'remove':
        return removeFile(this.#options, of);
      case 'read': {
        const difference = await differenceByNfs(this.#options, key, version);
        if (difference !== undefined) onFault(`${key}, while served: ${difference}`);
      }
    }
  }
}
