/** Signed requests over connections that stay open. */
import http from 'node:http';
import { type Ask, signByHeader } from '../wire/request.ts';
import type { Endpoint } from '../wire/send.ts';
import { type Credentials, sha256Hex } from '../wire/sigv4.ts';

export interface Reply {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

/** The server went away, or said nothing: nobody knows what it did. */
export class Unanswered extends Error {
  override readonly name = 'Unanswered';
}

const WITHIN_MS = 60_000;
/** What was under way when the process that writes was killed. */
const UNKNOWN = 503;

export class S3Client {
  readonly #agent = new http.Agent({ keepAlive: true });
  readonly #endpoint: Endpoint;
  readonly #credentials: Credentials;

  constructor(server: { readonly endpoint: Endpoint; readonly credentials: Credentials }) {
    this.#endpoint = server.endpoint;
    this.#credentials = server.credentials;
  }

  /** @throws Unanswered when no whole answer came */
  async send(ask: Omit<Ask, 'body'> & { readonly body?: Buffer }): Promise<Reply> {
    const { host, port } = this.#endpoint;
    const body = ask.body ?? Buffer.alloc(0);
    const signed = signByHeader(ask, {
      credentials: this.#credentials,
      host: `${host}:${port}`,
      payload: sha256Hex(body),
    });
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    const fail = (error: Error): void => reject(new Unanswered(error.message));
    const headers = { ...Object.fromEntries(signed.headers), 'Content-Length': body.length };
    const request = http.request({
      agent: this.#agent,
      host,
      port,
      method: signed.method,
      path: signed.path,
      headers,
      timeout: WITHIN_MS,
    });
    request.on('timeout', () => request.destroy(new Error(`no answer within ${WITHIN_MS / 1000} s`)));
    request.on('error', fail);
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', fail);
      response.on('end', () => {
        const status = response.statusCode ?? 0;
        if (status === UNKNOWN) fail(new Error('the server does not know whether it was done'));
        else resolve({ status, headers: response.headers, body: Buffer.concat(chunks) });
      });
    });
    request.end(body);
    return promise;
  }

  close(): void {
    this.#agent.destroy();
  }
}
