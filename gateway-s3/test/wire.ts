import net from 'node:net';
import { type S3TestClient, sign } from './client.ts';

/** A bare connection: writes what it is told, keeps all it hears. */
export class Wire {
  readonly socket: net.Socket;
  heard = '';
  ended = false;
  #wake = Promise.withResolvers<void>();

  constructor(port: number) {
    this.socket = net.connect(port, '127.0.0.1');
    const stir = () => {
      this.#wake.resolve();
      this.#wake = Promise.withResolvers<void>();
    };
    this.socket.on('data', (bytes) => {
      this.heard += bytes.toString('latin1');
      stir();
    });
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => {
      this.ended = true;
      stir();
    });
  }

  write(bytes: string | Buffer): void {
    this.socket.write(bytes);
  }

  /** Waits until what was heard holds `pattern`, or the connection ends. */
  async until(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.heard) && !this.ended) await this.#wake.promise;
    return this.heard;
  }

  async end(): Promise<string> {
    while (!this.ended) await this.#wake.promise;
    return this.heard;
  }
}

/** The head of a signed request, as it goes on the wire. */
export const head = (client: S3TestClient, method: string, path: string, headers: Record<string, string>) => {
  const payload = headers['x-amz-content-sha256'] ?? 'UNSIGNED-PAYLOAD';
  const signed = sign(client.credentials, { method, path, headers, payload, host: client.host });
  const lines = Object.entries(signed).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
};
