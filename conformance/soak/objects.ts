/** S3's operations as the soak uses them: each change is written into the ledger before it is sent, and after. */

import { type Endpoint, textsOf } from '../wire/send.ts';
import { encodeKey } from '../wire/sigv4.ts';
import { bytesOf, md5, plainVersion, sha256, type Version } from './bodies.ts';
import type { Found, Ledger, State, Upload } from './ledger.ts';
import { NfsClient } from './nfsClient.ts';
import { type Reply, S3Client, type S3Server } from './s3Client.ts';
import { PutOff } from './unanswered.ts';

export const BUCKET = 'soak';

export interface World {
  readonly s3: S3Client;
  readonly nfs: NfsClient;
  readonly ledger: Ledger;
  /** Told of whatever should not be. */
  readonly onFault: (fault: string) => void;
}

/** Clients of both doors. @param withinMs the time that they wait for an answer */
export function clientsOf(
  server: S3Server & { readonly nfsEndpoint: Endpoint },
  withinMs?: number,
): Pick<World, 's3' | 'nfs'> & Disposable {
  const s3 = new S3Client(server, withinMs);
  const nfs = new NfsClient(server.nfsEndpoint, `/${BUCKET}`, withinMs);
  return {
    s3,
    nfs,
    [Symbol.dispose]: () => {
      s3.close();
      nfs.close();
    },
  };
}

export function pathOf(key: string, query = ''): string {
  return `/${BUCKET}/${encodeKey(key)}${query}`;
}

export function etagOf(reply: Reply): string {
  return (reply.headers.etag ?? '').replaceAll('"', '');
}

/** The `<Code>` of an error with its `<Message>`, or what came instead. */
export function told(reply: Reply): string {
  const text = reply.body.toString('utf8');
  const [code] = textsOf(text, 'Code');
  if (code === undefined) return `${reply.status} ${text.slice(0, 200)}`;
  return `${reply.status} ${[code, ...textsOf(text, 'Message')].join(': ')}`;
}

export interface Change {
  readonly op: string;
  readonly key: string;
  /** For the figures: a size class, or what else it is. */
  readonly kind: string;
  readonly to: State;
  /** Only if this lies there: an ETag, or `''` for nothing. */
  readonly from?: string;
}

interface Ask {
  readonly method: string;
  readonly query?: string;
  readonly headers?: readonly (readonly [string, string])[];
  readonly body?: Buffer;
}

const REFUSED = [404, 412];

/**
 * Asks for a change. @returns whether it was made; a refusal is one only of a condition
 * @throws Unanswered: then it was made, or it was not; PutOff: it was not
 */
export async function change({ s3, ledger, onFault }: World, wanted: Change, ask: Ask): Promise<boolean> {
  const { key, op, from, to } = wanted;
  const condition: [string, string][] =
    from === undefined ? [] : [from === '' ? ['If-None-Match', '*'] : ['If-Match', `"${from}"`]];
  ledger.record({ t: 'try', ...wanted });
  const request = {
    method: ask.method,
    path: pathOf(key, ask.query),
    headers: [...(ask.headers ?? []), ...condition],
    ...(ask.body && { body: ask.body }),
  };
  const reply = await s3.send(request).catch((error: unknown) => {
    if (error instanceof PutOff) ledger.record({ t: 'no', op });
    throw error;
  });
  if (from !== undefined && REFUSED.includes(reply.status)) {
    ledger.record({ t: 'no', op });
    return false;
  }
  // Copy and complete begin to answer before they know how it ends, and may tell of an error after 200.
  const inBody = textsOf(reply.body.toString('utf8'), 'ETag')[0]?.replaceAll('"', '');
  const good =
    to === null ? reply.status === 204 : reply.status === 200 && (inBody ?? etagOf(reply)) === to.etag;
  if (good) ledger.record({ t: 'ok', op });
  else
    onFault(`${wanted.kind} of ${key} (${op}) was answered ${told(reply)}, ETag ${inBody ?? etagOf(reply)}`);
  return good;
}

export function put(
  world: World,
  wanted: Omit<Change, 'to'> & { readonly lengthBytes: number },
): Promise<boolean> {
  const { lengthBytes, ...rest } = wanted;
  const { version, bytes } = plainVersion(wanted.op, lengthBytes);
  return change(
    world,
    { ...rest, to: version },
    { method: 'PUT', headers: [['x-amz-meta-op', version.tag]], body: bytes },
  );
}

export function copy(
  world: World,
  wanted: Omit<Change, 'to' | 'kind'> & { readonly source: string; readonly version: Version },
): Promise<boolean> {
  const { source, version, ...rest } = wanted;
  return change(
    world,
    { ...rest, kind: 'copy', to: version },
    { method: 'PUT', headers: [['x-amz-copy-source', pathOf(source)]] },
  );
}

export function remove(world: World, wanted: Omit<Change, 'to' | 'kind'>): Promise<boolean> {
  const kind = wanted.from === undefined ? 'delete' : 'conditional delete';
  return change(world, { ...wanted, kind, to: null }, { method: 'DELETE' });
}

/** Joins the parts of an upload that were acknowledged: all of them. */
export async function complete(world: World, op: string, upload: Upload): Promise<boolean> {
  const parts = [...upload.parts.values()].sort((a, b) => a.partNumber - b.partNumber);
  const version = joined(upload.tag, parts);
  const list = parts.map(
    ({ partNumber, etag }) => `<Part><PartNumber>${partNumber}</PartNumber><ETag>"${etag}"</ETag></Part>`,
  );
  world.ledger.record({ t: 'closing', upload: upload.upload, how: 'complete' });
  const done = await change(
    world,
    { op, key: upload.key, kind: 'multipart', to: version },
    {
      method: 'POST',
      query: `?uploadId=${upload.upload}`,
      body: Buffer.from(`<CompleteMultipartUpload>${list.join('')}</CompleteMultipartUpload>`),
    },
  );
  if (done) world.ledger.record({ t: 'closed', upload: upload.upload });
  else world.onFault(await partsThere(world, upload, parts));
  return done;
}

/** To find out why they were not taken. */
async function partsThere(
  { s3 }: World,
  { key, upload }: Upload,
  named: readonly { readonly partNumber: number; readonly etag: string }[],
): Promise<string> {
  const listed = await s3.send({ method: 'GET', path: pathOf(key, `?uploadId=${upload}`) });
  const text = listed.body.toString('utf8');
  const there = textsOf(text, 'ETag').map((etag, at) => `${textsOf(text, 'PartNumber')[at]} ${etag}`);
  const asked = named.map(({ partNumber, etag }) => `${partNumber} ${etag}`);
  return `upload ${upload} to ${key} has parts ${there.join(', ')}, and was asked for ${asked.join(', ')}`;
}

function joined(
  tag: string,
  parts: readonly { readonly pieces: Version['pieces']; readonly etag: string }[],
): Version {
  const pieces = parts.flatMap((part) => part.pieces);
  const bytes = bytesOf(pieces);
  const digests = Buffer.concat(parts.map(({ etag }) => Buffer.from(etag, 'hex')));
  return {
    tag,
    pieces,
    lengthBytes: bytes.length,
    sha256: sha256(bytes),
    etag: `${md5(digests).toString('hex')}-${parts.length}`,
  };
}

/** @param again it may have been aborted before */
export async function abort(world: World, upload: Upload, again: boolean): Promise<void> {
  world.ledger.record({ t: 'closing', upload: upload.upload, how: 'abort' });
  const reply = await world.s3.send({
    method: 'DELETE',
    path: pathOf(upload.key, `?uploadId=${upload.upload}`),
  });
  if (reply.status === 204 || (again && reply.status === 404)) {
    world.ledger.record({ t: 'closed', upload: upload.upload });
  } else {
    world.onFault(`the abort of an upload to ${upload.key} was answered ${told(reply)}`);
  }
}

export type Look =
  | { readonly kind: 'found'; readonly found: Found }
  | { readonly kind: 'broken'; readonly reason: string };

/** Reads a key by HEAD and by GET, which must agree. @throws Unanswered */
export async function look(s3: S3Client, key: string): Promise<Look> {
  const head = await s3.send({ method: 'HEAD', path: pathOf(key) });
  const get = await s3.send({ path: pathOf(key) });
  if (head.status !== get.status) {
    return { kind: 'broken', reason: `HEAD was answered ${head.status}, GET ${told(get)}` };
  }
  if (get.status === 404) return { kind: 'found', found: null };
  if (get.status !== 200) return { kind: 'broken', reason: `GET was answered ${told(get)}` };
  for (const name of ['etag', 'content-length', 'x-amz-meta-op', 'last-modified']) {
    if (head.headers[name] !== get.headers[name]) {
      return { kind: 'broken', reason: `HEAD says ${name} ${head.headers[name]}, GET ${get.headers[name]}` };
    }
  }
  const found = {
    tag: String(get.headers['x-amz-meta-op']),
    lengthBytes: get.body.length,
    sha256: sha256(get.body),
    etag: etagOf(get),
  };
  return { kind: 'found', found };
}
