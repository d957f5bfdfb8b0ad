/** Requests made ready before the clock starts: signed, and as bytes. */

import aws4 from 'aws4';

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** The bytes of a request head and, apart, of its body, which many requests may share. */
export interface ReadyRequest {
  readonly head: Buffer;
  readonly body: Buffer | undefined;
  readonly method: string;
}

export interface RequestPlan {
  readonly method: string;
  /** Path and query, already percent-encoded. */
  readonly path: string;
  readonly body?: Buffer;
  /** Others than those that every request has. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** `credentials` absent: no signature, for the floor. */
export function ready(endpoint: Endpoint, plan: RequestPlan, credentials?: Credentials): ReadyRequest {
  const { method, path, body } = plan;
  const host = `${endpoint.host}:${endpoint.port}`;
  const headers: Record<string, string> = { Host: host, ...plan.headers };
  if (body) headers['Content-Length'] = String(body.length);
  if (credentials) headers['X-Amz-Content-Sha256'] = 'UNSIGNED-PAYLOAD';
  const signed = credentials
    ? aws4.sign({ method, path, headers, service: 's3', region: 'us-east-1', host }, credentials).headers
    : headers;
  const lines = Object.entries(signed ?? {}).map(([name, value]) => `${name}: ${String(value)}\r\n`);
  return { method, body, head: Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`) };
}
