import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';

/** Whoever comes while nobody can serve him waits; beyond so many, he is turned away. */
const WAITING_MAX = 4096;

export interface Taker {
  /** Hands a connection over. False: it was not taken, and takers are about to be others. */
  take(socket: Socket): Promise<boolean>;
}

/**
 * Accepts connections and hands each to the next of several processes. It listens all the time, whichever of them comes
 * or goes, so that nobody is refused.
 */
export class Distributor {
  readonly #server: Server;
  #takers: readonly Taker[] = [];
  #next = 0;
  #waiting: Socket[] = [];
  #isClosed = false;

  constructor() {
    // Not read from here: the first bytes are for who takes it.
    this.#server = createServer({ pauseOnConnect: true }, (socket) => {
      socket.on('error', () => socket.destroy());
      this.#distribute(socket);
    });
  }

  /** @throws the operating system's error when the address cannot be bound */
  async listen({
    host,
    port,
  }: {
    readonly host: string;
    readonly port: number;
  }): Promise<{ readonly port: number }> {
    this.#server.listen({ host, port });
    await once(this.#server, 'listening');
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error(`not a TCP address: ${address}`);
    return address;
  }

  set takers(takers: readonly Taker[]) {
    this.#takers = takers;
    if (takers.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const socket of waiting) this.#distribute(socket);
  }

  /** Nobody new comes; who waits is turned away. */
  close(): void {
    this.#isClosed = true;
    this.#server.close();
    for (const socket of this.#waiting) socket.destroy();
    this.#waiting = [];
  }

  #distribute(socket: Socket): void {
    const taker = this.#takers[this.#next % this.#takers.length];
    this.#next += 1;
    if (taker === undefined) {
      this.#keepWaiting(socket);
      return;
    }
    void taker.take(socket).then((isTaken) => {
      // It is ending: who takes its place is told of soon.
      if (!isTaken) this.#keepWaiting(socket);
    });
  }

  #keepWaiting(socket: Socket): void {
    if (this.#isClosed || this.#waiting.length >= WAITING_MAX) socket.destroy();
    else this.#waiting.push(socket);
  }
}
