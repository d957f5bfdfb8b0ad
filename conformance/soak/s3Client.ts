/** Signed requests over connections that stay open. */
import http from 'node:http';
import { type Ask, signByHeader } from '../wire/request.ts';
import { type Endpoint, textsOf } from '../wire/send.ts';
import { type Credentials, sha256Hex } from '../wire/sigv4.ts';
import { PutOff, Silence, Unanswered, WITHIN_MS } from './unanswered.ts';

export interface Reply {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

/** It is to be asked again. */
const UNAVAILABLE = 503;
/** The code of a 503 that says that nothing was done. By the other what was under way is answered when the process ends that writes. */
const NOTHING_DONE = 'SlowDown';
/** What Node's parser says of bytes that are no HTTP; but of an answer that ends in its head this: */
const NOT_HTTP = /^HPE_(?!INVALID_EOF_STATE)/;

export interface S3Server {
  readonly endpoint: Endpoint;
  readonly credentials: Credentials;
}

export class S3Client {
  readonly #agent = new http.Agent({ keepAlive: true });
  readonly #endpoint: Endpoint;
  readonly #credentials: Credentials;
  readonly #withinMs: number;

  constructor({ endpoint, credentials }: S3Server, withinMs = WITHIN_MS) {
    this.#endpoint = endpoint;
    this.#credentials = credentials;
    this.#withinMs = withinMs;
  }

  /** @throws Unanswered when no whole answer came; PutOff when nothing was done; Error when what came is no HTTP */
  async send(ask: Omit<Ask, 'body'> & { readonly body?: Buffer }): Promise<Reply> {
    const { host, port } = this.#endpoint;
    const body = ask.body ?? Buffer.alloc(0);
    const signed = signByHeader(ask, {
      credentials: this.#credentials,
      host: `${host}:${port}`,
      payload: sha256Hex(body),
    });
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    const what = `${signed.method} ${signed.path}`;
    const fail = (error: NodeJS.ErrnoException): void => reject(failureOf(error, what));
    const headers = { ...Object.fromEntries(signed.headers), 'Content-Length': body.length };
    const request = http.request({
      agent: this.#agent,
      host,
      port,
      method: signed.method,
      path: signed.path,
      headers,
      timeout: this.#withinMs,
    });
    request.on('timeout', () => request.destroy(new Silence(`${what}: no answer in ${this.#withinMs} ms`)));
    request.on('error', fail);
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', fail);
      response.on('end', () => {
        const { statusCode: status = 0, headers } = response;
        const reply = { status, headers, body: Buffer.concat(chunks) };
        if (status === UNAVAILABLE) reject(unavailable(reply, what));
        else resolve(reply);
      });
    });
    request.end(body);
    return promise;
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** The answer to a HEAD says nothing, and is about no change. */
function unavailable({ body }: Reply, what: string): Error {
  const [code] = textsOf(body.toString('utf8'), 'Code');
  if (code === NOTHING_DONE) return new PutOff(`${what}: it is to come again`);
  return new Unanswered(`${what}: the server does not know whether it was done`);
}

function failureOf(error: NodeJS.ErrnoException, what: string): Error {
  if (error instanceof Unanswered) return error;
  const said = `${what}: ${error.message}`;
  return NOT_HTTP.test(error.code ?? '') ? new Error(said, { cause: error }) : new Unanswered(said);
}
