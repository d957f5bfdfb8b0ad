import type http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import { answerOn } from './server.ts';

/** So often those are closed that became idle meanwhile. */
const IDLE_EVERY_MS = 500;

/** Connections of a server: those that another process accepted, under one that does not listen itself, or its own. */
export class AcceptedConnections {
  readonly #server: http.Server | https.Server;
  readonly #open = new Set<Socket>();
  /** What HTTP is spoken on: with TLS, what is within those. */
  readonly #spoken = new Set<Socket>();
  #isWatching = false;
  #allClosed: PromiseWithResolvers<void> | undefined;

  constructor(server: http.Server | https.Server) {
    this.#server = server;
    const spoken = server instanceof https.Server ? 'secureConnection' : 'connection';
    server.on(spoken, (socket: Socket) => {
      this.#spoken.add(socket);
      socket.once('close', () => this.#spoken.delete(socket));
    });
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
      timer = setInterval(() => {
        this.#closeIdle();
        this.#closeSilent();
      }, IDLE_EVERY_MS);
    }, idleMs);
    await this.#allClosed.promise;
    clearTimeout(timer);
  }

  /** Whatever is under way. */
  cutOff(): void {
    for (const socket of this.#open) socket.destroy();
  }

  #closeIdle(): void {
    // To Node one is idle already while the end of its answer is on its way.
    const isOnItsWay = [...this.#spoken].some((socket) => {
      const answer = answerOn(socket);
      return answer?.writableEnded === true && !answer.writableFinished;
    });
    if (!isOnItsWay) this.#server.closeIdleConnections();
  }

  /** To Node one is busy until it has sent a whole head. */
  #closeSilent(): void {
    for (const socket of this.#open) if (socket.bytesRead === 0) socket.destroy();
  }
}
