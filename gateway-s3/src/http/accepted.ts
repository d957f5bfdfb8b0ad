import type http from 'node:http';
import type https from 'node:https';
import type { Socket } from 'node:net';

/** Connections that another process accepted, under a server that does not listen itself. */
export class AcceptedConnections {
  readonly #server: http.Server | https.Server;
  readonly #open = new Set<Socket>();
  #isWatching = false;
  #allClosed: PromiseWithResolvers<void> | undefined;

  constructor(server: http.Server | https.Server) {
    this.#server = server;
  }

  add(socket: Socket): void {
    // Node's server looks after the time limits of its connections, and knows which are idle, once it listens.
    if (!this.#isWatching) this.#server.emit('listening');
    this.#isWatching = true;
    this.#open.add(socket);
    socket.once('close', () => {
      this.#open.delete(socket);
      if (this.#open.size === 0) this.#allClosed?.resolve();
    });
    socket.setNoDelay(true);
    this.#server.emit('connection', socket);
    socket.resume();
  }

  /**
   * Resolves when all are closed: each after its next answer, or the one under way. Those that are idle are closed after
   * `idleMs`: at once, a client that is just about to ask would be cut off.
   */
  async close(idleMs: number): Promise<void> {
    if (this.#open.size === 0) return;
    this.#allClosed ??= Promise.withResolvers<void>();
    const timer = setTimeout(() => this.#server.closeIdleConnections(), idleMs);
    await this.#allClosed.promise;
    clearTimeout(timer);
  }
}
