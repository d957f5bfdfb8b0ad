/** One TCP connection, and answers read off it byte by byte: no client library smooths anything over. */
import net from 'node:net';

export interface Answer {
  readonly status: number;
  /** Lower-case names; repeated ones joined by a comma. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
  readonly text: string;
  /** `<Code>` of an error document. */
  readonly code: string | undefined;
}

/** What the peer did, when it did not answer. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

const CRLF2 = Buffer.from('\r\n\r\n');

export class Connection {
  readonly socket: net.Socket;
  /** What was received and not taken yet: the beginning of the memory it lies in, or later there. */
  #received: Buffer = Buffer.alloc(0);
  /** Bytes that memory has room for behind what was received. */
  #roomBytes = 0;
  #ended: string | undefined;
  #wake: () => void = () => undefined;

  private constructor(socket: net.Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      this.#keep(chunk);
      this.#wake();
    });
    const end = (how: string) => () => {
      this.#ended ??= how;
      this.#wake();
    };
    socket.on('end', end('closed the connection'));
    socket.on('close', end('closed the connection'));
    socket.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message)());
  }

  static open(address: { readonly host: string; readonly port: number }): Promise<Connection> {
    const { promise, resolve, reject } = Promise.withResolvers<Connection>();
    const socket = net.connect({ ...address, allowHalfOpen: true }, () => {
      socket.off('error', reject);
      resolve(new Connection(socket));
    });
    socket.once('error', reject);
    return promise;
  }

  write(bytes: Buffer): void {
    this.socket.write(bytes);
  }

  /** Says that nothing more will be sent; answers can still come. */
  halfClose(): void {
    this.socket.end();
  }

  destroy(): void {
    this.socket.destroy();
  }

  /**
   * The next final answer (`100 Continue` is passed over unless wanted).
   * @throws NoAnswer when the peer closes or resets first, or `withinMs` is over
   */
  async answer(options: {
    readonly method: string;
    readonly withinMs: number;
    readonly wantContinue?: boolean;
  }): Promise<Answer> {
    const deadline = AbortSignal.timeout(options.withinMs);
    for (;;) {
      const head = await this.#until(() => {
        const at = this.#received.indexOf(CRLF2);
        return at < 0 ? undefined : at;
      }, deadline);
      const [statusLine = '', ...lines] = this.#received.toString('latin1', 0, head).split('\r\n');
      this.#received = this.#received.subarray(head + CRLF2.length);
      const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(statusLine)?.[1] ?? Number.NaN);
      if (Number.isNaN(status)) throw new NoAnswer(`not an HTTP/1.1 status line: ${statusLine}`);
      if (status < 200 && !options.wantContinue) continue;
      const headers = parseHeaders(lines);
      const bodyless = status < 200 || status === 204 || status === 304 || options.method === 'HEAD';
      const body = bodyless ? Buffer.alloc(0) : await this.#readBody(headers, deadline);
      const text = body.toString('utf8');
      return {
        status,
        headers,
        body,
        text,
        code: /^(?:<\?xml[^>]*>\s*)?<Error>.*?<Code>([^<]*)<\/Code>/s.exec(text)?.[1],
      };
    }
  }

  /** Resolves when the peer has closed. @throws NoAnswer when it has not in time */
  async closed(withinMs: number): Promise<void> {
    const deadline = AbortSignal.timeout(withinMs);
    while (this.#ended === undefined) await this.#something(deadline);
  }

  async #readBody(headers: ReadonlyMap<string, string>, deadline: AbortSignal): Promise<Buffer> {
    if (headers.get('transfer-encoding')?.toLowerCase() === 'chunked') return this.#readChunks(deadline);
    const length = headers.get('content-length');
    if (length === undefined) {
      while (this.#ended === undefined) await this.#something(deadline);
      return this.#take(this.#received.length);
    }
    const lengthBytes = Number(length);
    await this.#until(() => (this.#received.length >= lengthBytes ? 0 : undefined), deadline);
    return this.#take(lengthBytes);
  }

  async #readChunks(deadline: AbortSignal): Promise<Buffer> {
    const pieces: Buffer[] = [];
    for (;;) {
      const lineEnd = await this.#until(() => {
        const at = this.#received.indexOf('\r\n');
        return at < 0 ? undefined : at;
      }, deadline);
      const sizeBytes = Number.parseInt(this.#take(lineEnd + 2).toString('latin1'), 16);
      await this.#until(() => (this.#received.length >= sizeBytes + 2 ? 0 : undefined), deadline);
      pieces.push(this.#take(sizeBytes));
      this.#take(2);
      if (sizeBytes === 0) return Buffer.concat(pieces);
    }
  }

  /** In memory that doubles: a long answer in small pieces is not copied once for each of them. */
  #keep(chunk: Buffer): void {
    const before = this.#received;
    const lengthBytes = before.length + chunk.length;
    if (chunk.length <= this.#roomBytes) {
      this.#received = Buffer.from(before.buffer, before.byteOffset, lengthBytes);
      this.#roomBytes -= chunk.length;
    } else {
      const memory = Buffer.allocUnsafeSlow(2 * lengthBytes);
      before.copy(memory);
      this.#received = memory.subarray(0, lengthBytes);
      this.#roomBytes = lengthBytes;
    }
    chunk.copy(this.#received, before.length);
  }

  #take(lengthBytes: number): Buffer {
    const taken = this.#received.subarray(0, lengthBytes);
    this.#received = this.#received.subarray(lengthBytes);
    return taken;
  }

  async #until(found: () => number | undefined, deadline: AbortSignal): Promise<number> {
    for (;;) {
      const at = found();
      if (at !== undefined) return at;
      if (this.#ended !== undefined) throw new NoAnswer(`the server ${this.#ended} without a whole answer`);
      await this.#something(deadline);
    }
  }

  #something(deadline: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const late = (): void => reject(new NoAnswer('the server said nothing in time'));
    if (deadline.aborted) late();
    deadline.addEventListener('abort', late, { once: true });
    this.#wake = resolve;
    return promise.finally(() => deadline.removeEventListener('abort', late));
  }
}

function parseHeaders(lines: readonly string[]): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before},${value}`);
  }
  return headers;
}
