import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';

/** Whoever comes while nobody can serve him waits; beyond so many, he is turned away. */
const WAITING_MAX = 4096;
/** Where one was not taken, takers are mostly about to be others. If not, it is tried again after that, so often at most. */
const RETRY_MS = 100;
const TRIES_MAX = 20;

export interface Taker {
  /** How many connections it has of those that it took. */
  readonly open: number;
  /** Hands a connection over. False: it was not taken. */
  take(socket: Socket): Promise<boolean>;
}

/** A connection that nobody has taken yet. */
interface Comer {
  readonly socket: Socket;
  /** How often somebody was to take it. */
  tries: number;
}

/**
 * Accepts connections and hands each to that of several processes which has the fewest, of several the first. It listens all the time, whichever of them comes
 * or goes, so that nobody is refused.
 */
export class Distributor {
  readonly #server: Server;
  #takers: readonly Taker[] = [];
  readonly #waiting = new Set<Comer>();
  #isClosed = false;

  constructor() {
    // Not read from here: the first bytes are for who takes it.
    this.#server = createServer({ pauseOnConnect: true }, (socket) => {
      socket.on('error', () => socket.destroy());
      this.#distribute({ socket, tries: 0 });
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
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const comer of waiting) this.#distribute(comer);
  }

  /** Nobody new comes; who waits is turned away. */
  close(): void {
    this.#isClosed = true;
    this.#server.close();
    for (const { socket } of this.#waiting) socket.destroy();
    this.#waiting.clear();
  }

  #distribute(comer: Comer): void {
    const [first, ...others] = this.#takers;
    if (first === undefined) {
      this.#keepWaiting(comer);
      return;
    }
    const taker = others.reduce((least, other) => (other.open < least.open ? other : least), first);
    comer.tries += 1;
    void taker.take(comer.socket).then((isTaken) => {
      if (!isTaken) this.#tryAgain(comer);
    });
  }

  #tryAgain(comer: Comer): void {
    if (comer.tries === TRIES_MAX) {
      comer.socket.destroy();
      return;
    }
    this.#keepWaiting(comer);
    setTimeout(() => {
      // Unless takers were others before.
      if (this.#waiting.delete(comer)) this.#distribute(comer);
    }, RETRY_MS).unref();
  }

  #keepWaiting(comer: Comer): void {
    if (this.#isClosed || this.#waiting.size >= WAITING_MAX) comer.socket.destroy();
    else this.#waiting.add(comer);
  }
}
