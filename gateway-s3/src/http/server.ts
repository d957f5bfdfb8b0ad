/**
 * The HTTP(S) server under the gateway: limits, time-outs, `100 Continue` left to us, and S3's words for what Node's
 * parser refuses before there is a request.
 */
import http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import { S3Error, type S3ErrorCode } from '../errors.ts';
import { errorDocument } from './errorReply.ts';

/** Room for a 1,024-byte key and a copy source, both percent-encoded, 2 KiB of metadata and a session token. */
const HEADER_BYTES_MAX = 32 << 10;
const HEADERS_MS_MAX = 30_000;
/**
 * No byte read or written for so long: the peer is gone. Longer than the idle time of SDKs' connection pools, so that of
 * a connection between requests the client is the one to close.
 */
const IDLE_MS_MAX = 75_000;

export interface TlsOptions {
  /** PEM. */
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
}

type RequestListener = (request: http.IncomingMessage, response: http.ServerResponse) => void;

/** Requests whose client waits for `100 Continue` before it sends the body. */
const waiting = new WeakSet<http.IncomingMessage>();

export function awaitsContinue(request: http.IncomingMessage): boolean {
  return waiting.has(request);
}

export function createServer(
  listener: RequestListener,
  tls: TlsOptions | undefined,
): http.Server | https.Server {
  const options = {
    maxHeaderSize: HEADER_BYTES_MAX,
    headersTimeout: HEADERS_MS_MAX,
    // A 5 GiB upload may take its time: what bounds a request is idleness.
    requestTimeout: 0,
    // Idleness bounds a connection between requests, too: one timer, where Node sets two for every request.
    keepAliveTimeout: 0,
    // Refused by us, in S3's words.
    requireHostHeader: false,
    // A request that announces no body has none to end or to drop.
    optimizeEmptyRequests: true,
  };
  const server =
    tls === undefined
      ? http.createServer(options, listener)
      : https.createServer({ ...options, cert: tls.cert, key: tls.key }, listener);
  server.setTimeout(IDLE_MS_MAX);
  server.on('checkContinue', (request: http.IncomingMessage, response: http.ServerResponse) => {
    waiting.add(request);
    listener(request, response);
  });
  // Any other expectation may be ignored (RFC 9110 §10.1.1), as S3 does; Node would refuse it with 417.
  server.on('checkExpectation', listener);
  return server;
}

const CODE_OF_PARSER_ERROR: Readonly<Record<string, S3ErrorCode>> = {
  HPE_HEADER_OVERFLOW: 'RequestHeaderSectionTooLarge',
  HPE_INVALID_EOF_STATE: 'IncompleteBody',
  ERR_HTTP_REQUEST_TIMEOUT: 'RequestTimeout',
};

/** What Node gives with a connection that it does not understand. */
export type ClientError = Error & { readonly code?: string };

/** What a TLS port makes of `GET / HTTP/1.1`. Nothing can be answered: the client awaits another protocol. */
export function isPlainHttp(error: ClientError): boolean {
  return error.code === 'ERR_SSL_HTTP_REQUEST';
}

/** Connections on which something came that is no request: nor is what follows it. */
const garbled = new WeakSet<Socket>();

/**
 * Calls back when every request that came whole has had its answer: what comes behind a request does not undo it, and its
 * answer says that it was done. Once a connection, and not for one that ends before.
 */
export function afterWholeRequests(socket: Socket, refuse: () => void): void {
  if (garbled.has(socket)) return;
  garbled.add(socket);
  awaitAnswers(socket, refuse);
}

function awaitAnswers(socket: Socket, refuse: () => void): void {
  const answer = answerOn(socket);
  // One that is written to its end is the answer, however its request ended.
  if (answer === undefined || !(answer.req.complete || answer.writableEnded)) {
    refuse();
    return;
  }
  // By then Node has put the answer to the next request on the socket, if there is one.
  answer.once('close', () => awaitAnswers(socket, refuse));
}

/** Answers what never became a request, and closes. @returns what was answered, if anything was */
export function answerParserError(
  error: ClientError,
  socket: Socket,
  requestId: string,
): S3Error | undefined {
  // The answer before said that it is the last.
  if (!socket.writable) {
    socket.destroySoon();
    return undefined;
  }
  // After a reset there is nobody to answer; after the head of another answer there is no place for one.
  if (error.code === 'ECONNRESET' || answerOn(socket)?.headersSent) {
    socket.destroy();
    return undefined;
  }
  const refusal = new S3Error(CODE_OF_PARSER_ERROR[error.code ?? ''] ?? 'BadRequest');
  const body = errorDocument(refusal, { resource: undefined, requestId, hostId: '' });
  const reason = http.STATUS_CODES[refusal.status] ?? '';
  socket.end(
    `HTTP/1.1 ${refusal.status} ${reason}\r\nConnection: close\r\nContent-Type: application/xml\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nx-amz-request-id: ${requestId}\r\n\r\n${body}`,
    () => socket.destroy(),
  );
  return refusal;
}

/** The answer to a request that is under way. Node keeps it on its socket, without a public name. */
export function answerOn(socket: Socket): http.ServerResponse | undefined {
  const response: unknown = Reflect.get(socket, '_httpMessage');
  return response instanceof http.ServerResponse ? response : undefined;
}
