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

  /** Resolves when all are closed: idle ones are at once, others after the answer under way. */
  async close(): Promise<void> {
    this.#server.closeIdleConnections();
    if (this.#open.size === 0) return;
    this.#allClosed = Promise.withResolvers<void>();
    await this.#allClosed.promise;
  }
}
