/**
 * One keep-alive connection that sends prepared bytes and reads answers with as little work as it can, so that
 * the client's core is not what is measured.
 */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { ChunkedBody } from './chunkedBody.ts';
import type { Endpoint, ReadyRequest } from './request.ts';

export interface Answer {
  readonly status: number;
  readonly bodyBytes: number;
  /** Status line and header lines. */
  readonly head: string;
  /** Only when asked for: the body's bytes. */
  readonly body?: Buffer;
}

const HEAD_END = Buffer.from('\r\n\r\n');
const CONTENT_LENGTH = /\r\ncontent-length: *(\d+)/i;
const CLOSES = /\r\nconnection: *close/i;
const CHUNKED = /\r\ntransfer-encoding: *chunked/i;

export class Connection {
  readonly #endpoint: Endpoint;
  #socket: Socket;
  /** The server said that it closes after its last answer. */
  #spent = false;
  #head: Buffer = Buffer.alloc(0);
  /** Bytes of the body that are still to come; -1: the head is. */
  #left = -1;
  #chunked: ChunkedBody | undefined;
  #status = 0;
  #text = '';
  #bodyBytes = 0;
  #bodyless = false;
  #kept: Buffer[] | undefined;
  #settle: { resolve: (answer: Answer) => void; reject: (error: Error) => void } | undefined;

  private constructor(endpoint: Endpoint, socket: Socket) {
    this.#endpoint = endpoint;
    this.#socket = socket;
    this.#listen(socket);
  }

  static async open(endpoint: Endpoint): Promise<Connection> {
    return new Connection(endpoint, await connected(endpoint));
  }

  /** Sends one request and waits for its whole answer. */
  send(request: ReadyRequest, keepBody = false): Promise<Answer> {
    if (this.#spent) return this.#again(request, keepBody);
    this.#left = -1;
    this.#chunked = undefined;
    this.#head = Buffer.alloc(0);
    this.#bodyBytes = 0;
    this.#bodyless = request.method === 'HEAD';
    this.#kept = keepBody ? [] : undefined;
    const answer = new Promise<Answer>((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    if (request.body && request.body.length <= 256 * 1024) {
      this.#socket.cork();
      this.#socket.write(request.head);
      this.#socket.write(request.body);
      this.#socket.uncork();
    } else {
      this.#socket.write(request.head);
      if (request.body) this.#socket.write(request.body);
    }
    return answer;
  }

  close(): void {
    this.#settle = undefined;
    this.#socket.destroy();
  }

  async #again(request: ReadyRequest, keepBody: boolean): Promise<Answer> {
    this.#socket.destroy();
    this.#socket = await connected(this.#endpoint);
    this.#listen(this.#socket);
    this.#spent = false;
    return this.send(request, keepBody);
  }

  #listen(socket: Socket): void {
    const fail = (error: Error): void => {
      // One that was left for another has no say.
      if (socket === this.#socket) this.#settle?.reject(error);
    };
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('error', fail);
    socket.on('close', () => fail(new Error('the server closed the connection')));
  }

  #take(chunk: Buffer): void {
    if (this.#left < 0) {
      const head = this.#head.length > 0 ? Buffer.concat([this.#head, chunk]) : chunk;
      const end = head.indexOf(HEAD_END);
      if (end < 0) {
        this.#head = head;
        return;
      }
      const text = head.toString('latin1', 0, end);
      this.#status = Number(text.slice(9, 12));
      if (this.#status === 100) {
        this.#head = Buffer.alloc(0);
        if (head.length > end + 4) this.#take(head.subarray(end + 4));
        return;
      }
      this.#text = text;
      this.#spent = CLOSES.test(text);
      const bodyless = this.#bodyless || this.#status === 204 || this.#status === 304;
      if (!bodyless && CHUNKED.test(text)) this.#chunked = new ChunkedBody();
      this.#left = bodyless ? 0 : Number(CONTENT_LENGTH.exec(text)?.[1] ?? 0);
      this.#body(head.subarray(end + 4));
      return;
    }
    this.#body(chunk);
  }

  #body(bytes: Buffer): void {
    if (this.#chunked) {
      try {
        for (const piece of this.#chunked.push(bytes)) this.#keep(piece);
      } catch (error) {
        this.#socket.destroy(error instanceof Error ? error : new Error(String(error)));
        return;
      }
      if (!this.#chunked.done) return;
    } else {
      this.#left -= bytes.length;
      this.#keep(bytes);
      if (this.#left > 0) return;
    }
    const settle = this.#settle;
    this.#settle = undefined;
    const answer = { status: this.#status, bodyBytes: this.#bodyBytes, head: this.#text };
    settle?.resolve(this.#kept ? { ...answer, body: Buffer.concat(this.#kept) } : answer);
  }

  #keep(bytes: Buffer): void {
    this.#bodyBytes += bytes.length;
    this.#kept?.push(bytes);
  }
}

async function connected(endpoint: Endpoint): Promise<Socket> {
  const socket = connect({ ...endpoint, noDelay: true });
  await once(socket, 'connect');
  return socket;
}
