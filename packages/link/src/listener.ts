/**
 * Where the processes of one server find each other: a socket in Linux's abstract namespace, which leaves nothing behind
 * when they are killed. Whoever knows its name may connect, so the first that is said is a secret.
 *
 * @source Linux man page unix(7), abstract sockets
 */

import { timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, connect as dial, type Server, type Socket } from 'node:net';

const SECRET_BYTES = 32;
const NAME_BYTES = 16;
const HELLO_BYTES = SECRET_BYTES + NAME_BYTES;
const HELLO_MS_MAX = 10_000;

export interface LinkPeer {
  /** What the other end calls itself: 16 bytes. */
  readonly name: Buffer;
  readonly socket: Socket;
}

export class LinkListener {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @param secret 32 bytes */
  static async open(parts: {
    readonly address: string;
    readonly secret: Buffer;
    readonly onPeer: (peer: LinkPeer) => void;
  }): Promise<LinkListener> {
    const server = createServer((socket) => {
      greet(socket, parts.secret).then(parts.onPeer, () => socket.destroy());
    });
    server.listen({ path: abstract(parts.address) });
    await once(server, 'listening');
    return new LinkListener(server);
  }

  /** Nobody else comes; those who are there stay. */
  close(): void {
    this.#server.close();
  }
}

/** @throws the system's error when nobody listens */
export async function connectToListener(parts: {
  readonly address: string;
  readonly secret: Buffer;
  readonly name: Buffer;
}): Promise<Socket> {
  const socket = dial({ path: abstract(parts.address) });
  await once(socket, 'connect');
  socket.write(Buffer.concat([parts.secret, parts.name], HELLO_BYTES));
  return socket;
}

function abstract(address: string): string {
  return `\0${address}`;
}

/** Reads the hello and nothing of what follows it. */
async function greet(socket: Socket, secret: Buffer): Promise<LinkPeer> {
  socket.on('error', () => socket.destroy());
  const timer = setTimeout(() => socket.destroy(), HELLO_MS_MAX);
  try {
    const hello = await readExactly(socket, HELLO_BYTES);
    if (!timingSafeEqual(hello.subarray(0, SECRET_BYTES), secret)) throw new Error('a stranger');
    return { name: hello.subarray(SECRET_BYTES), socket };
  } finally {
    clearTimeout(timer);
  }
}

function readExactly(socket: Socket, count: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      const read: unknown = socket.read(count);
      if (!Buffer.isBuffer(read)) return;
      socket.off('readable', look);
      socket.off('close', gone);
      if (read.length === count) resolve(read);
      else gone();
    };
    const gone = (): void => reject(new Error('the other end is gone'));
    socket.on('readable', look);
    socket.on('close', gone);
    look();
  });
}
