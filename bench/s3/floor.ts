/**
 * The floor: the least a durable object server on this machine has to do, and nothing else. A bare Fastify that
 * reads the body, hashes it (MD5), appends it to one file with group commit (one fdatasync for all that wait) and
 * puts one LMDB record, synced; and a bare GET of bytes it has in memory. No signature, no metadata, no checks.
 */

import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import fastify from 'fastify';
import { open as openLmdb } from 'lmdb';

const [folder = '.'] = process.argv.slice(2);

/** Appends share a write and a sync with all that arrive while one is under way. */
class GroupCommit {
  readonly #file: FileHandle;
  #waiting: { bytes: Buffer; resolve: () => void; reject: (error: unknown) => void }[] = [];
  #busy = false;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  append(bytes: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ bytes, resolve, reject });
      if (!this.#busy) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#busy = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0);
      try {
        await this.#file.writev(batch.map(({ bytes }) => bytes));
        await this.#file.datasync();
        for (const { resolve } of batch) resolve();
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#busy = false;
  }
}

const records = openLmdb({
  path: join(folder, 'floor.lmdb'),
  overlappingSync: false,
  keyEncoding: 'binary',
  encoding: 'binary',
});
const log = new GroupCommit(await open(join(folder, 'floor.log'), 'a'));
/** Large bodies are not gathered: they stream to a file of their own, as they would in any server. */
const GATHER_BYTES_MAX = 1 << 20;
let files = 0;

const app = fastify({ bodyLimit: 1 << 30 });
app.removeAllContentTypeParsers();
app.addContentTypeParser('*', (_request, _payload, done) => done(null));
const hot = new Map<string, Buffer>();

app.put('/*', async (request, reply) => {
  const hash = createHash('md5');
  const lengthBytes = Number(request.headers['content-length']);
  if (lengthBytes <= GATHER_BYTES_MAX) {
    const chunks: Buffer[] = [];
    for await (const chunk of request.raw) {
      hash.update(chunk);
      chunks.push(chunk);
    }
    const bytes = Buffer.concat(chunks);
    await log.append(bytes);
    hot.set('small', bytes);
  } else {
    files += 1;
    const file = await open(join(folder, `floor.${files}`), 'w');
    for await (const chunk of request.raw) {
      hash.update(chunk);
      await file.write(chunk);
    }
    await file.datasync();
    await file.close();
  }
  const digest = hash.digest();
  await records.put(Buffer.from(request.url), digest);
  return reply.header('etag', digest.toString('hex')).send();
});

app.get('/*', (request, reply) => {
  const lengthBytes = Number(new URLSearchParams(request.url.split('?')[1]).get('bytes') ?? 0);
  let bytes = hot.get(String(lengthBytes));
  if (!bytes) {
    bytes = Buffer.alloc(lengthBytes, 'facet');
    hot.set(String(lengthBytes), bytes);
  }
  return reply.header('content-type', 'binary/octet-stream').send(bytes);
});

app.delete('/*', async (request, reply) => {
  await records.remove(Buffer.from(request.url));
  return reply.code(204).send();
});

await app.listen({ host: '127.0.0.1', port: 0 });
const address = app.server.address();
const port = typeof address === 'object' ? address?.port : undefined;
process.stdout.write(`${JSON.stringify({ port })}\n`);
process.on('SIGTERM', () => process.exit(0));
