import type http from 'node:http';
import type https from 'node:https';
import type { Socket } from 'node:net';

/** So often those are closed that became idle meanwhile. */
const IDLE_EVERY_MS = 500;

/** Connections of a server: those that another process accepted, under one that does not listen itself, or its own. */
export class AcceptedConnections {
  readonly #server: http.Server | https.Server;
  readonly #open = new Set<Socket>();
  /** Of requests that were heard. */
  readonly #answers = new Set<http.ServerResponse>();
  #isWatching = false;
  #allClosed: PromiseWithResolvers<void> | undefined;

  constructor(server: http.Server | https.Server) {
    this.#server = server;
    const hear = (_request: http.IncomingMessage, answer: http.ServerResponse): void => {
      this.#answers.add(answer);
      answer.once('close', () => this.#answers.delete(answer));
    };
    // Whoever listens to one of the others has to answer it.
    for (const event of ['request', 'checkContinue', 'checkExpectation'] as const)
      if (server.listenerCount(event) > 0) server.on(event, hear);
  }

  add(socket: Socket): void {
    // Node's server looks after the time limits of its connections, and knows which are idle, once it listens.
    if (!this.#isWatching) this.#server.emit('listening');
    this.#isWatching = true;
    this.watch(socket);
    socket.setNoDelay(true);
    this.#server.emit('connection', socket);
    socket.resume();
  }

  /** Of one that the server accepted itself. */
  watch(socket: Socket): void {
    this.#open.add(socket);
    socket.once('close', () => {
      this.#open.delete(socket);
      if (this.#open.size === 0) this.#allClosed?.resolve();
    });
  }

  /**
   * Resolves when all are closed: each after its next answer, or the one under way. Those that are idle are closed after
   * `idleMs`: at once, a client that is just about to ask would be cut off.
   */
  async close(idleMs: number): Promise<void> {
    if (this.#open.size === 0) return;
    this.#allClosed ??= Promise.withResolvers<void>();
    let timer = setTimeout(() => {
      this.#closeIdle();
      timer = setInterval(() => this.#closeIdle(), IDLE_EVERY_MS);
    }, idleMs);
    await this.#allClosed.promise;
    clearTimeout(timer);
  }

  /** Whatever is under way. */
  cutOff(): void {
    for (const socket of this.#open) socket.destroy();
  }

  #closeIdle(): void {
    // To Node it is busy until it has sent a whole head.
    for (const socket of this.#open) if (socket.bytesRead === 0) socket.destroy();
    // And idle already while the end of an answer is on its way.
    const isOnItsWay = [...this.#answers].some(
      ({ writableEnded, writableFinished }) => writableEnded && !writableFinished,
    );
    if (!isOnItsWay) this.#server.closeIdleConnections();
  }
}
